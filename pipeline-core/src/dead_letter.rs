//! Items that a step could not deal with and went on without.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An item that a step could not deal with and went on without; see
/// [`StepContext::dead_letter`](crate::StepContext::dead_letter).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The name of the step.
    pub step: String,
    /// Which of its attempts.
    pub attempt: u32,
    /// The item as the step gave it.
    pub item: Value,
    /// Why it could not be dealt with.
    pub error: String,
}

impl DeadLetter {
    pub(crate) fn new(step: &str, attempt: u32, item: &impl Serialize, error: String) -> Self {
        // What cannot be written as JSON is still an item that was lost: say so in its place.
        let item =
            serde_json::to_value(item).unwrap_or_else(|why| Value::String(format!("(not JSON: {why})")));
        DeadLetter { step: step.to_owned(), attempt, item, error }
    }
}
