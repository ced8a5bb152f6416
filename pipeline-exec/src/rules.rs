//! Rules of the steps of one run: each step's policy, over the defaults of its group and of the run.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use pipeline_core::frame::MOST_ATTEMPTS;
use pipeline_core::{Backoff, Plan, Policy, StepError, contain};

use crate::limits::{CORES, LimitSettings, Limits, MEMORY, Need};
use crate::settings::{Settings, StepDefaults, cannot_be_retried, in_reach};
use crate::{stderr, text};

/// Rule of one step, or of many equal ones.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is one option of a step, on its own")]
pub(crate) struct Rule {
    pub(crate) timeout: Option<Duration>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) retries: u32,
    pub(crate) backoff: Backoff,
    /// Whether an attempt may be given up.
    pub(crate) watched: bool,
    pub(crate) fail_fast: bool,
    pub(crate) idempotent: bool,
    pub(crate) no_cancel: bool,
    pub(crate) on_failure: Option<fn(&StepError)>,
    pub(crate) has_fallback: bool,
    /// What the step needs before it starts; empty for most.
    pub(crate) needs: Arc<[Need]>,
    /// What it needs instead if `parallel_if` returns false.
    pub(crate) needs_alone: Arc<[Need]>,
    pub(crate) parallel_if: Option<fn() -> bool>,
    /// Whether nothing is to be done but to run and finish the step.
    pub(crate) simple: bool,
}

impl Rule {
    /// Whether nothing is to be done but to run and finish the step.
    fn is_simple(&self) -> bool {
        !self.watched
            && self.retries == 0
            && self.needs.is_empty()
            && !self.fail_fast
            && !self.has_user_code()
    }

    /// When an attempt is overdue, given when it and the first attempt started, on one scale.
    pub(crate) fn due(&self, attempt_start: Duration, first_start: Duration) -> Option<Duration> {
        let timeout = self.timeout.map(|timeout| attempt_start + timeout);
        let deadline = self.deadline.map(|deadline| first_start + deadline);
        [timeout, deadline].into_iter().flatten().min()
    }

    fn set_needs(
        &mut self,
        policy: &Policy,
        settings: &Settings,
        limits: &Limits,
        gate: Option<&ExclusiveGate>,
        urgency: u64,
    ) {
        let named = named_needs(policy, settings, limits);
        self.needs = needs(gate.map(|gate| gate.need(policy.exclusive)), limits, &named, urgency);
        if policy.parallel_if.is_some() {
            self.needs_alone = needs(gate.map(|gate| gate.need(true)), limits, &named, urgency);
        }
    }

    /// What the step needs before it starts, as `parallel_if` decides now. If that panics, the step runs alone.
    pub(crate) fn needs(&self, settings: &Settings, step: &str) -> &Arc<[Need]> {
        let alone = self.parallel_if.is_some_and(|may| !settings.conditional || !is_allowed(may, step));
        if alone { &self.needs_alone } else { &self.needs }
    }

    /// Whether ending the step calls the user's code.
    pub(crate) fn has_user_code(&self) -> bool {
        self.on_failure.is_some() || self.has_fallback
    }
}

fn is_allowed(parallel_if: fn() -> bool, step: &str) -> bool {
    contain::guard(parallel_if).unwrap_or_else(|panic| {
        let text = format!("warning: `parallel_if` of step `{step}` panicked: {panic}; the step runs alone");
        stderr::write(&format!("{}\n", text::clean(&text)));
        false
    })
}

/// Rules of the steps of one run.
#[derive(Debug)]
pub(crate) struct Rules {
    /// The index into `all` of each step; empty if one rule holds for every step.
    of: Vec<u32>,
    all: Vec<Rule>,
    /// Present if some step has to be alone.
    exclusive: Option<ExclusiveGate>,
}

impl Rules {
    /// The rules of a run; `None` if nothing is to be done but to run and finish each step.
    pub(crate) fn new(plan: &Plan, settings: &Settings, limits: &Limits) -> Option<Rules> {
        let by_run = may_give_up(settings)
            || settings.defaults != StepDefaults::default()
            || !settings.groups.is_empty()
            || !settings.steps.is_empty();
        match (plan.is_plain(), by_run) {
            (true, false) => None,
            (true, true) if settings.groups.is_empty() && settings.steps.is_empty() && !plan.has_takers() => {
                let rule = Rule::of(&Policy::NONE, settings, StepSettings::default(), false);
                Some(Rules { of: Vec::new(), all: vec![rule], exclusive: None })
            }
            _ => Some(Rules::one_by_one(plan, settings, limits)),
        }
    }

    /// The rules of a run whose steps differ; equal ones share one.
    fn one_by_one(plan: &Plan, settings: &Settings, limits: &Limits) -> Rules {
        let gate = ExclusiveGate::of(plan);
        let mut rules = Rules { of: Vec::with_capacity(plan.len()), all: Vec::new(), exclusive: None };
        let by_name = settings.by_name(plan.dag());
        let mut alike: HashMap<(Option<&str>, bool, bool), u32> = HashMap::new();
        for step in 0..plan.len() {
            let policy = plan.policy(step);
            let group = plan.spec(step).def().group.as_deref();
            let group = group.filter(|group| settings.groups.contains_key(*group));
            let name = by_name.get(&plan.in_dag(step));
            let takes = cannot_be_retried(plan.spec(step).def());
            let is_async = plan.lane(step).is_async();
            let make = || {
                let by_settings =
                    StepSettings { name, group: group.and_then(|group| settings.groups.get(group)) };
                let mut rule = Rule::of(policy, settings, by_settings, takes);
                rule.watched |= plan.may_be_unused(step);
                rule.set_needs(policy, settings, limits, gate.as_ref(), plan.urgency(step));
                rule.simple = rule.is_simple();
                rule
            };
            let index = if policy.is_plain() && name.is_none() && !plan.may_be_unused(step) {
                *alike.entry((group, takes, is_async)).or_insert_with(|| push(&mut rules.all, make()))
            } else {
                push(&mut rules.all, make())
            };
            rules.of.push(index);
        }
        rules.exclusive = gate;
        if rules.any_watched() {
            rules.watch_async(plan);
        }
        rules
    }

    /// Lets every async step be given up. Steps that are given up may block all threads for async steps, and the others could not
    /// end then.
    fn watch_async(&mut self, plan: &Plan) {
        for step in (0..plan.len()).filter(|&step| plan.lane(step).is_async()) {
            let rule = &mut self.all[self.of[step] as usize];
            rule.watched = true;
            rule.simple = false;
        }
    }

    /// The rule of a step.
    #[inline]
    pub(crate) fn of(&self, step: usize) -> &Rule {
        match self.of.get(step) {
            Some(&index) => &self.all[index as usize],
            None => &self.all[0],
        }
    }

    /// Withdraws the steps of a run that wait to be alone, or for one that is.
    pub(crate) fn withdraw(&self, owner: u64) {
        if let Some(ExclusiveGate(limits)) = &self.exclusive {
            limits.withdraw(owner);
        }
    }

    /// Whether an attempt of some step may be given up.
    pub(crate) fn any_watched(&self) -> bool {
        self.all.iter().any(|rule| rule.watched)
    }

    /// The shortest time limit of an attempt.
    pub(crate) fn shortest(&self) -> Option<Duration> {
        self.all.iter().flat_map(|rule| [rule.timeout, rule.deadline]).flatten().min()
    }
}

/// What a step needs of named limits. Configures the limits of the machine, if the step needs them and they are not
/// configured.
pub(crate) fn named_needs(
    policy: &Policy,
    settings: &Settings,
    limits: &Limits,
) -> Vec<(Cow<'static, str>, u64)> {
    let machine = settings.machine_limits();
    for (name, limit) in machine.filter(|(name, _)| match *name {
        CORES => policy.cores.is_some(),
        _ => policy.memory.is_some(),
    }) {
        limits.limit_by_default(name, limit);
    }
    let named = policy.limits.iter().map(|(name, amount)| (name.clone(), u64::from(*amount)));
    let memory = policy.memory.filter(|_| settings.memory_limit.is_some());
    let memory = memory.map(|bytes| (Cow::Borrowed(MEMORY), bytes));
    let cores = policy.cores.map(|cores| (Cow::Borrowed(CORES), u64::from(cores)));
    named.chain(memory).chain(cores).collect()
}

fn needs(
    of_run: Option<Need>,
    limits: &Limits,
    named: &[(Cow<'static, str>, u64)],
    urgency: u64,
) -> Arc<[Need]> {
    let named = (!named.is_empty()).then(|| limits.need(named, urgency));
    of_run.into_iter().chain(named).collect()
}

/// The limit by which exclusive steps of one run are alone: they need all of it, every other step needs one share.
#[derive(Debug)]
struct ExclusiveGate(Limits);

const ALL_SHARES: u64 = u32::MAX as u64;

impl ExclusiveGate {
    /// `None` if no step of the plan has to be alone.
    fn of(plan: &Plan) -> Option<Self> {
        let is_exclusive = |step| plan.policy(step).exclusive || plan.policy(step).parallel_if.is_some();
        let any = (0..plan.len()).any(is_exclusive);
        any.then(|| ExclusiveGate(Limits::new().limit("run", LimitSettings::new(ALL_SHARES))))
    }

    fn need(&self, alone: bool) -> Need {
        // All are equally urgent: the order is decided before they ask.
        self.0.need(&[("run", if alone { ALL_SHARES } else { 1 })], 0)
    }
}

/// Settings of one step, beside those of all steps.
#[derive(Clone, Copy, Default)]
struct StepSettings<'a> {
    /// By its name: wins over the step's own attribute.
    name: Option<&'a StepDefaults>,
    group: Option<&'a StepDefaults>,
}

impl Rule {
    fn of(policy: &Policy, settings: &Settings, by_settings: StepSettings<'_>, takes: bool) -> Rule {
        let StepSettings { name, group } = by_settings;
        let time = |own: Option<Duration>, pick: fn(&StepDefaults) -> Option<Duration>| {
            let by_default = || group.and_then(pick).or_else(|| pick(&settings.defaults));
            name.and_then(pick).or(own).or_else(by_default).map(in_reach)
        };
        let timeout = time(policy.timeout, |defaults| defaults.timeout);
        let deadline = time(policy.deadline, |defaults| defaults.deadline);
        let by_default = group.and_then(|group| group.retries).or(settings.defaults.retries);
        let retries = name.and_then(|name| name.retries).or(policy.retries).or(by_default);
        let own_jitter = name.and_then(|name| name.jitter);
        let jitter = group.and_then(|group| group.jitter).or(settings.defaults.jitter);
        let with =
            |backoff: Backoff, jitter: Option<f64>| jitter.map_or(backoff, |jitter| backoff.jitter(jitter));
        let by_default = group.and_then(|group| group.backoff).or(settings.defaults.backoff);
        let by_default = by_default.map(|backoff| with(backoff, jitter));
        let backoff = name.and_then(|name| name.backoff).or(policy.backoff).or(by_default);
        Rule {
            timeout,
            deadline,
            retries: retries.filter(|_| !takes).unwrap_or(0).min(MOST_ATTEMPTS - 1),
            backoff: with(backoff.unwrap_or(Backoff::NONE), own_jitter),
            watched: timeout.is_some() || deadline.is_some() || may_give_up(settings),
            fail_fast: policy.fail_fast,
            idempotent: policy.idempotent,
            no_cancel: policy.no_cancel,
            on_failure: policy.on_failure,
            has_fallback: policy.has_fallback,
            needs: Arc::default(),
            needs_alone: Arc::default(),
            parallel_if: policy.parallel_if,
            simple: false,
        }
    }
}

/// Whether settings of the whole run may give up steps that run.
fn may_give_up(settings: &Settings) -> bool {
    settings.grace.is_some() || settings.deadline.is_some()
}

/// Adds a rule. Returns its index.
fn push(rules: &mut Vec<Rule>, rule: Rule) -> u32 {
    rules.push(rule);
    rules.len() as u32 - 1
}
