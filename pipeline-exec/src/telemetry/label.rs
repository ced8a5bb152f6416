//! Labels of metrics, bounded in number and length.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use pipeline_core::{Lane, Plan};

use crate::text::clean;

/// Maximum number of different steps or groups, because a monitoring system keeps a series for each.
const MOST: usize = 1000;
/// Maximum length of a name, in characters.
const LONGEST: usize = 128;
/// The name for all others.
const OTHER: &str = "(other)";

/// The label by which the metrics of steps differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LabelBy {
    /// A series for each step, by its name. After 1000 names, the others are counted together, as `(other)`.
    #[default]
    Step,
    /// A series for each group; steps without one have an empty label. For pipelines of many or generated steps.
    Group,
}

/// The labels of a step, without its status.
#[derive(Clone, Debug)]
pub(super) struct StepLabels {
    pub(super) by: LabelBy,
    /// The name of the step or group: at most 128 characters, none of them a terminal control character.
    pub(super) name: String,
    pub(super) lane: Lane,
}

/// Makes labels, and bounds their number.
#[derive(Debug, Default)]
pub(super) struct Labels {
    by: LabelBy,
    known: Mutex<HashSet<String>>,
}

impl Labels {
    pub(super) fn new(by: LabelBy) -> Self {
        Labels { by, known: Mutex::default() }
    }

    /// Returns the labels of the step at a position of a plan.
    pub(super) fn of(&self, plan: &Plan, step: usize) -> StepLabels {
        let spec = plan.spec(step);
        let name = match self.by {
            LabelBy::Step => spec.name(),
            LabelBy::Group => spec.def().group.as_deref().unwrap_or_default(),
        };
        StepLabels { by: self.by, name: self.bounded(shortened(name)), lane: plan.lane(step) }
    }

    fn bounded(&self, name: String) -> String {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(&name) {
            return name;
        }
        if known.len() >= MOST {
            return OTHER.to_owned();
        }
        known.insert(name.clone());
        name
    }
}

/// Returns a name on one line, shortened if it is long.
fn shortened(name: &str) -> String {
    let head: String = name.chars().take(LONGEST).collect();
    let cleaned = clean(&head).replace('\n', "\\n");
    if cleaned.chars().count() <= LONGEST && head.len() == name.len() {
        return cleaned;
    }
    cleaned.chars().take(LONGEST - 1).chain(['…']).collect()
}
