//! What holds for each step of one run: its own policy over its group's and the run's defaults.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use pipeline_core::{Backoff, InputKind, Mode, Plan, Policy, StepError};

use crate::limits::{LimitSettings, Limits, Need};
use crate::settings::{Settings, StepDefaults};

/// What holds for one step, or for many that are alike.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) timeout: Option<Duration>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) retries: u32,
    pub(crate) backoff: Backoff,
    /// Whether somebody may give an attempt up.
    pub(crate) watched: bool,
    pub(crate) fail_fast: bool,
    pub(crate) idempotent: bool,
    pub(crate) no_cancel: bool,
    pub(crate) on_failure: Option<fn(&StepError)>,
    pub(crate) has_fallback: bool,
    /// What the step needs before it starts; nothing for most.
    pub(crate) needs: Arc<[Need]>,
    /// What it needs instead where `parallel_if` says no.
    pub(crate) needs_alone: Arc<[Need]>,
    pub(crate) parallel_if: Option<fn() -> bool>,
}

impl Rule {
    /// A step that is run and finished, and nothing else.
    fn plain() -> Rule {
        Rule {
            timeout: None,
            deadline: None,
            retries: 0,
            backoff: Backoff::NONE,
            watched: false,
            fail_fast: false,
            idempotent: false,
            no_cancel: false,
            on_failure: None,
            has_fallback: false,
            needs: Arc::default(),
            needs_alone: Arc::default(),
            parallel_if: None,
        }
    }

    /// When an attempt has to have ended, given when it and the first one started, on one scale.
    pub(crate) fn due(&self, attempt_start: Duration, first_start: Duration) -> Option<Duration> {
        let timeout = self.timeout.map(|timeout| attempt_start + timeout);
        let deadline = self.deadline.map(|deadline| first_start + deadline);
        [timeout, deadline].into_iter().flatten().min()
    }

    /// What the step needs before it starts; nothing for most.
    pub(crate) fn needs(&self, settings: &Settings) -> &Arc<[Need]> {
        match self.parallel_if {
            Some(may) if !settings.conditional || !pipeline_core::contain::guard(may).unwrap_or(false) => {
                &self.needs_alone
            }
            _ => &self.needs,
        }
    }

    /// Whether ending the step calls code of the user's.
    pub(crate) fn has_user_code(&self) -> bool {
        self.on_failure.is_some() || self.has_fallback
    }
}

/// What holds for the steps of one run.
#[derive(Debug)]
pub(crate) struct Rules {
    /// For each step, which of `all`.
    of: Vec<u32>,
    all: Vec<Rule>,
    company: Option<Company>,
}

const PLAIN: u32 = 0;

impl Rules {
    /// The rules of a run; `None` where every step is run and finished and nothing else.
    pub(crate) fn new(plan: &Plan, settings: &Settings, limits: &Limits) -> Option<Rules> {
        let company = Company::of(plan);
        let run_watches = settings.grace.is_some() || settings.deadline.is_some();
        let is_plain = |policy: &Policy| *policy.retries.as_ref().unwrap_or(&0) == 0 && is_plain(policy);
        let defaults_are_plain = settings.defaults == StepDefaults::default() && settings.groups.is_empty();
        let mut rules = Rules { of: Vec::new(), all: vec![Rule::plain()], company: None };
        let mut of_group: HashMap<(Option<&str>, bool), u32> = HashMap::new();
        for step in 0..plan.len() {
            let policy = plan.policy(step);
            let dispensable = plan.is_dispensable(step);
            if defaults_are_plain && !run_watches && !dispensable && company.is_none() && is_plain(policy) {
                if !rules.of.is_empty() {
                    rules.of.push(PLAIN);
                }
                continue;
            }
            rules.of.resize(step, PLAIN);
            let group =
                plan.spec(step).def().group.as_deref().filter(|group| settings.groups.contains_key(*group));
            let takes = takes(plan, step);
            let rule = || {
                let mut rule = Rule::of(policy, settings, group, takes, run_watches || dispensable);
                let urgency = plan.urgency(step);
                let named = named_needs(policy, settings);
                rule.needs = needs(
                    company.as_ref().map(|company| company.need(policy.exclusive)),
                    limits,
                    &named,
                    urgency,
                );
                if policy.parallel_if.is_some() {
                    let alone = company.as_ref().map(|company| company.need(true));
                    rule.needs_alone = needs(alone, limits, &named, urgency);
                }
                rule
            };
            let index = if is_plain(policy) && !dispensable {
                *of_group.entry((group, takes)).or_insert_with(|| rules.all.push_and_index(rule()))
            } else {
                rules.all.push_and_index(rule())
            };
            rules.of.push(index);
        }
        rules.company = company;
        (!rules.of.is_empty()).then_some(rules)
    }

    /// Forgets who waits to be alone, or for one that is: the run has stopped.
    pub(crate) fn withdraw(&self, owner: u64) {
        if let Some(Company(limits)) = &self.company {
            limits.withdraw(owner);
        }
    }

    /// The rule of a step; `None` for a plain one.
    #[inline]
    pub(crate) fn of(&self, step: usize) -> Option<&Rule> {
        match self.of[step] {
            PLAIN => None,
            index => Some(&self.all[index as usize]),
        }
    }

    /// Whether an attempt of some step may be given up.
    pub(crate) fn any_watched(&self) -> bool {
        self.all.iter().any(|rule| rule.watched)
    }

    /// The shortest time in which an attempt can come to its end.
    pub(crate) fn shortest(&self) -> Option<Duration> {
        self.all.iter().flat_map(|rule| [rule.timeout, rule.deadline]).flatten().min()
    }
}

/// Whether a policy asks for nothing that happens while its step runs or ends.
fn is_plain(policy: &Policy) -> bool {
    policy.timeout.is_none()
        && policy.deadline.is_none()
        && policy.on_failure.is_none()
        && !policy.has_fallback
        && !policy.fail_fast
        && !policy.no_cancel
        && policy.limits.is_empty()
        && !policy.exclusive
        && policy.memory.is_none()
        && policy.cores.is_none()
        && policy.parallel_if.is_none()
}

/// The limits that steps' declared memory and cores count against.
pub(crate) const MEMORY: &str = "memory";
pub(crate) const CORES: &str = "cores";

/// What a step needs of named limits.
fn named_needs(policy: &Policy, settings: &Settings) -> Vec<(Cow<'static, str>, u64)> {
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

/// The limit by which exclusive steps of one run are alone: every other step needs one share of it, they need all.
#[derive(Debug)]
struct Company(Limits);

const EVERYBODY: u64 = u32::MAX as u64;

impl Company {
    /// `None` where no step of the plan has to be alone.
    fn of(plan: &Plan) -> Option<Self> {
        let wants_to_be_alone = |step| plan.policy(step).exclusive || plan.policy(step).parallel_if.is_some();
        let any = (0..plan.len()).any(wants_to_be_alone);
        any.then(|| Company(Limits::new().limit("run", LimitSettings::new(EVERYBODY))))
    }

    fn need(&self, alone: bool) -> Need {
        // All are equally urgent: which of two goes first is settled before they ask.
        self.0.need(&[("run", if alone { EVERYBODY } else { 1 })], 0)
    }
}

/// Whether a step takes an input by value without saying itself that it may be retried: its input is gone after the
/// first attempt.
fn takes(plan: &Plan, step: usize) -> bool {
    let inputs = plan.spec(step).def().inputs.iter();
    inputs.into_iter().any(|input| matches!(input.kind, InputKind::Upstream { mode: Mode::Take, .. }))
}

impl Rule {
    fn of(policy: &Policy, settings: &Settings, group: Option<&str>, takes: bool, watched: bool) -> Rule {
        let group = group.and_then(|group| settings.groups.get(group));
        let default = |pick: fn(&StepDefaults) -> Option<Duration>| {
            group.and_then(pick).or_else(|| pick(&settings.defaults))
        };
        let timeout = policy.timeout.or_else(|| default(|defaults| defaults.timeout));
        let deadline = policy.deadline.or_else(|| default(|defaults| defaults.deadline));
        let by_default =
            group.and_then(|group| group.retries).or(settings.defaults.retries).filter(|_| !takes);
        let jitter = group.and_then(|group| group.jitter).or(settings.defaults.jitter);
        let backoff = group.and_then(|group| group.backoff).or(settings.defaults.backoff);
        let backoff = backoff.map(|backoff| jitter.map_or(backoff, |jitter| backoff.jitter(jitter)));
        Rule {
            timeout,
            deadline,
            retries: policy.retries.or(by_default).unwrap_or(0),
            backoff: policy.backoff.or(backoff).unwrap_or(Backoff::NONE),
            watched: watched || timeout.is_some() || deadline.is_some(),
            fail_fast: policy.fail_fast,
            idempotent: policy.idempotent,
            no_cancel: policy.no_cancel,
            on_failure: policy.on_failure,
            has_fallback: policy.has_fallback,
            needs: Arc::default(),
            needs_alone: Arc::default(),
            parallel_if: policy.parallel_if,
        }
    }
}

/// What a list is asked for here.
trait PushAndIndex {
    /// Adds a rule, and says at which position.
    fn push_and_index(&mut self, rule: Rule) -> u32;
}

impl PushAndIndex for Vec<Rule> {
    fn push_and_index(&mut self, rule: Rule) -> u32 {
        self.push(rule);
        self.len() as u32 - 1
    }
}
