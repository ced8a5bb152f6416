//! What runs end with and are stopped by, many runs at once, loops, and approvals.

pub use pipeline_exec::{
    ApprovalRequest, Converged, Executor, GivenOutput, OutputError, Rejected, RepeatError, RunFailed, Signal,
    Stopper,
};
