//! Settings in the environment: `PIPELINE_WORKERS=4`, `PIPELINE_STEPS__FETCH__RETRIES=2`.

use std::collections::BTreeSet;

use pipeline_core::is_slip;

use super::aliases;
use super::known::{self, Known};
use super::leaf::Key;
use crate::settings::origins::shown;
use crate::settings::row;

/// The prefix of all variables of the framework.
const PREFIX: &str = "PIPELINE_";

/// Variables with the prefix that are not settings: the name of the file, and variables of build servers.
const NOT_SETTINGS: [&str; 9] =
    ["CONFIG", "OUTPUT", "WORKSPACE", "ID", "NAME", "URL", "SOURCE", "LOG", "TRIGGER"];

/// The variable with the name of the file.
pub(super) const CONFIG: &str = "PIPELINE_CONFIG";

/// The key that a variable sets; `None` for other variables.
pub(super) fn key(variable: &str) -> Option<Key> {
    let rest = variable.strip_prefix(PREFIX)?;
    if NOT_SETTINGS.contains(&rest) || rest.starts_with("PARAM_") {
        return None;
    }
    let mut key: Key = rest.split("__").map(folded).collect();
    // The framework's parts are known in small letters only; names of the user's stay as written.
    for position in 0..key.len() {
        if matches!(known::look_up(&key), Known::Unknown(at, _) if at == position) {
            key[position].make_ascii_lowercase();
        }
    }
    Some(key)
}

/// Whether a variable sets something known.
pub(super) fn is_setting(variable: &str) -> bool {
    key(variable).is_some_and(|key| matches!(known::look_up(&key), Known::Unit(..)))
}

/// Reports whether a variable belongs to another program: its name is not close to that of a setting. The section of a file
/// alone, such as `PIPELINE_STEPS`, sets nothing.
pub(super) fn is_of_others(key: &Key) -> bool {
    let first = key.first().map_or("", String::as_str);
    match known::look_up(key) {
        Known::Unit(..) | Known::Param => key.len() == 1 && row::kind_of(first).is_none(),
        Known::Unknown(0, known) => !is_ours(key, &known),
        Known::Unknown(..) => false,
    }
}

/// Reports whether an unknown variable is meant for the framework.
fn is_ours(key: &Key, known: &BTreeSet<&'static str>) -> bool {
    let first = key.first().map_or("", String::as_str);
    let settings = known.iter().filter(|name| key.len() > 1 || row::kind_of(name).is_some());
    settings.copied().chain(aliases::names()).any(|name| is_slip(first, name))
}

/// The warning about a variable of another program.
pub(super) fn passed_over(variable: &str) -> String {
    format!("environment variable {} is ignored: no setting has this name", shown(variable))
}

/// A part in small letters, unless it has some already.
fn folded(part: &str) -> String {
    if part.chars().any(char::is_lowercase) { part.to_owned() } else { part.to_lowercase() }
}
