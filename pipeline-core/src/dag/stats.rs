//! Figures about a graph.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::Dag;
use crate::location::Package;
use crate::step::{InputKind, Mode};

/// Figures about a graph, for `plan`, reports and dashboards.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Statistics {
    /// Number of steps.
    pub steps: usize,
    /// Number of distinct edges, data and `after` together.
    pub edges: usize,
    /// Number of steps that need no other.
    pub sources: usize,
    /// Number of steps that no other needs.
    pub sinks: usize,
    /// Number of levels, which is the number of steps on the longest path.
    pub depth: usize,
    /// The first of the levels with the most steps.
    pub widest_level: usize,
    /// Number of steps on that level.
    pub widest: usize,
    /// Edges per step: the average number of steps that a step needs.
    pub average_degree: f64,
    /// Number of steps that take an output by value, and so run after all its readers.
    pub takers: usize,
    /// Number of steps that read an outcome rather than a value, and so run even if an upstream step failed.
    pub conditional: usize,
    /// Steps by lane.
    pub by_lane: BTreeMap<String, usize>,
    /// Steps by group; those without a group are not in it.
    pub by_group: BTreeMap<String, usize>,
    /// Steps by tag; a step counts for each of its tags.
    pub by_tag: BTreeMap<String, usize>,
    /// Steps by package, `name version`; closures belong to none.
    pub by_package: BTreeMap<String, usize>,
}

impl Dag {
    /// Computes the figures of the graph.
    ///
    /// # Complexity
    /// O(steps + edges).
    pub fn statistics(&self) -> Statistics {
        let levels = self.levels();
        let (widest_level, widest) = levels.widest();
        let mut statistics = Statistics {
            steps: self.len(),
            edges: self.edge_count(),
            sources: (0..self.len()).filter(|&step| self.upstream(step).is_empty()).count(),
            sinks: self.sinks().count(),
            depth: levels.depth(),
            widest_level,
            widest,
            average_degree: self.edge_count() as f64 / self.len().max(1) as f64,
            ..Statistics::default()
        };
        let mut packages: HashMap<Package, usize> = HashMap::new();
        for spec in self.steps() {
            let def = spec.def();
            let has_mode = |wanted: fn(Mode) -> bool| {
                let mut inputs = def.inputs.iter();
                inputs.any(|input| matches!(input.kind, InputKind::Upstream { mode, .. } if wanted(mode)))
            };
            statistics.takers += usize::from(has_mode(|mode| mode == Mode::Take));
            statistics.conditional += usize::from(has_mode(|mode| !mode.is_required()));
            count(&mut statistics.by_lane, def.lane.name());
            if let Some(group) = &def.group {
                count(&mut statistics.by_group, group);
            }
            for tag in def.tags.iter() {
                count(&mut statistics.by_tag, tag);
            }
            *packages.entry(def.package).or_default() += 1;
        }
        let named = packages.into_iter().filter(|(package, _)| !package.name.is_empty());
        statistics.by_package = named.map(|(package, steps)| (package.to_string(), steps)).collect();
        statistics
    }

    /// Returns the upper bound of the speed-up over one step at a time with this number of workers: `total /
    /// max(critical path, total / workers)`. No schedule is faster. 1 if all costs are zero. Zero workers count as one.
    ///
    /// # Complexity
    /// O(steps + edges).
    pub fn theoretical_speed_up(&self, cost: impl Fn(usize) -> u64, workers: usize) -> f64 {
        let costs: Vec<u64> = (0..self.len()).map(cost).collect();
        let total: f64 = costs.iter().map(|&cost| cost as f64).sum();
        if total == 0.0 {
            return 1.0;
        }
        let longest = self.critical_path(|step| costs[step]).cost as f64;
        total / longest.max(total / workers.max(1) as f64)
    }
}

/// Adds one to an entry. Allocates only for a new one.
fn count(counts: &mut BTreeMap<String, usize>, key: &str) {
    match counts.get_mut(key) {
        Some(count) => *count += 1,
        None => drop(counts.insert(key.to_owned(), 1)),
    }
}
