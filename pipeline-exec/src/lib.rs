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
mod limits;
mod pipeline;
pub mod pressure;
mod repeat;
mod report;
mod run;
mod runtime;
mod settings;
mod signals;
mod sync;
pub mod testing;
mod timing;

pub use approval::{ApprovalRequest, Approvals, Rejected};
#[cfg(feature = "cli")]
pub use cli::{main, main_with};
pub use event::{Event, EventKind, EventRecord, Observer, RunView};
pub use execute::Execute;
pub use executor::Executor;
pub use limits::{Breaker, BreakerState, LimitReport, LimitSettings, Limits, RateLimit};
pub use pipeline::Pipeline;
pub use repeat::{Converged, Repeat, RepeatError};
pub use report::{
    AttemptReport, Counts, ErrorReport, Figures, Provenance, RunReport, RunStatus, StepReport, ThreadKind,
};
pub use run::{OutputError, Run, RunFailed, RunHandle, Stopper};
pub use settings::{
    MOST_SLOTS, PRESETS, Preset, ResolvedSettings, SettingInForce, SettingKey, Settings, SettingsStack,
    StepDefaults, TagSettings, cores,
};
pub use signals::Signal;
