//! Why steps did not run at the same time.

use pipeline_core::Lane;

use crate::record::RunRecord;
use crate::settings::cores;

/// Maximum number of reasons that name a step.
const MOST: usize = 1_000;

/// What kept steps from running at the same time, in words.
pub(super) fn limited_by(run: &RunRecord) -> Vec<String> {
    if run.settings.deterministic {
        return Vec::new();
    }
    let plan = run.frame.plan();
    let mut reasons: Vec<String> =
        run.one_at_a_time.iter().map(|reason| format!("one step at a time: {reason}")).collect();
    if reasons.is_empty() {
        reasons.extend(few_slots(run));
    }
    for step in 0..plan.len() {
        let (policy, name) = (plan.policy(step), plan.spec(step).name());
        for clamped in run.clamped(step) {
            let (name_of, amount, capacity) = (&clamped.name, clamped.amount, clamped.capacity);
            let gets =
                if capacity == 0 { "it waits until the capacity is raised" } else { "it gets all of it" };
            reasons.push(format!(
                "`{name}` needs {amount} of `{name_of}`, whose capacity is {capacity}: {gets}"
            ));
        }
        if policy.exclusive {
            reasons.push(format!("`{name}` runs alone: it is exclusive"));
        } else if policy.parallel_if.is_some() && !run.settings.conditional {
            reasons.push(format!("`{name}` runs alone: the settings have `conditional` off"));
        } else if run.ran_alone(step) {
            reasons.push(format!("`{name}` ran alone: its `parallel_if` returned false"));
        }
    }
    if let Some(more) = reasons.len().checked_sub(MOST).filter(|more| *more > 0) {
        reasons.truncate(MOST);
        reasons.push(format!("and {more} more reasons of this kind"));
    }
    let changes = run.resources().map(|(_, changes)| changes).unwrap_or_default();
    reasons.extend(changes.iter().map(ToString::to_string));
    reasons
}

/// Why there was one slot for several steps: the settings, or the machine.
fn few_slots(run: &RunRecord) -> Option<String> {
    let cpu_steps = run.frame.plan().lane_counts()[Lane::Cpu.index()];
    match (run.settings.workers, run.settings.cpu) {
        (Some(1), _) => Some("one step at a time: the settings have one worker".to_owned()),
        (_, 1) if cpu_steps > 1 && cores() == 1 => {
            Some("one CPU step at a time: the process may use one core".to_owned())
        }
        (_, 1) if cpu_steps > 1 => Some("one CPU step at a time: the settings have one CPU slot".to_owned()),
        _ => None,
    }
}
