//! The history of runs in a [`RunStore`](crate::RunStore): entries, trends, differences.

pub use pipeline_exec::{
    CounterDiff, Pace, RunDiff, RunEntry, RunState, StepDiff, StepTime, StepTrend, StoreError,
};
