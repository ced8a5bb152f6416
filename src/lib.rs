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
//! | say what to run, and with what | [`Pipeline`] |
//! | make a graph at run time | [`DagBuilder`] |
//! | see how a run ended | [`Run`], [`RunReport`] |
//! | draw random numbers that a seed repeats | [`StepContext::rng`], [`Pipeline::seed`] |
//! | watch a run | [`Observer`], [`Event`], [`Pipeline::on_run_end`] |
//! | look at the graph | [`Dag`], [`Selection`], [`Format`] |
//! | test steps and pipelines | [`testing`] |
//!
//! This crate is a facade: the graph is in `pipeline-core`, the executor (feature `exec`, on by default) in
//! `pipeline-exec`, the attribute in `pipeline-macros`. With the feature `cli`, `pipeline::main()` is a whole command
//! line.

#[cfg(feature = "exec")]
pub use pipeline_core::frame::{self, Status, StepOutput};
pub use pipeline_core::{
    Backoff, BoundParams, Cancelled, CriticalPath, Dag, DagBuilder, DeadLetter, DefRef, FailureKind,
    Fingerprint, Format, GraphDocument, Handle, Included, InputDef, InputDocument, InputKind, Inputs,
    Instance, Lane, Levels, Location, Mode, Package, ParamDef, ParamValue, Params, ParseFn, Plan,
    PlanOptions, Policy, Problem, ProblemCode, Problems, ProgressSoFar, Quorum, Refs, Resources, RunScope,
    Secret, Selection, Source, Statistics, Step, StepActivity, StepContext, StepDef, StepDocument, StepError,
    StepProgress, StepRng, StepSpec, TypeDef, View, packages, registered,
};
#[cfg(feature = "report")]
pub use pipeline_exec::graph_page;
#[cfg(any(feature = "tracing", feature = "otel", feature = "prometheus"))]
pub use pipeline_exec::telemetry;
#[cfg(feature = "exec")]
pub use pipeline_exec::{
    Advice, AdviceKind, ApprovalRequest, Approvals, AttemptReport, AttemptTimes, Because, Breaker,
    BreakerState, CommandLine, Converged, Counts, ErrorReport, Event, EventKind, EventRecord, Execute,
    Executor, Figures, InputOrigin, InputReport, LimitReport, LimitSettings, Limits, MOST_SLOTS, Observer,
    OutputError, PRESETS, Pipeline, Preset, Provenance, RateLimit, Rejected, Repeat, RepeatError,
    ResolvedSettings, Run, RunEnd, RunFailed, RunHandle, RunReport, RunStatus, RunView, SettingInForce,
    SettingKey, Settings, SettingsStack, Signal, StageReport, StepCall, StepDefaults, StepEnd, StepReport,
    StepStart, Stopper, TagSettings, ThreadKind, WaitReport, WaitedFor, advice, cores, pressure, testing,
};
#[cfg(feature = "report")]
pub use pipeline_exec::{
    CounterDiff, Pace, RunDiff, RunEntry, RunState, RunStore, StepDiff, StepTime, StepTrend, StoreError,
};
#[cfg(feature = "cli")]
pub use pipeline_exec::{main, main_with};
pub use pipeline_macros::step;

#[doc(hidden)]
pub use pipeline_core::private as __private;

pub mod prelude;

#[cfg(all(doctest, feature = "exec"))]
mod error_pages;

#[cfg(all(doctest, feature = "exec"))]
mod doctests;
