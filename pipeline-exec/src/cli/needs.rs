//! The quantities of named limits, cores and memory that steps need while they run, and the capacities.

use std::collections::{BTreeMap, BTreeSet};

use pipeline_core::Plan;

use super::wording::{counted, fit};
use crate::limits::LimitSettings;
use crate::pipeline::Pipeline;
use crate::settings::Settings;

/// Reports whether the output of a step is given.
pub(super) fn is_given(plan: &Plan, step: usize) -> bool {
    plan.given().binary_search(&(step as u32)).is_ok()
}

/// Returns the quantities that a step needs while it runs, by the name of the limit.
pub(super) fn declared(plan: &Plan, step: usize) -> impl Iterator<Item = (String, u64)> {
    let policy = plan.policy(step);
    let named = policy.limits.iter().map(|(name, amount)| (name.to_string(), u64::from(*amount)));
    let memory = policy.memory.map(|bytes| ("memory".to_owned(), bytes));
    let cores = policy.cores.map(|cores| ("cores".to_owned(), u64::from(cores)));
    named.chain(memory).chain(cores)
}

/// Returns the capacity of each limit that a step of the plan needs; unlimited ones are left out.
pub(super) fn capacities(plan: &Plan, settings: &Settings) -> BTreeMap<String, u64> {
    let machine: BTreeMap<&str, LimitSettings> = settings.machine_limits().collect();
    let mut all = BTreeMap::new();
    for (name, _) in (0..plan.len()).flat_map(|step| declared(plan, step)) {
        let limit = settings.limits.get(&name).or_else(|| machine.get(name.as_str()));
        let capacity = match (limit, name.as_str()) {
            (Some(limit), _) => limit.capacity,
            (None, "memory") => continue,
            (None, _) => 1,
        };
        all.insert(name, capacity);
    }
    all
}

/// Returns the limits with a configured capacity.
pub(super) fn known_limits(pipeline: &Pipeline) -> BTreeSet<String> {
    let configured = pipeline.make_limits(None).snapshot().into_iter().map(|limit| limit.name);
    configured.chain(["cores", "memory"].map(str::to_owned)).collect()
}

/// Returns a warning for each limit without a capacity that several steps of the plan need: they run one at a time.
pub(super) fn without_capacity(plan: &Plan, known: &BTreeSet<String>) -> Vec<String> {
    let mut needed: BTreeMap<String, usize> = BTreeMap::new();
    for step in (0..plan.len()).filter(|&step| !is_given(plan, step)) {
        let unknown = declared(plan, step).filter(|(name, _)| !known.contains(name));
        unknown.for_each(|(name, _)| *needed.entry(name).or_default() += 1);
    }
    let several = needed.into_iter().filter(|(_, steps)| *steps > 1);
    several
        .map(|(name, steps)| {
            format!(
                "limit `{}` has no capacity set; using 1, so its {} run one at a time",
                fit(&name, 40),
                counted(steps, "step"),
            )
        })
        .collect()
}
