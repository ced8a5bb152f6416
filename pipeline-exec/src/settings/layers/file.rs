//! Settings in a file: TOML, YAML or JSON.

use std::path::Path;

use serde_json::Value;

/// The files that are read if none is named.
pub(super) const NAMES: [&str; 3] = ["pipeline.toml", "pipeline.yaml", "pipeline.yml"];

/// Reads the text of a file by the extension of its name.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn parse(name: &str, text: &str) -> Result<Value, String> {
    // Some editors write a byte order mark, which JSON does not allow.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let value = match extension.to_ascii_lowercase().as_str() {
        "toml" => toml(text),
        "yaml" | "yml" => yaml(text),
        "json" => serde_json::from_str(text).map_err(|error| error.to_string()),
        _ => Err("its name has to end in `.toml`, `.yaml`, `.yml` or `.json`".to_owned()),
    }?;
    match value {
        Value::Null => Ok(Value::Object(serde_json::Map::new())),
        Value::Object(_) => Ok(value),
        _ => Err("it has to hold keys and values".to_owned()),
    }
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
    let mut value: Value = toml::from_str(text).map_err(|error| toml_error(text, &error))?;
    dates_as_text(&mut value);
    Ok(value)
}

/// `toml` makes a table with a private key of a date or time.
#[cfg(feature = "cli")]
fn dates_as_text(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(date) = fields.remove("$__toml_private_datetime") {
                *value = date;
                return;
            }
            fields.values_mut().for_each(dates_as_text);
        }
        Value::Array(items) => items.iter_mut().for_each(dates_as_text),
        _ => {}
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
