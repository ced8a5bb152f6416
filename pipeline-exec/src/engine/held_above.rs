//! Limits that the steps above a nested run hold while they wait for it.
//!
//! A step lends its slot to the run that it waits for, but not what it holds of named limits: it still uses what these
//! protect (a connection, memory). A step of the nested run that needs more than is left would wait for ever, so the run is
//! refused.

use std::collections::BTreeMap;

use pipeline_core::{Plan, Problem, ProblemCode};

use super::Engine;
use super::group::Parent;
use crate::limits::Limits;
use crate::rules::named_needs;
use crate::settings::Settings;

/// What is held of one limit: the amount, and the innermost step that holds some.
struct HeldAbove {
    amount: u64,
    by: String,
}

/// Problems of a nested run whose steps could never start, because the steps above it hold what they need.
pub(crate) fn never_admitted(
    parent: &Parent,
    plan: &Plan,
    settings: &Settings,
    limits: &Limits,
) -> Vec<Problem> {
    let held = held_above(parent, limits);
    if held.is_empty() {
        return Vec::new();
    }
    let mut problems = Vec::new();
    for step in 0..plan.len() {
        for (name, amount) in named_needs(plan.policy(step), settings, limits) {
            let Some(held) = held.get(&*name) else { continue };
            let capacity = limits.capacity(&name);
            // A step that needs more than there is gets all of it. If there is nothing, more has to come anyway.
            let needed = amount.min(capacity);
            if needed > capacity.saturating_sub(held.amount) {
                let spec = plan.spec(step);
                let message = format!(
                    "`{}` needs {needed} of the limit `{name}`, of whose {capacity} the steps above this run hold {} until it \
                     has ended: it would wait for ever",
                    spec.name(),
                    held.amount
                );
                problems.push(
                    Problem::new(ProblemCode::InvalidSetting, message)
                        .step(spec.name(), spec.location())
                        .note(format!("held by `{}`, which waits for this run", held.by))
                        .hint("name the limit on the steps of the inner run only, or raise its capacity"),
                );
            }
        }
    }
    problems
}

/// What the steps above a run hold of these limits.
fn held_above(parent: &Parent, limits: &Limits) -> BTreeMap<String, HeldAbove> {
    let mut held = BTreeMap::<String, HeldAbove>::new();
    let mut above = Some(parent.clone());
    while let Some(parent) = above.take() {
        let Some(engine) = parent.engine() else { break };
        if engine.record.limits.is_same(limits) {
            for (name, amount) in needs_of(&engine, parent.step()) {
                let amount = amount.min(limits.capacity(&name));
                let by = || engine.frame.plan().spec(parent.step()).name().to_owned();
                held.entry(name).or_insert_with(|| HeldAbove { amount: 0, by: by() }).amount += amount;
            }
        }
        above.clone_from(&engine.parent);
    }
    held
}

fn needs_of(engine: &Engine, step: usize) -> impl Iterator<Item = (String, u64)> {
    let needs = named_needs(engine.frame.plan().policy(step), &engine.record.settings, &engine.record.limits);
    needs.into_iter().map(|(name, amount)| (name.into_owned(), amount))
}
