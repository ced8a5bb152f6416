//! What holds for each step of one run: its own policy over its group's and the run's defaults.

use std::collections::HashMap;
use std::time::Duration;

use pipeline_core::{Backoff, InputKind, Mode, Plan, Policy, StepError};

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
}

impl Rule {
    /// A step that is run and finished, and nothing else.
    const PLAIN: Rule = Rule {
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
    };

    /// When an attempt has to have ended, given when it and the first one started, on one scale.
    pub(crate) fn due(&self, attempt_start: Duration, first_start: Duration) -> Option<Duration> {
        let timeout = self.timeout.map(|timeout| attempt_start + timeout);
        let deadline = self.deadline.map(|deadline| first_start + deadline);
        [timeout, deadline].into_iter().flatten().min()
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
}

const PLAIN: u32 = 0;

impl Rules {
    /// The rules of a run; `None` where every step is run and finished and nothing else.
    pub(crate) fn new(plan: &Plan, settings: &Settings) -> Option<Rules> {
        let run_watches = settings.grace.is_some() || settings.deadline.is_some();
        let is_plain = |policy: &Policy| *policy.retries.as_ref().unwrap_or(&0) == 0 && is_plain(policy);
        let defaults_are_plain = settings.defaults == StepDefaults::default() && settings.groups.is_empty();
        let mut rules = Rules { of: Vec::new(), all: vec![Rule::PLAIN] };
        let mut of_group: HashMap<(Option<&str>, bool), u32> = HashMap::new();
        for step in 0..plan.len() {
            let policy = plan.policy(step);
            let dispensable = plan.is_dispensable(step);
            if defaults_are_plain && !run_watches && !dispensable && is_plain(policy) {
                if !rules.of.is_empty() {
                    rules.of.push(PLAIN);
                }
                continue;
            }
            rules.of.resize(step, PLAIN);
            let group =
                plan.spec(step).def().group.as_deref().filter(|group| settings.groups.contains_key(*group));
            let takes = takes(plan, step);
            let rule = || Rule::of(policy, settings, group, takes, run_watches || dispensable);
            let index = if is_plain(policy) && !dispensable {
                *of_group.entry((group, takes)).or_insert_with(|| rules.all.push_and_index(rule()))
            } else {
                rules.all.push_and_index(rule())
            };
            rules.of.push(index);
        }
        (!rules.of.is_empty()).then_some(rules)
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
