//! The values of a run's parameters, as `params.json` in its folder: what `run --again` gives again.
//!
//! It has no value that is, or may hold, a secret. It is not part of the report, which people pass on.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use pipeline_core::ParamValue;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{StoreError, files};

/// Name of the file in the folder of a run.
pub(super) const PARAMS: &str = "params.json";

/// A value as it was given.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Recorded {
    Text(String),
    Json(Value),
}

/// Writes the values, by name.
pub(super) fn write(run: &Path, params: BTreeMap<String, ParamValue>) -> Result<(), StoreError> {
    let recorded = params.into_iter().map(|(name, value)| match value {
        ParamValue::Text(text) => (name, Recorded::Text(text)),
        ParamValue::Json(value) => (name, Recorded::Json(value)),
    });
    let recorded: BTreeMap<String, Recorded> = recorded.collect();
    files::replace(&run.join(PARAMS), true, |out| {
        serde_json::to_writer_pretty(&mut *out, &recorded)?;
        out.write_all(b"\n")
    })
}

/// Reads the values; `None` if the run did not record them.
///
/// # Errors
/// If the file cannot be read, or is damaged.
#[cfg(feature = "cli")]
pub(crate) fn read(run: &Path) -> Result<Option<BTreeMap<String, ParamValue>>, StoreError> {
    let path = run.join(PARAMS);
    if !path.exists() {
        return Ok(None);
    }
    let recorded: BTreeMap<String, Recorded> = serde_json::from_slice(&files::read_whole(&path)?)
        .map_err(|error| StoreError::Damaged { path, why: error.to_string() })?;
    let given = recorded.into_iter().map(|(name, value)| match value {
        Recorded::Text(text) => (name, ParamValue::Text(text)),
        Recorded::Json(value) => (name, ParamValue::Json(value)),
    });
    Ok(Some(given.collect()))
}
