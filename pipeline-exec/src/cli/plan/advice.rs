//! Warnings about a plan, and what would make its run shorter: only what a user can change.

use std::collections::BTreeMap;
use std::time::Duration;

use pipeline_core::{InputKind, Lane, Plan};

use crate::cli::caching;
use crate::cli::forecast::Forecast;
use crate::cli::needs::{capacities, declared, is_given, known_limits, without_capacity};
use crate::cli::wording::fit;
use crate::pipeline::Pipeline;
use crate::settings::{Settings, cores};

/// Minimum gain of a recommendation, as a part of the duration.
const WORTH_IT: f64 = 0.1;

/// Returns what will probably surprise.
pub(super) fn warnings(plan: &Plan, pipeline: &Pipeline) -> Vec<String> {
    let settings = pipeline.current_settings();
    let mut warnings = unread_params(plan, pipeline);
    let capacity = capacities(plan, settings);
    for step in (0..plan.len()).filter(|&step| !is_given(plan, step)) {
        for (name, amount) in declared(plan, step) {
            if capacity.get(&name).is_some_and(|capacity| amount > *capacity) {
                warnings.push(format!(
                    "`{}` needs {amount} of `{name}`, whose capacity is {}: it takes all of it, and no other step that needs \
                     `{name}` runs beside it",
                    fit(plan.spec(step).name(), 40),
                    capacity[&name],
                ));
            }
        }
    }
    warnings.extend(without_capacity(plan, &known_limits(pipeline)));
    warnings.extend(caching::warnings(plan, pipeline));
    warnings
}

/// Returns a warning for each given run parameter that no step of the plan reads.
fn unread_params(plan: &Plan, pipeline: &Pipeline) -> Vec<String> {
    let mut read: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for step in (0..plan.len()).filter(|&step| !is_given(plan, step)) {
        for input in plan.spec(step).def().inputs.iter() {
            if let InputKind::Param(param) = &input.kind {
                read.entry(&param.name).or_default().push(plan.in_dag(step));
            }
        }
    }
    let params = pipeline.params();
    let is_read_by = |(step, param): (&str, &str)| {
        read.get(param).is_some_and(|steps| plan.dag().find(step).is_ok_and(|step| steps.contains(&step)))
    };
    let of_step =
        |name: &str| name.match_indices('.').any(|(dot, _)| is_read_by((&name[..dot], &name[dot + 1..])));
    let unread = params.names().filter(|name| !read.contains_key(name) && !of_step(name));
    unread
        .map(|name| {
            let origin = params.origin(name).unwrap_or_default();
            format!(
                "run parameter `{}` ({}) is not read by any step of this plan",
                fit(name, 40),
                fit(origin, 60)
            )
        })
        .collect()
}

/// Returns what would make the run shorter, according to its simulated schedule.
pub(super) fn recommendations(
    plan: &Plan,
    now: &Forecast,
    forecast: impl Fn(&Settings) -> Forecast,
    settings: &Settings,
    times: &[Duration],
    critical: &[usize],
) -> Vec<String> {
    let mut found = Vec::new();
    let shorter = |settings: &Settings| {
        let then = forecast(settings).wall;
        let is_worth_it = then.as_secs_f64() < now.wall.as_secs_f64() * (1.0 - WORTH_IT);
        is_worth_it.then(|| now.wall.as_secs_f64() / then.as_secs_f64().max(f64::MIN_POSITIVE))
    };
    if let Some(workers) = settings.workers {
        let mut wider = settings.clone();
        wider.workers = Some(workers.saturating_mul(2));
        for lane in Lane::ALL {
            let slots = wider.slots(lane).max(workers.saturating_mul(2));
            wider = wider.with_slots(lane, slots);
        }
        if let Some(by) = shorter(&wider) {
            found.push(format!("`--workers {}` would make it {by:.1} × faster", workers * 2));
        }
    }
    for lane in Lane::ALL {
        let slots = settings.slots(lane);
        let most = if lane.spec().per_core { cores() } else { usize::MAX };
        let more = slots.saturating_mul(2).min(most);
        if more > slots
            && let Some(by) = shorter(&settings.clone().with_slots(lane, more))
        {
            found.push(format!("`--{lane} {more}` would make it {by:.1} × faster"));
        }
    }
    for (name, capacity) in capacities(plan, settings) {
        let mut wider = settings.clone();
        let limit = wider.limits.entry(name.clone()).or_default();
        limit.capacity = capacity.max(1).saturating_mul(2);
        if let Some(by) = shorter(&wider) {
            let name = fit(&name, 40);
            found.push(format!("twice the capacity of the limit `{name}` would make it {by:.1} × faster"));
        }
    }
    found.extend(longest(plan, times, now, critical));
    found
}

/// Returns advice about the longest step of the critical path, if more slots cannot make the run shorter.
fn longest(plan: &Plan, times: &[Duration], now: &Forecast, critical: &[usize]) -> Option<String> {
    let is_bound = now.critical_path.as_secs_f64() >= now.wall.as_secs_f64() * (1.0 - WORTH_IT);
    let step = *critical.iter().max_by_key(|&&step| times[step])?;
    let part = times[step].as_secs_f64() / now.critical_path.as_secs_f64().max(f64::MIN_POSITIVE);
    let busy = critical.iter().filter(|&&step| !times[step].is_zero()).count();
    // If all steps take about as long, or there is only one, naming one does not help.
    (is_bound && busy > 1 && part >= 1.5 / busy as f64).then(|| {
        let name = fit(plan.spec(step).name(), 40);
        format!(
            "the critical path limits the run, and `{name}` is {:.0} % of it: make it faster, or split it",
            part * 100.0
        )
    })
}
