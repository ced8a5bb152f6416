//! Times of the groups and levels of a run. They are labels and figures, never barriers.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{RunReport, StepReport};

/// Times of a group or level of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StageReport {
    /// Name of the group, or number of the level, from 0.
    pub name: String,
    /// Number of its steps.
    pub steps: usize,
    /// Time from run start to the start of the first of them; `None` if none ran, or nothing was timed.
    pub start: Option<Duration>,
    /// Time from that start to the end of the last of them.
    pub wall: Duration,
    /// Their time at work, all together.
    pub total: Duration,
}

impl RunReport {
    /// Returns the times of each group, in the order of their first steps in the plan. Steps without a group are left out.
    /// O(steps).
    pub fn groups(&self) -> Vec<StageReport> {
        let mut stages: Vec<StageReport> = Vec::new();
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for step in &self.steps {
            let Some(group) = step.group.as_deref() else { continue };
            let place = *places.entry(group).or_insert_with(|| {
                stages.push(StageReport::new(group.to_owned()));
                stages.len() - 1
            });
            stages[place].add(step);
        }
        stages
    }

    /// Returns the times of each level. The first level has the steps that wait for nothing, each other level the steps that
    /// wait for a step of the level before. O(steps + edges).
    pub fn levels(&self) -> Vec<StageReport> {
        let mut level = vec![0_usize; self.steps.len()];
        let mut stages: Vec<StageReport> = Vec::new();
        for (index, step) in self.steps.iter().enumerate() {
            // Steps are in plan order: upstream steps come before. A report from elsewhere may be wrong.
            let earlier = step.upstream.iter().filter(|&&earlier| earlier < index);
            level[index] = earlier.map(|&earlier| level[earlier] + 1).max().unwrap_or(0);
            while stages.len() <= level[index] {
                stages.push(StageReport::new(stages.len().to_string()));
            }
            stages[level[index]].add(step);
        }
        stages
    }

    /// Returns the sums of the counters of all steps, by name. O(steps).
    pub fn counters(&self) -> BTreeMap<&str, u64> {
        if let Some(rest) = &self.rest {
            return rest.counters.iter().map(|(name, sum)| (name.as_str(), *sum)).collect();
        }
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, count) in self.steps.iter().flat_map(|step| &step.activity.counters) {
            let sum = sums.entry(name).or_default();
            *sum = sum.saturating_add(*count);
        }
        sums
    }
}

impl StageReport {
    fn new(name: String) -> Self {
        StageReport { name, steps: 0, start: None, wall: Duration::ZERO, total: Duration::ZERO }
    }

    fn add(&mut self, step: &StepReport) {
        self.steps += 1;
        let (Some(start), Some(duration)) = (step.start, step.duration) else { return };
        let end = (start + duration).max(self.start.unwrap_or_default() + self.wall);
        let start = self.start.map_or(start, |earlier| earlier.min(start));
        self.start = Some(start);
        self.wall = end.saturating_sub(start);
        self.total += step.work().unwrap_or_default();
    }
}
