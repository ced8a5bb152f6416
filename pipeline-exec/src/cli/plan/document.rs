//! A plan as data: names and figures, never values.

use std::collections::BTreeMap;
use std::time::Duration;

use pipeline_core::{InputKind, Lane, Mode, Plan, Quorum, Selection, Statistics, StepDocument};
use serde::Serialize;

use super::advice;
use crate::cli::args::SelectionArgs;
use crate::cli::caching;
use crate::cli::forecast::{Forecast, Stage, cost_of, time_per_cost};
use crate::cli::needs::{declared, is_given};
use crate::cli::runs_dir::Usual;
use crate::cli::settings::Slots;
use crate::pipeline::Pipeline;
use crate::settings::Settings;

/// The version of the document.
const SCHEMA: u32 = 1;
/// The time per unit of cost if no time is recorded.
const UNIT: Duration = Duration::from_millis(1);

/// A plan.
#[derive(Debug, Serialize)]
pub(super) struct PlanDocument {
    pub(super) schema: u32,
    /// Number of steps of the graph, including those outside of the plan.
    pub(super) in_graph: usize,
    pub(super) steps: Vec<PlannedStep>,
    /// Number of steps of each level.
    pub(super) levels: Vec<usize>,
    pub(super) critical_path: CriticalSteps,
    pub(super) kinds: BTreeMap<Kind, usize>,
    pub(super) statistics: Statistics,
    pub(super) slots: Slots,
    /// Maximum number of steps at once: the basis of the bound.
    pub(super) at_once: usize,
    /// `total / max(critical path, total / at once)`: no schedule is faster.
    pub(super) speed_up_bound: f64,
    pub(super) forecast: ForecastDocument,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) warnings: Vec<String>,
    pub(super) recommendations: Vec<String>,
}

/// A step of a plan.
#[derive(Debug, Serialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is one fact of the document")]
pub(super) struct PlannedStep {
    #[serde(flatten)]
    pub(super) written: StepDocument,
    pub(super) level: usize,
    pub(super) kind: Kind,
    /// The steps of the plan that it waits for.
    pub(super) upstream: Vec<String>,
    pub(super) is_critical: bool,
    /// Whether its output is given, so that it does not run.
    pub(super) is_given: bool,
    /// Whether it is disabled itself.
    pub(super) is_disabled: bool,
    /// Why it would be skipped.
    pub(super) skipped: Option<String>,
    /// Whether its output is looked up in the store, and stored.
    pub(super) is_cached: bool,
    /// Why it is not, if it asks for that.
    pub(super) not_cached: Option<String>,
    /// The quantities that it needs of named limits, cores and memory.
    pub(super) needs: BTreeMap<String, u64>,
    /// Its duration in earlier runs.
    pub(super) recorded: Option<Duration>,
}

/// What keeps a step from running beside others: the first that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// Only its inputs.
    Unrestricted,
    /// It has a condition, or is a branch of a switch.
    Conditional,
    /// It needs a quantity of a named limit, of cores or of memory.
    Limited,
    /// It is part of a sequence.
    Sequential,
    /// It runs alone.
    Exclusive,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Kind::Unrestricted => "unrestricted",
            Kind::Conditional => "conditional",
            Kind::Limited => "limited",
            Kind::Sequential => "sequential",
            Kind::Exclusive => "exclusive",
        }
    }

    fn of(plan: &Plan, step: usize) -> Self {
        let policy = plan.policy(step);
        let is_branch = |kind: &InputKind| matches!(kind, InputKind::Upstream { mode: Mode::Branch, .. });
        if policy.exclusive {
            Kind::Exclusive
        } else if policy.sequential.is_some() {
            Kind::Sequential
        } else if declared(plan, step).next().is_some() {
            Kind::Limited
        } else if policy.parallel_if.is_some()
            || policy.when.is_some()
            || plan.spec(step).def().inputs.iter().any(|input| is_branch(&input.kind))
        {
            Kind::Conditional
        } else {
            Kind::Unrestricted
        }
    }
}

/// The steps of the longest path, by recorded time or cost.
#[derive(Debug, Serialize)]
pub(super) struct CriticalSteps {
    pub(super) steps: Vec<String>,
    /// The sum of their costs.
    pub(super) cost: u64,
}

/// How long a run would take.
#[derive(Debug, Serialize)]
pub(super) struct ForecastDocument {
    /// Number of steps with a recorded time. The times of the others are estimated from their cost; without any
    /// recorded time, only the speed-up is meaningful.
    pub(super) recorded_steps: usize,
    #[serde(flatten)]
    pub(super) forecast: Forecast,
    pub(super) speed_up: f64,
}

/// A step of the graph that is not part of the plan.
#[derive(Debug, Serialize)]
pub(super) struct LeftOut {
    pub(super) name: String,
    pub(super) reason: &'static str,
}

impl PlanDocument {
    pub(super) fn new(
        plan: &Plan,
        pipeline: &Pipeline,
        selection: &SelectionArgs,
        history: Option<&Usual>,
    ) -> Self {
        let settings = pipeline.current_settings();
        let dag = plan.sub_dag();
        let levels = dag.levels();
        let disabled = pipeline.disabled(plan).into_iter().collect();
        let skipped = skipped(plan, &disabled);
        let recorded =
            |step: usize| history.and_then(|history| history.get(&*plan.spec(step).identity()).copied());
        let unit = time_per_cost(plan, recorded).unwrap_or(UNIT);
        let time = |step: usize| match recorded(step) {
            _ if is_given(plan, step) || skipped[step].is_some() => Duration::ZERO,
            Some(time) => time,
            None => unit.mul_f64(cost_of(plan, step)),
        };
        let times: Vec<Duration> = (0..plan.len()).map(time).collect();
        let at_once = at_once(plan, settings);
        let critical = plan.critical_path(|step| times[step].as_nanos() as u64);
        let names = |steps: &mut dyn Iterator<Item = usize>| -> Vec<String> {
            steps.map(|step| plan.spec(step).name().to_owned()).collect()
        };
        let cached = caching::of_plan(plan, pipeline);
        let mut steps: Vec<PlannedStep> = (0..plan.len())
            .map(|step| PlannedStep {
                is_disabled: plan.disabled(step).is_some() || disabled.contains_key(&step),
                written: plan.dag().step_document(plan.in_dag(step)),
                level: levels.of(step),
                kind: Kind::of(plan, step),
                upstream: names(&mut plan.waits_for(step)),
                is_critical: false,
                is_given: is_given(plan, step),
                skipped: skipped[step].clone(),
                is_cached: cached.get(&step).is_some_and(Option::is_none),
                not_cached: cached.get(&step).cloned().flatten(),
                needs: declared(plan, step).collect(),
                recorded: recorded(step),
            })
            .collect();
        critical.steps.iter().for_each(|&step| steps[step].is_critical = true);
        let mut kinds: BTreeMap<Kind, usize> = BTreeMap::new();
        steps.iter().for_each(|step| *kinds.entry(step.kind).or_default() += 1);
        let is_over = |step: usize| is_given(plan, step) || skipped[step].is_some();
        let stage = |step: usize| if is_over(step) { Stage::Ended } else { Stage::Pending };
        let with = |settings: &Settings| Forecast::new(plan, settings, &times, stage);
        let forecast = with(settings);
        PlanDocument {
            schema: SCHEMA,
            in_graph: plan.dag().len(),
            levels: levels.iter().map(<[u32]>::len).collect(),
            critical_path: CriticalSteps {
                steps: names(&mut critical.steps.iter().copied()),
                cost: critical.steps.iter().map(|&step| u64::from(steps[step].written.cost)).sum(),
            },
            kinds,
            statistics: dag.statistics(),
            slots: Slots::of(settings),
            at_once,
            speed_up_bound: dag.theoretical_speed_up(|step| times[step].as_nanos() as u64, at_once),
            forecast: ForecastDocument {
                recorded_steps: steps.iter().filter(|step| step.recorded.is_some()).count(),
                speed_up: forecast.speed_up(),
                forecast,
            },
            left_out: left_out(plan, selection),
            warnings: advice::warnings(plan, pipeline),
            recommendations: advice::recommendations(
                plan,
                &forecast,
                with,
                settings,
                &times,
                &critical.steps,
            ),
            steps,
        }
    }
}

/// Returns the maximum number of steps at once: at most the slots of the lanes that are used.
fn at_once(plan: &Plan, settings: &Settings) -> usize {
    let counts = plan.lane_counts();
    let lanes = Lane::ALL.iter().map(|lane| counts[lane.index()].min(settings.slots(*lane))).sum::<usize>();
    lanes.min(settings.workers.unwrap_or(usize::MAX)).max(1)
}

/// Returns, for each step, why it would be skipped: it is disabled, or requires one that is.
/// `disabled` has the steps that the settings disable.
fn skipped(plan: &Plan, disabled: &BTreeMap<usize, String>) -> Vec<Option<String>> {
    let mut skipped: Vec<Option<String>> = vec![None; plan.len()];
    for step in (0..plan.len()).filter(|&step| !is_given(plan, step)) {
        let in_dag = plan.in_dag(step);
        let dag = plan.dag();
        let is_skipped =
            |earlier: usize| plan.position(earlier).is_some_and(|earlier| skipped[earlier].is_some());
        let inputs = plan.spec(step).def().inputs.iter().enumerate();
        let required = inputs.filter_map(|(parameter, input)| match &input.kind {
            InputKind::Upstream { mode, quorum: Quorum::All, .. } if mode.is_required() => {
                Some(dag.sources(in_dag, parameter))
            }
            _ => None,
        });
        let required = required.flatten().map(|&earlier| earlier as usize).chain(dag.after(in_dag));
        let cause = required.into_iter().find(|&earlier| is_skipped(earlier));
        let off = plan.disabled(step).or_else(|| disabled.get(&step).map(String::as_str));
        skipped[step] = match (off, cause) {
            (Some(why), _) => Some(why.to_owned()),
            (None, Some(cause)) => Some(format!("it needs `{}`, which is skipped", dag.step(cause).name())),
            (None, None) => None,
        };
    }
    skipped
}

/// Returns the steps of the graph that are not part of the plan, and why.
fn left_out(plan: &Plan, selection: &SelectionArgs) -> Vec<LeftOut> {
    let dag = plan.dag();
    let excluded = Selection::parse(&selection.exclude).and_then(|excluded| dag.select(&excluded));
    let excluded = if selection.exclude.is_empty() { Vec::new() } else { excluded.unwrap_or_default() };
    let outside = (0..dag.len()).filter(|&step| plan.position(step).is_none());
    let reason = |step: usize| {
        if excluded.binary_search(&step).is_ok() { "excluded" } else { "not selected and not needed" }
    };
    outside.map(|step| LeftOut { name: dag.step(step).name().to_owned(), reason: reason(step) }).collect()
}
