//! Where each setting comes from.

use std::collections::BTreeMap;
use std::sync::Arc;

use pipeline_core::Problem;

use crate::text::clean;

/// The origin of each setting by key (`workers`, `groups.silver.timeout`): a file, a variable, a flag. Settings without one
/// were set by code, or are the default. Origins are no part of the value: all are equal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins(Arc<BTreeMap<String, String>>);

impl Origins {
    pub(super) fn new(origins: BTreeMap<String, String>) -> Self {
        Origins(Arc::new(origins))
    }

    /// Lays the origins of later settings over these. `set_by_code` are the later settings that code has set.
    pub(super) fn lay(&mut self, later: &Origins, set_by_code: impl FnOnce() -> Vec<String>) {
        if self.0.is_empty() {
            *self = later.clone();
            return;
        }
        let origins = Arc::make_mut(&mut self.0);
        for key in set_by_code() {
            origins.remove(&key);
        }
        origins.extend(later.0.iter().map(|(key, origin)| (key.clone(), origin.clone())));
    }

    /// Returns the origin of a setting, or of the first below the key.
    pub(crate) fn of(&self, key: &str) -> Option<&str> {
        let below = format!("{key}.");
        let mut from = self.0.range(key.to_owned()..);
        let first = from.next().filter(|(found, _)| *found == key || found.starts_with(&below));
        let first = first
            .or_else(|| self.0.range(below.clone()..).next().filter(|(found, _)| found.starts_with(&below)));
        first.map(|(_, origin)| origin.as_str())
    }

    /// Adds the origin of the setting to a problem.
    pub(super) fn note(&self, key: &str, problem: Problem) -> Problem {
        match self.of(key) {
            Some(origin) => problem.note(format!("`{}` is set by {}", shown(key), shown(origin))),
            None => problem,
        }
    }
}

impl PartialEq for Origins {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A text of the user's within a sentence: short, on one line, and harmless to a terminal.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 120;
    let short: String = text.chars().take(MOST).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    clean(&short).replace('\n', "\\n") + more
}
