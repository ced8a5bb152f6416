//! Values of steps that survive the run.

mod caching;
mod options;
mod resuming;
mod settings;
