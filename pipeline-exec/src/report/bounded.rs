//! Reports of large runs with a selection of their steps: for the page, the trace, the history and the summary.
//!
//! A list of a million steps is of use to programs only, which have `report.json`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::time::Duration;

use super::{InputOrigin, StepReport};

/// Runs of more steps are shown by a selection.
pub(crate) const LARGE: usize = 20_000;
/// Maximum number of failed steps, of other unusual ones, and of the slowest ones in a selection.
const MOST: usize = 2_000;
/// Maximum number of the slowest steps of the critical path.
const MOST_OF_PATH: usize = 500;
/// Maximum number of the steps from which a failed step got its inputs.
const MOST_INPUTS: usize = 8;

/// What a report with a selection of the steps has of the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rest {
    /// The sums of the counters of all steps.
    pub(crate) counters: BTreeMap<String, u64>,
}

/// Selects steps: those that failed, those to which something unusual happened, and the slowest.
#[derive(Default)]
pub(super) struct Selection {
    failed: Vec<usize>,
    unusual: Vec<usize>,
    slowest: BinaryHeap<Reverse<(Duration, Reverse<usize>)>>,
}

impl Selection {
    /// Adds the step at a position, in plan order.
    pub(super) fn offer(&mut self, step: usize, report: &StepReport) {
        let kind = if report.status.is_failure() {
            Some(&mut self.failed)
        } else {
            Some(&mut self.unusual).filter(|_| is_unusual(report))
        };
        if let Some(steps) = kind.filter(|steps| steps.len() < MOST) {
            steps.push(step);
        }
        let Some(work) = report.work() else { return };
        // Of equal ones, the earlier.
        let place = (work, Reverse(step));
        if self.slowest.len() < MOST {
            self.slowest.push(Reverse(place));
        } else if self.slowest.peek().is_some_and(|Reverse(least)| place > *least) {
            self.slowest.pop();
            self.slowest.push(Reverse(place));
        }
    }

    /// Returns the positions of the selected steps, in plan order. `inputs` are the steps from which a step gets its
    /// inputs.
    pub(super) fn end<I: IntoIterator<Item = usize>>(
        self,
        mut path: Vec<usize>,
        duration: impl Fn(usize) -> u64,
        inputs: impl Fn(usize) -> I,
    ) -> Vec<usize> {
        path.sort_by_key(|&step| Reverse(duration(step)));
        path.truncate(MOST_OF_PATH);
        let read = self.failed.iter().flat_map(|&step| inputs(step).into_iter().take(MOST_INPUTS));
        let mut all: Vec<usize> = read.chain(path).collect();
        all.extend(self.slowest.into_iter().map(|Reverse((_, Reverse(step)))| step));
        all.extend(self.failed);
        all.extend(self.unusual);
        all.sort_unstable();
        all.dedup();
        all
    }
}

fn is_unusual(step: &StepReport) -> bool {
    !step.status.has_output()
        || !step.failed_attempts.is_empty()
        || step.fallback_used
        || step.still_running > 0
        || step.slow_poll.is_some()
}

/// Replaces positions in the plan by positions in `steps`, which were selected from it. Those of other steps are left out.
pub(super) fn renumber(steps: &mut [StepReport], selected: &[usize]) {
    let place: HashMap<usize, usize> =
        selected.iter().enumerate().map(|(place, &step)| (step, place)).collect();
    let renumbered = |steps: &mut Vec<usize>| {
        *steps = steps.iter().filter_map(|step| place.get(step).copied()).collect();
    };
    for step in steps {
        renumbered(&mut step.upstream);
        for input in &mut step.inputs {
            if let InputOrigin::Steps(steps) = &mut input.origin {
                renumbered(steps);
            }
        }
    }
}
