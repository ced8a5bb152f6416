//! Settings with which a run could not be what its user means.

use pipeline_core::{Problem, ProblemCode};

use super::{MOST_SLOTS, Settings, StepDefaults};

impl Settings {
    /// What is wrong with the settings, for the list of problems at start-up.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let lanes = [("io", self.io), ("cpu", self.cpu), ("blocking", self.blocking)];
        // `workers` sets the lanes too: its own value is told once.
        let lanes = lanes.into_iter().filter(|(_, slots)| Some(*slots) != self.workers);
        let all = lanes.chain(self.workers.map(|workers| ("workers", workers)));
        let slots = all.filter(|(_, value)| !(1..=MOST_SLOTS).contains(value)).map(|(name, value)| {
            let message = format!("setting `{name}` is {value}, but has to be from 1 to {MOST_SLOTS}");
            Problem::new(ProblemCode::InvalidSetting, message).hint("leave it out for the default")
        });
        let of_group =
            |(name, defaults): (&String, &StepDefaults)| defaults.problems(&format!("group `{name}`: "));
        let mut limits = self.defaults.problems("setting ");
        limits.extend(self.groups.iter().flat_map(of_group));
        if self.deadline.is_some_and(|deadline| deadline.is_zero()) {
            limits.push("setting `deadline` is zero: no step could run".to_owned());
        }
        if self.memory_limit == Some(0) {
            limits.push("setting `memory_limit` is zero: no step that declares memory could run".to_owned());
        }
        let limits = limits.into_iter().map(|message| {
            Problem::new(ProblemCode::InvalidSetting, message).hint("leave it out for no limit")
        });
        let sampling = self.sample_every.filter(std::time::Duration::is_zero).map(|_| {
            let message = "setting `sample_every` is zero: a core would do nothing but sample";
            Problem::new(ProblemCode::InvalidSetting, message).hint("leave it out to sample nothing")
        });
        let named = self.slow_poll.filter(std::time::Duration::is_zero).map(|_| {
            let message = "setting `slow_poll` is zero: every async step would be named";
            Problem::new(ProblemCode::InvalidSetting, message).hint("leave it out for the default")
        });
        // Nobody can raise a limit of the run's own later, as one can with those that are shared.
        let shut = self.limits.iter().filter(|(_, limit)| limit.capacity == 0).map(|(name, _)| {
            let message = format!("limit `{name}` has a capacity of 0: no step that needs it could run");
            Problem::new(ProblemCode::InvalidSetting, message)
                .hint("give it at least 1; only limits that are shared can be raised while a run goes on")
        });
        slots.chain(limits).chain(sampling).chain(named).chain(shut).collect()
    }
}
