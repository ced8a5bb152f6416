//! Migration: spellings of other systems, accepted with a warning.

use std::collections::BTreeSet;

use pipeline_core::{closest, is_slip};
use serde_json::{Value, json};

use super::leaf::Key;
use crate::settings::StepDefaults;

/// What becomes of the value.
#[derive(Clone, Copy, Debug, PartialEq)]
enum As {
    /// It stays.
    Same,
    /// A number of MiB.
    Mebibytes,
    /// A number of seconds.
    Seconds,
    /// `false` is one step at a time, `true` the default.
    Parallel,
    /// `true` is four samples a second, `false` none.
    Sampling,
}

/// Other spelling, ours, and what becomes of the value.
#[rustfmt::skip]
const ALIASES: [(&str, &str, As); 21] = [
    ("max_workers", "workers", As::Same),
    ("max_concurrency", "workers", As::Same),
    ("enabled", "workers", As::Parallel),
    ("parallel", "workers", As::Parallel),
    ("memory_limit_mb", "memory_limit", As::Mebibytes),
    ("timeout", "defaults.timeout", As::Same),
    ("timeout_seconds", "defaults.timeout", As::Seconds),
    ("timeout_secs", "defaults.timeout", As::Seconds),
    ("retries", "defaults.retries", As::Same),
    ("max_retries", "defaults.retries", As::Same),
    ("backoff", "defaults.backoff", As::Same),
    ("retry_delay", "defaults.backoff", As::Same),
    ("abort", "fail_fast", As::Same),
    ("abort_on_failure", "fail_fast", As::Same),
    ("monitoring", "sample_every", As::Sampling),
    ("enable_fallback", "fallback", As::Same),
    ("fallbacks", "fallback", As::Same),
    ("random_seed", "seed", As::Same),
    ("conditional_parallel", "conditional", As::Same),
    ("output_dir", "runs_dir", As::Same),
    ("validate_execution_safety", "validate", As::Same),
];

/// The other spellings.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ALIASES.iter().map(|(old, ..)| *old)
}

/// The setting with a name or another spelling close to this. A setting of steps is one of all steps.
pub(super) fn alike(name: &str, known: &BTreeSet<&'static str>) -> Option<String> {
    let old = || ALIASES.iter().filter(|(_, new, _)| !new.is_empty());
    let of_today = |found: &str| old().find(|(old, ..)| *old == found).map(|(_, new, _)| (*new).to_owned());
    let misspelt = old().map(|(old, ..)| *old).find(|old| is_slip(name, old));
    let slip = || known.iter().find(|known| is_slip(name, known)).map(|known| (*known).to_owned());
    let fields = StepDefaults::ROWS.iter().map(|row| row.key);
    misspelt
        .and_then(of_today)
        .or_else(slip)
        .or_else(|| closest(name, fields).map(|field| format!("defaults.{field}")))
        .or_else(|| closest(name, known.iter().copied()).map(str::to_owned))
        .or_else(|| closest(name, old().map(|(old, ..)| *old)).and_then(of_today))
}

/// The key and value that another spelling means, and the key for the warning. The value is `None` if nothing is set.
pub(super) fn today(key: &Key, value: &Value) -> Option<(Key, Option<Value>, &'static str)> {
    let [old] = key.as_slice() else { return None };
    let (_, new, becomes) = ALIASES.iter().find(|(known, ..)| known == old)?;
    // From a variable or a flag, all is text.
    let parsed =
        value.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| value.clone());
    let value = match (becomes, &parsed) {
        (As::Mebibytes, Value::Number(number)) => {
            let bytes = number.as_u64().and_then(|mebibytes| mebibytes.checked_mul(1 << 20));
            Some(bytes.map_or_else(|| value.clone(), |bytes| json!(bytes)))
        }
        (As::Seconds, Value::Number(number)) => {
            let millis = number.as_f64().map(|seconds| seconds * 1000.0);
            Some(millis.map_or_else(|| value.clone(), |millis| json!(format!("{millis:.0}ms"))))
        }
        (As::Parallel, Value::Bool(on)) => (!on).then(|| json!(1)),
        (As::Sampling, Value::Bool(on)) => on.then(|| json!("250ms")),
        _ => Some(value.clone()),
    };
    Some((new.split('.').map(str::to_owned).collect(), value, new))
}
