//! Settings with which a run could not be what its user means.

use std::time::Duration;

use pipeline_core::{Problem, ProblemCode};

use super::origins::Origins;
use super::{MOST_SLOTS, Settings, StepDefaults};
use crate::limits::LimitSettings;

/// A setting that is out of its range.
struct Wrong {
    /// Which, for telling where it comes from.
    key: String,
    message: String,
    hint: &'static str,
}

const FOR_THE_DEFAULT: &str = "leave it out for the default";
const FOR_NO_LIMIT: &str = "leave it out for no limit";

impl Settings {
    /// What is out of its range, each with where it comes from, for the list of problems at start-up.
    pub(crate) fn problems(&self, origins: &Origins) -> Vec<Problem> {
        let all = [self.wrong_slots(), self.wrong_times(), self.wrong_limits()];
        let told = all.into_iter().flatten().map(|Wrong { key, message, hint }| {
            origins.note(&key, Problem::new(ProblemCode::InvalidSetting, message).hint(hint))
        });
        told.collect()
    }

    fn wrong_slots(&self) -> Vec<Wrong> {
        let lanes = [("io", self.io), ("cpu", self.cpu), ("blocking", self.blocking)];
        // `workers` sets the lanes too: its own value is told once.
        let lanes = lanes.into_iter().filter(|(_, slots)| Some(*slots) != self.workers);
        let all = lanes.chain(self.workers.map(|workers| ("workers", workers)));
        let out_of_range = all.filter(|(_, value)| !(1..=MOST_SLOTS).contains(value));
        let wrong = out_of_range.map(|(name, value)| Wrong {
            key: name.to_owned(),
            message: format!("setting `{name}` is {value}, but has to be from 1 to {MOST_SLOTS}"),
            hint: FOR_THE_DEFAULT,
        });
        wrong.collect()
    }

    fn wrong_times(&self) -> Vec<Wrong> {
        let of_steps = |below: &str, whose: &str, settings: &StepDefaults| {
            let wrong = settings.problems(whose).into_iter();
            wrong.map(|(field, message)| (format!("{below}.{field}"), message)).collect::<Vec<_>>()
        };
        let mut found = of_steps("defaults", "setting ", &self.defaults);
        for (name, settings) in &self.groups {
            found.extend(of_steps(&format!("groups.{name}"), &format!("group `{name}`: "), settings));
        }
        for (name, settings) in &self.steps {
            found.extend(of_steps(&format!("steps.{name}"), &format!("step `{name}`: "), settings));
        }
        let mut zero = |key: &str, is_zero: bool, so: &str| {
            if is_zero {
                found.push((key.to_owned(), format!("setting `{key}` is zero: {so}")));
            }
        };
        let is_zero = |time: Option<Duration>| time.is_some_and(|time| time.is_zero());
        zero("deadline", is_zero(self.deadline), "no step could run");
        zero("memory_limit", self.memory_limit == Some(0), "no step that declares memory could run");
        zero("sample_every", is_zero(self.sample_every), "a core would do nothing but sample");
        zero("slow_poll", is_zero(self.slow_poll), "every async step would be named");
        zero("keep_runs", self.keep_runs == Some(0), "the report of the run itself would be removed");
        let wrong = found.into_iter().map(|(key, message)| {
            let hint = match key.as_str() {
                "sample_every" => "leave it out to sample nothing",
                key if key == "slow_poll" || key.ends_with(".jitter") => FOR_THE_DEFAULT,
                "keep_runs" => "leave it out to keep all, and `runs_dir` to write none",
                _ => FOR_NO_LIMIT,
            };
            Wrong { key, message, hint }
        });
        wrong.collect()
    }

    fn wrong_limits(&self) -> Vec<Wrong> {
        let of_limit = |(name, limit): (&String, &LimitSettings)| {
            // Nobody can raise a limit of the run's own later, as one can with those that are shared.
            let shut = (limit.capacity == 0).then(|| {
                let hint =
                    "give it at least 1; only limits that are shared can be raised while a run goes on";
                (format!("limit `{name}` has a capacity of 0: no step that needs it could run"), hint)
            });
            let others = limit.wrong().map(|(what, hint)| (format!("limit `{name}`: {what}"), hint));
            let found: Vec<_> = shut.into_iter().chain(others).collect();
            let key = format!("limits.{name}");
            found.into_iter().map(move |(message, hint)| Wrong { key: key.clone(), message, hint })
        };
        self.limits.iter().flat_map(of_limit).collect()
    }
}
