//! Where each setting comes from.

use std::collections::BTreeMap;
use std::sync::Arc;

use pipeline_core::Problem;

use crate::text::clean;

/// Where settings come from, by key (`workers`, `groups.silver.timeout`): a file, a variable, a flag. What is not here was
/// set by code, or is the default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins(Arc<BTreeMap<String, String>>);

impl Origins {
    pub(super) fn new(origins: BTreeMap<String, String>) -> Self {
        Origins(Arc::new(origins))
    }

    /// Where a setting comes from, or the first that is below the key.
    pub(crate) fn of(&self, key: &str) -> Option<&str> {
        let below = format!("{key}.");
        let mut from = self.0.range(key.to_owned()..);
        let first = from.next().filter(|(found, _)| *found == key || found.starts_with(&below));
        let first = first
            .or_else(|| self.0.range(below.clone()..).next().filter(|(found, _)| found.starts_with(&below)));
        first.map(|(_, origin)| origin.as_str())
    }

    /// Adds to a problem where the setting comes from.
    pub(super) fn note(&self, key: &str, problem: Problem) -> Problem {
        match self.of(key) {
            Some(origin) => problem.note(format!("`{}` is set by {}", shown(key), shown(origin))),
            None => problem,
        }
    }
}

/// A text of the user's within a sentence: on one line, not for ever, and harmless to a terminal.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 120;
    let short: String = text.chars().take(MOST).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    clean(&short).replace('\n', "\\n") + more
}
