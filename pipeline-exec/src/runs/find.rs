//! Finds a run by what the user typed.

use std::path::Path;

use super::error::MOST_CANDIDATES;
use super::scope::Scope;
use super::{RunEntry, StoreError};
use crate::text::short_id;

/// Returns the one of `runs`, which has the latest first, that `asked` names: by its id, or counted back among those of
/// `scope`. `asked` is only compared, never part of a path.
pub(super) fn one(
    mut runs: Vec<RunEntry>,
    scope: &Scope,
    asked: &str,
    dir: &Path,
) -> Result<RunEntry, StoreError> {
    let unknown = |pipeline, runs| {
        let (asked, dir) = (asked.to_owned(), dir.to_owned());
        StoreError::UnknownRun { asked, dir, pipeline, runs }
    };
    if let Some(back) = counted_back(asked) {
        runs.retain(|run| scope.contains(run));
        let pipeline = scope.pipeline.clone().flatten();
        return if back < runs.len() {
            Ok(runs.swap_remove(back))
        } else {
            Err(unknown(pipeline, runs.len()))
        };
    }
    let asked_for = asked.to_ascii_lowercase();
    let fits = |run: &&RunEntry| {
        let id = run.run_id.to_ascii_lowercase();
        // Lists show only the end of an id, and people type the start of that.
        let is_named =
            id.starts_with(&asked_for) || id.ends_with(&asked_for) || short_id(&id).starts_with(&asked_for);
        !asked_for.is_empty() && is_named
    };
    let fitting: Vec<&RunEntry> = runs.iter().filter(fits).collect();
    match fitting[..] {
        [] => Err(unknown(None, runs.len())),
        // Of several deterministic runs with one id, the latest.
        [first, ref others @ ..] if others.iter().all(|run| run.run_id == first.run_id) => Ok(first.clone()),
        _ => {
            let mut candidates: Vec<String> = fitting.iter().map(|run| run.run_id.clone()).collect();
            candidates.dedup();
            candidates.truncate(MOST_CANDIDATES);
            Err(StoreError::AmbiguousRun { asked: asked.to_owned(), candidates })
        }
    }
}

/// `latest` and `-1` are 0, `-2` is 1, and so on. A number without a sign is a part of an id.
fn counted_back(asked: &str) -> Option<usize> {
    if asked == "latest" {
        return Some(0);
    }
    asked.strip_prefix('-')?.parse::<usize>().ok()?.checked_sub(1)
}
