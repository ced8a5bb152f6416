//! The parts of a [`RunReport`](crate::RunReport).

pub use pipeline_core::{DeadLetter, Fingerprint};
pub use pipeline_exec::pressure::{Change, Curve, CurvePoint, Pressure};
pub use pipeline_exec::{
    Advice, AdviceKind, AttemptReport, AttemptTimes, CachedFrom, CommandLine, Counts, ErrorReport, Figures,
    InputOrigin, InputReport, LimitReport, NestedFailure, NestedReport, Provenance, ResumeReport, RunAgain,
    StageReport, StepReport, StoreReport, ThreadKind, WaitReport, WaitedFor, advice,
};
