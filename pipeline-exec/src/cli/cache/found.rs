//! Which values a command means: those of a step, or the one with a key.

use super::super::exit::Refusal;
use super::super::wording::{fit, listed};
use super::warn;
use crate::runs::meant;
use crate::store::{StoredValue, ValueStore};

/// Fewer digits are not read as the start of a key.
const LEAST_OF_A_KEY: usize = 4;

/// Number of digits with which a key is shown.
const SHOWN_OF_A_KEY: usize = 12;

/// Returns the start of a key or content, as lists show it.
pub(in crate::cli) fn short(key: impl ToString) -> String {
    let mut key = key.to_string();
    key.truncate(SHOWN_OF_A_KEY);
    key
}

/// Returns all values of a store, the newest first.
pub(in crate::cli) fn newest_first(store: &ValueStore) -> Result<Vec<StoredValue>, Refusal> {
    let values = store.values();
    warn(store);
    let mut values = values?;
    values.sort_by(|a, b| {
        let newest = |value: &StoredValue| std::cmp::Reverse(value.record.made_unix_ms);
        newest(a).cmp(&newest(b)).then_with(|| a.record.step.cmp(&b.record.step))
    });
    Ok(values)
}

/// Returns the values that a word means: all of a step (named by its identity, or the end of it), or those whose key starts
/// with it.
pub(in crate::cli) fn meant_by<'v>(
    asked: &str,
    values: &'v [StoredValue],
    store: &ValueStore,
) -> Result<Vec<&'v StoredValue>, Refusal> {
    let of_step = |step: &str| values.iter().filter(|value| value.record.step == step).collect::<Vec<_>>();
    let several = match meant(asked, values.iter().map(|value| value.record.step.as_str())) {
        Ok(step) => return Ok(of_step(step)),
        Err(several) => several,
    };
    let word = fit(asked, 60);
    if !several.is_empty() {
        let steps: Vec<String> = several.into_iter().map(str::to_owned).collect();
        let message = format!("several steps are named `{word}`: {}", listed(&steps, 8));
        return Err(Refusal::Usage(format!("{message}\nhint: give more of the name")));
    }
    let by_key: Vec<&StoredValue> = values
        .iter()
        .filter(|value| asked.len() >= LEAST_OF_A_KEY && value.record.key.to_string().starts_with(asked))
        .collect();
    let Some(first) = by_key.first() else {
        return Err(Refusal::Usage(format!(
            "no value in the store {} is of a step named `{word}` or has a key that starts so\nhint: `cache ls` lists all",
            store.location()
        )));
    };
    if by_key.iter().any(|value| value.record.key != first.record.key) {
        let message = format!("several keys start with `{word}`");
        return Err(Refusal::Usage(format!("{message}\nhint: give more digits; `cache ls --json` has all")));
    }
    Ok(by_key)
}
