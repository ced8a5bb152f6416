//! Values of steps that survive the run.

mod caching;
mod resuming;
mod settings;
