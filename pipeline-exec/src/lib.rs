//! How a pipeline runs: the scheduler, runs, events, reports, and the command line.
//!
//! `Pipeline` (what to run) → `RunHandle` (a run under way) → `Run` (what is left of it) → `RunReport` (data).

#![warn(clippy::print_stdout, clippy::print_stderr)]

mod approval;
#[cfg(feature = "cli")]
mod cli;
mod engine;
mod event;
mod execute;
mod executor;
#[cfg(any(feature = "report", feature = "store"))]
mod files;
mod limits;
mod pipeline;
pub mod pressure;
mod quantity;
mod record;
mod repeat;
mod report;
mod rules;
mod run;
#[cfg_attr(not(feature = "report"), path = "runs/absent.rs")]
mod runs;
mod runtime;
mod settings;
mod signals;
mod stderr;
mod stopper;
#[cfg_attr(not(feature = "store"), path = "store/absent.rs")]
pub mod store;
mod stored;
mod sync;
#[cfg(any(feature = "tracing", feature = "otel", feature = "prometheus"))]
pub mod telemetry;
pub mod testing;
mod text;
mod timing;

pub use approval::{ApprovalRequest, Approvals, Rejected};
#[cfg(feature = "cli")]
pub use cli::{Program, main, main_with};
pub use event::{Because, Event, EventKind, EventRecord, Observer, RunEnd, RunView, StepCall};
pub use execute::Execute;
pub use executor::Executor;
pub use limits::{Breaker, BreakerState, LimitReport, LimitSettings, Limits, RateLimit};
pub use pipeline::{Classifier, GivenOutput, Pipeline, Validator, Verdict};
pub use repeat::{Converged, Repeat, RepeatError};
#[cfg(feature = "report")]
pub use report::graph_page;
pub use report::{
    Advice, AdviceKind, AttemptReport, AttemptTimes, CommandLine, Counts, ErrorReport, Figures, InputOrigin,
    InputReport, NestedFailure, NestedReport, Provenance, RunReport, RunStatus, StageReport, StepReport,
    ThreadKind, WaitReport, WaitedFor, advice,
};
pub use run::{OutputError, Run, RunFailed, RunHandle};
#[cfg(feature = "report")]
pub use runs::{
    CounterDiff, Pace, RunDiff, RunEntry, RunState, RunStore, StepDiff, StepTime, StepTrend, StoreError,
};
pub use settings::{
    CacheMode, Durability, MOST_SLOTS, ResolvedSettings, ResumeMode, SettingInForce, Settings, SettingsStack,
    StepCache, StepDefaults, TagSettings, cores,
};
pub use signals::Signal;
pub use stopper::Stopper;
pub use stored::{CachedFrom, ResumeReport, RunAgain, StoreReport};
