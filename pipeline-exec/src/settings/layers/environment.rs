//! Settings in the environment: `PIPELINE_WORKERS=4`, `PIPELINE_STEPS__FETCH__RETRIES=2`.

use std::collections::BTreeSet;

use pipeline_core::is_slip;

use super::aliases;
use super::known::{self, Known};
use super::leaf::Key;
use crate::settings::origins::shown;
use crate::settings::row;

/// What every variable of ours begins with.
const PREFIX: &str = "PIPELINE_";

/// Variables that begin so and are no settings: those that name the file and the run parameters, and those of build
/// servers, which are none of our business.
const NOT_SETTINGS: [&str; 9] =
    ["CONFIG", "OUTPUT", "WORKSPACE", "ID", "NAME", "URL", "SOURCE", "LOG", "TRIGGER"];

/// The variable that names the file.
pub(super) const CONFIG: &str = "PIPELINE_CONFIG";

/// The key that a variable sets; `None` for variables that are no settings.
pub(super) fn key(variable: &str) -> Option<Key> {
    let rest = variable.strip_prefix(PREFIX)?;
    if NOT_SETTINGS.contains(&rest) || rest.starts_with("PARAM_") {
        return None;
    }
    let mut key: Key = rest.split("__").map(folded).collect();
    // The parts that are ours are known in small letters only; those of the user's stay as written.
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

/// Whether a variable that sets nothing known is meant for us: it is a slip away from a setting, or from what one was called
/// once. Other programs have variables that begin alike.
pub(super) fn is_ours(key: &Key, known: &BTreeSet<&'static str>) -> bool {
    let first = key.first().map_or("", String::as_str);
    // `steps` and the like say nothing without a part below.
    let settings = known.iter().filter(|name| key.len() > 1 || row::kind_of(name).is_some());
    settings.copied().chain(aliases::names()).any(|name| is_slip(first, name))
}

/// What is said of a variable of another program.
pub(super) fn passed_over(variable: &str) -> String {
    format!(
        "variable {} of the environment is no setting, and none is called like it: it is passed over",
        shown(variable)
    )
}

/// A part in small letters, unless somebody has written small letters in it.
fn folded(part: &str) -> String {
    if part.chars().any(char::is_lowercase) { part.to_owned() } else { part.to_lowercase() }
}
