//! Items that a step could not process.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::exact::Exactly;

/// An item that a step could not process; see [`StepContext::dead_letter`](crate::StepContext::dead_letter).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The name of the step.
    pub step: String,
    /// The attempt of the step.
    pub attempt: u32,
    /// The item.
    pub item: Value,
    /// Why it could not be processed.
    pub error: String,
}

impl DeadLetter {
    pub(crate) fn new(step: &str, attempt: u32, item: &impl Serialize, error: String) -> Self {
        // An item that cannot be written as JSON is lost too: the reason takes its place.
        let item = serde_json::to_value(Exactly::in_memory(item))
            .unwrap_or_else(|why| Value::String(format!("(not JSON: {why})")));
        DeadLetter { step: step.to_owned(), attempt, item, error }
    }
}
