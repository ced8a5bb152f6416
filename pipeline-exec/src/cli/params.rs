//! Run parameters from the command line, the environment, a file of their own and the file of settings, in this order of
//! precedence.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::Path;

use pipeline_core::{InputKind, ParamValue, Problem, ProblemCode};
use serde_json::Value;

use super::Refusal;
use super::args::RunArgs;
use crate::pipeline::Pipeline;
use crate::settings::{ResolvedSettings, value_of_toml};

/// What a parameter's name follows in the environment: `PIPELINE_PARAM_path=…`.
const ENVIRONMENT_PREFIX: &str = "PIPELINE_PARAM_";

/// Reads `name=value` for clap. What is something else is refused later: clap would quote it, and it may be a secret.
#[allow(clippy::unnecessary_wraps, reason = "the form that clap asks for")]
pub(super) fn pair(text: &str) -> Result<(String, String), Infallible> {
    let (name, value) = text.split_once('=').unwrap_or(("", text));
    Ok((name.to_owned(), value.to_owned()))
}

/// Sets parameters that code has not set: flags first, then the environment, then the files.
pub(super) fn apply(
    run: &RunArgs,
    resolved: &ResolvedSettings,
    pipeline: Pipeline,
) -> Result<Pipeline, Refusal> {
    let of_set = run.settings.params();
    if run.params.iter().chain(&of_set).any(|(name, _)| name.is_empty()) {
        let problem = Problem::new(ProblemCode::InvalidParam, "a run parameter (`-p`) has no name");
        return Err(Refusal::Problems(problem.hint("write it as `-p name=value`").into()));
    }
    // Of two flags of one name the last wins.
    let text = |(name, value): &(String, String)| (name.clone(), ParamValue::Text(value.clone()));
    let pipeline = pipeline.params_default(run.params.iter().rev().map(text), "-p");
    let mut pipeline = from_environment(pipeline.params_default(of_set.iter().rev().map(text), "--set"))?;
    if let Some(path) = &run.params_file {
        pipeline = pipeline.params_default(read(path)?, &format!("the file {}", path.display()));
    }
    let declared = declared();
    Ok(resolved.params().fold(pipeline, |pipeline, (name, value, file)| {
        pipeline.params_default(of_steps(name, value, &declared), &format!("the file {file}"))
    }))
}

/// The names of all parameters that registered steps declare.
fn declared() -> BTreeSet<String> {
    let inputs = pipeline_core::registered().into_iter().flat_map(|def| def.inputs.iter());
    let params = inputs.filter_map(|input| match &input.kind {
        InputKind::Param(param) => Some(param.name.to_string()),
        _ => None,
    });
    params.collect()
}

/// A parameter of a file of settings: `name = value`, or a table of one step's, `[params.step]`. A table is one value where
/// some step declares a parameter of that name.
fn of_steps(name: &str, value: &Value, declared: &BTreeSet<String>) -> Vec<(String, ParamValue)> {
    match value {
        Value::Object(of_step) if !declared.contains(name) => {
            let param = |(param, value): (&String, &Value)| {
                (format!("{name}.{param}"), ParamValue::Json(value.clone()))
            };
            of_step.iter().map(param).collect()
        }
        _ => vec![(name.to_owned(), ParamValue::Json(value.clone()))],
    }
}

/// Sets parameters that nobody has set yet from the environment.
pub(super) fn from_environment(mut pipeline: Pipeline) -> Result<Pipeline, Refusal> {
    for (variable, value) in std::env::vars_os() {
        let Some(name) = variable.to_str().and_then(|name| name.strip_prefix(ENVIRONMENT_PREFIX)) else {
            continue;
        };
        let Ok(value) = value.into_string() else {
            let message = format!("the value of {ENVIRONMENT_PREFIX}{name} in the environment is not UTF-8");
            let problem = Problem::new(ProblemCode::InvalidParam, message);
            return Err(Refusal::Problems(problem.hint("mend it, or leave the variable out").into()));
        };
        let origin = format!("the environment, {ENVIRONMENT_PREFIX}{name}");
        pipeline = pipeline.params_default([(name.to_owned(), ParamValue::Text(value))], &origin);
    }
    Ok(pipeline)
}

fn read(path: &Path) -> Result<Vec<(String, ParamValue)>, Refusal> {
    let refuse = |why: String| {
        Refusal::Environment(format!(
            "cannot read run parameters from {} (TOML, or JSON where the name ends in `.json`): {why}",
            path.display()
        ))
    };
    let text = std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
    let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let value: Value = if is_json {
        serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))?
    } else {
        value_of_toml(&text).map_err(refuse)?
    };
    match value {
        Value::Object(values) => {
            Ok(values.into_iter().map(|(name, value)| (name, ParamValue::Json(value))).collect())
        }
        _ => Err(refuse("it has to hold an object of names and values".to_owned())),
    }
}
