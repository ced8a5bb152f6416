//! What the labels of metrics say: bounded, whatever the steps are called.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use pipeline_core::{Lane, Plan};

use crate::text::clean;

/// So many different steps or groups are told apart; a monitoring system keeps a series for each.
const MOST: usize = 1000;
/// So many characters of a name are kept.
const LONGEST: usize = 128;
/// What stands for all the others.
const OTHER: &str = "(other)";

/// By what the metrics of steps are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LabelBy {
    /// A series for each step, by its name. After 1000 names, further ones are counted together, as `(other)`.
    #[default]
    Step,
    /// A series for each group; steps without one have an empty label. For pipelines of many or generated steps.
    Group,
}

/// What the metrics of a step are labelled with, beside its status.
#[derive(Clone, Debug)]
pub(super) struct StepLabels {
    pub(super) by: LabelBy,
    /// The name of the step or group: at most 128 characters, none that could steer a terminal.
    pub(super) name: String,
    pub(super) lane: Lane,
}

/// Makes labels, and keeps their number in bounds.
#[derive(Debug, Default)]
pub(super) struct Labels {
    by: LabelBy,
    known: Mutex<HashSet<String>>,
}

impl Labels {
    pub(super) fn new(by: LabelBy) -> Self {
        Labels { by, known: Mutex::default() }
    }

    /// The labels of the step at a position of a plan.
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

/// A name in one line, cut where it is long.
fn shortened(name: &str) -> String {
    let head: String = name.chars().take(LONGEST).collect();
    let cleaned = clean(&head).replace('\n', "\\n");
    if cleaned.chars().count() <= LONGEST && head.len() == name.len() {
        return cleaned;
    }
    cleaned.chars().take(LONGEST - 1).chain(['…']).collect()
}
