//! Settings that are out of their range.

use pipeline_core::{Lane, Problem, ProblemCode};

use super::Settings;
use super::layers::{Leaves, is_not};
use super::origins::Origins;
use super::row::Row;
use crate::limits::LimitSettings;

impl Settings {
    /// Returns a problem for each setting that is out of its range, with its source.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let origins = &self.origins;
        let path = |section: &[&str], row: &'static Row| {
            let parts = section.iter().chain([&row.key]).map(|&part| part.to_owned());
            (parts.collect::<Vec<_>>(), row)
        };
        let of_run = self.out_of_range().filter(|row| !self.is_set_by_workers(row.key));
        let mut wrong: Vec<_> = of_run.map(|row| path(&[], row)).collect();
        wrong.extend(self.defaults.out_of_range().map(|row| path(&["defaults"], row)));
        for (section, names) in [("groups", &self.groups), ("steps", &self.steps)] {
            for (name, settings) in names {
                wrong.extend(settings.out_of_range().map(|row| path(&[section, name], row)));
            }
        }
        // Most runs have no problem, so values are written only here.
        let leaves = if wrong.is_empty() { Leaves::default() } else { Leaves::written(self, "") };
        let mut problems: Vec<Problem> = wrong
            .into_iter()
            .map(|(key, row)| origins.note(&key.join("."), is_not(&key, row.kind, &leaves.value(&key))))
            .collect();
        problems.extend(self.limits.iter().flat_map(|(name, limit)| of_limit(name, limit, origins)));
        problems
    }

    /// Whether a key is a lane whose slots are the value of `workers`, which is reported once.
    fn is_set_by_workers(&self, key: &str) -> bool {
        let lane = Lane::ALL.into_iter().find(|lane| lane.name() == key);
        lane.is_some_and(|lane| self.workers == Some(self.slots(lane)))
    }
}

fn of_limit(name: &str, limit: &LimitSettings, origins: &Origins) -> Vec<Problem> {
    // Only the capacity of a shared limit can be raised later.
    let shut = (limit.capacity == 0).then_some((
        "has a capacity of 0: no step that needs it could run",
        "give it at least 1; only shared limits can be raised during a run",
    ));
    let shut = shut.map(|(what, hint)| (format!("limit `{name}` {what}"), hint));
    let others = limit.wrong().map(|(what, hint)| (format!("limit `{name}`: {what}"), hint));
    let problem = |(message, hint)| {
        let problem = Problem::new(ProblemCode::InvalidSetting, message).hint(hint);
        origins.note(&format!("limits.{name}"), problem)
    };
    shut.into_iter().chain(others).map(problem).collect()
}
