//! What survives a run: values of steps in a store (feature `store`), and the history of runs in a
//! [`RunStore`](crate::RunStore) (feature `report`): entries, trends, differences.

#[cfg(feature = "store")]
pub use pipeline_core::StoreAs;
#[cfg(feature = "store")]
pub use pipeline_exec::store::{
    CodeBy, Compression, Content, GcRules, InputDir, InputFile, InputGlob, Key, Record, RecordedCode,
    RecordedInput, RecordedParam, RecordedPlace, RecordedSource, RecordedType, Removed, StepSize, StoredDir,
    StoredFile, StoredValue, ValueStore, ValueStoreError, Verified,
};
#[cfg(feature = "report")]
pub use pipeline_exec::{
    CounterDiff, Pace, RunDiff, RunEntry, RunState, StepDiff, StepTime, StepTrend, StoreError,
};
