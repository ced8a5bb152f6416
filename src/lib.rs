//! Write plain Rust functions. The parameters are the edges. rustc proves the graph. The executor runs every step the
//! moment its inputs are there.
//!
//! ```
//! use pipeline::prelude::*;
//!
//! #[step]
//! fn numbers() -> Vec<u64> {
//!     vec![1, 2, 3]
//! }
//!
//! #[step]
//! fn total(numbers: &[u64]) -> u64 {
//!     numbers.iter().sum()
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let run = Pipeline::to::<total>().run_blocking()?;
//! assert_eq!(run.output::<total>()?, &6);
//! # Ok(()) }
//! ```
//!
//! | to | use |
//! |---|---|
//! | make a function a step | [`macro@step`]; its page lists every option and parameter form |
//! | choose what to run, and with what | [`Pipeline`], [`Settings`], [`Limits`] |
//! | make a graph at run time | [`DagBuilder`], [`Handle`] |
//! | see how a run ended | [`Run`], [`RunReport`], [`Status`], [`FailureKind`] |
//! | talk to the run from inside a step | [`StepContext`] |
//! | watch a run | [`Observer`], [`Event`] |
//! | keep the history of runs | `RunStore` (feature `report`) |
//! | loop, or wait for a person | [`Repeat`], [`Approvals`] |
//! | look at the graph | [`Dag`], [`graph::Format`], [`graph::Selection`] |
//! | test steps and pipelines | [`testing`] |
//!
//! What is needed once in a while is in a module for each subject:
//!
//! | module | has |
//! |---|---|
//! | [`graph`] | definitions, plans, selections, drawings, problems |
//! | [`run`] | many runs at once, errors of outputs, loops and approvals, signals |
//! | [`settings`] | settings for groups, tags and steps; presets; settings from several sources |
//! | [`limits`] | named limits, breakers, memory |
//! | [`report`] | the parts of a report, and advice |
//! | [`event`] | what observers get, and events as data |
//! | `store` | entries, trends and differences of recorded runs (feature `report`); files as inputs, and how values are stored (feature `store`) |
//! | [`context`] | random numbers, progress and cancellation of a step |
//! | [`frame`] | what an executor of your own needs |
//! | `telemetry` | spans, traces and metrics (features `tracing`, `otel`, `prometheus`) |
//!
//! This crate is a facade: the graph is in `pipeline-core`, the executor (feature `exec`, on by default) in
//! `pipeline-exec`, the attribute in `pipeline-macros`. With the feature `cli`, `pipeline::main()` is a whole command
//! line.

pub mod context;
#[cfg(feature = "exec")]
pub mod event;
pub mod frame;
pub mod graph;
#[cfg(feature = "exec")]
pub mod limits;
pub mod prelude;
#[cfg(feature = "exec")]
pub mod report;
#[cfg(feature = "exec")]
pub mod run;
#[cfg(feature = "exec")]
pub mod settings;
#[cfg(any(feature = "report", feature = "store"))]
pub mod store;

pub use pipeline_core::frame::Status;
pub use pipeline_core::{
    Dag, DagBuilder, FailureKind, Handle, Lane, Problems, Secret, Step, StepContext, StepError,
};
#[cfg(feature = "report")]
pub use pipeline_exec::RunStore;
#[cfg(any(feature = "tracing", feature = "otel", feature = "prometheus"))]
pub use pipeline_exec::telemetry;
#[cfg(feature = "exec")]
pub use pipeline_exec::{
    Approvals, Event, Limits, Observer, Pipeline, Repeat, Run, RunHandle, RunReport, RunStatus, Settings,
    StepDefaults, testing,
};
#[cfg(feature = "cli")]
pub use pipeline_exec::{Program, main, main_with};
pub use pipeline_macros::step;

#[doc(hidden)]
pub use pipeline_core::private as __private;

#[cfg(all(doctest, feature = "exec"))]
mod error_pages;

#[cfg(all(doctest, feature = "exec"))]
mod doctests;
