//! Settings in a file: TOML, YAML or JSON.

use std::path::Path;

use serde_json::Value;

use crate::settings::origins::shown;

/// The files that are read if none is named.
pub(super) const NAMES: [&str; 3] = ["pipeline.toml", "pipeline.yaml", "pipeline.yml"];

/// Returns which files were looked for, and where, in words.
pub(super) fn absent() -> String {
    let place = match std::env::current_dir() {
        Ok(dir) => shown(&dir.display().to_string()),
        Err(error) => format!("the working directory, which cannot be found ({error})"),
    };
    format!("no file of settings: looked for {} in {place}", NAMES.join(", "))
}

/// Reads the text of a file by the extension of its name.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn parse(name: &str, text: &str) -> Result<Value, String> {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let value = match extension.to_ascii_lowercase().as_str() {
        "toml" => toml(text),
        "yaml" | "yml" => yaml(without_mark(text)),
        "json" => json(text),
        _ => Err("its name has to end in `.toml`, `.yaml`, `.yml` or `.json`".to_owned()),
    }?;
    match value {
        Value::Null => Ok(Value::Object(serde_json::Map::new())),
        Value::Object(_) => Ok(value),
        _ => Err("it has to hold keys and values".to_owned()),
    }
}

/// Some editors and shells write a byte order mark first.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Reads JSON.
///
/// # Errors
/// What is wrong, and where.
pub(crate) fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(without_mark(text)).map_err(|error| error.to_string())
}

/// The error of a text in TOML, and its place. The error's own text quotes the line, which can have a secret in it.
#[cfg(feature = "cli")]
fn toml_error(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
    format!("{} at line {} column {column}", error.message(), before.matches('\n').count() + 1)
}

/// Reads TOML. A date or time becomes text, as written.
///
/// # Errors
/// What is wrong, and where.
#[cfg(feature = "cli")]
pub(crate) fn toml(text: &str) -> Result<Value, String> {
    let text = without_mark(text);
    let mut value: Value = toml::from_str(text).map_err(|error| toml_error(text, &error))?;
    match adapt(&mut value) {
        Ok(()) => Ok(value),
        Err(key) => {
            Err(format!("`{key}` is infinite or NaN, which no setting or run parameter from a file can be"))
        }
    }
}

/// Turns each date and time into text: `toml` makes a table with a private key of it. Returns the key of the first number that
/// has become null, because JSON does not have it: TOML has no null.
#[cfg(feature = "cli")]
fn adapt(value: &mut Value) -> Result<(), String> {
    match value {
        Value::Object(fields) => {
            if let Some(date) = fields.remove("$__toml_private_datetime") {
                *value = date;
                return Ok(());
            }
            let under = |key: &str, rest: String| match rest.as_str() {
                "" => key.to_owned(),
                rest => format!("{key}.{rest}"),
            };
            fields.iter_mut().try_for_each(|(key, value)| adapt(value).map_err(|rest| under(key, rest)))
        }
        Value::Array(items) => items.iter_mut().try_for_each(adapt),
        Value::Null => Err(String::new()),
        _ => Ok(()),
    }
}

#[cfg(feature = "cli")]
fn yaml(text: &str) -> Result<Value, String> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    // As for TOML, nothing of the file is quoted.
    serde_saphyr::from_str(text).map_err(|error| error.without_snippet().to_string().trim_end().to_owned())
}

#[cfg(not(feature = "cli"))]
fn toml(_: &str) -> Result<Value, String> {
    Err(NOT_HERE.to_owned())
}

#[cfg(not(feature = "cli"))]
fn yaml(_: &str) -> Result<Value, String> {
    Err(NOT_HERE.to_owned())
}

#[cfg(not(feature = "cli"))]
const NOT_HERE: &str =
    "this build reads JSON only; turn on the feature `cli` of `pipeline` for TOML and YAML";
