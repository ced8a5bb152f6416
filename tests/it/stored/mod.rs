//! Values of steps that survive the run.

mod caching;
mod edges;
mod files;
mod forms;
mod options;
mod resuming;
mod settings;
