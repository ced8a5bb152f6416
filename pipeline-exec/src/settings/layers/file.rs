//! Settings in a file: TOML, YAML or JSON.

use std::path::Path;

use serde_json::Value;

/// The files that are read where none is named.
pub(super) const NAMES: [&str; 3] = ["pipeline.toml", "pipeline.yaml", "pipeline.yml"];

/// Reads the text of a file by what its name ends in.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn parse(name: &str, text: &str) -> Result<Value, String> {
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

#[cfg(feature = "cli")]
fn toml(text: &str) -> Result<Value, String> {
    toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
}

#[cfg(feature = "cli")]
fn yaml(text: &str) -> Result<Value, String> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_saphyr::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
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
