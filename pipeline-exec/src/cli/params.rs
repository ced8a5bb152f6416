//! Run parameters from the command line, the environment and a file, in this order of precedence.

use std::convert::Infallible;
use std::path::Path;

use pipeline_core::{ParamValue, Problem, ProblemCode};
use serde_json::Value;

use super::Refusal;
use super::args::RunArgs;
use crate::pipeline::Pipeline;

/// What a parameter's name follows in the environment: `PIPELINE_PARAM_path=…`.
const ENVIRONMENT_PREFIX: &str = "PIPELINE_PARAM_";

/// Reads `name=value` for clap. What is something else is refused later: clap would quote it, and it may be a secret.
#[allow(clippy::unnecessary_wraps, reason = "the form that clap asks for")]
pub(super) fn pair(text: &str) -> Result<(String, String), Infallible> {
    let (name, value) = text.split_once('=').unwrap_or(("", text));
    Ok((name.to_owned(), value.to_owned()))
}

/// Sets parameters that code has not set: flags first, then the environment, then the file.
pub(super) fn apply(run: &RunArgs, pipeline: Pipeline) -> Result<Pipeline, Refusal> {
    if run.params.iter().any(|(name, _)| name.is_empty()) {
        let problem = Problem::new(ProblemCode::InvalidParam, "a run parameter (`-p`) has no name");
        return Err(Refusal::Problems(problem.hint("write it as `-p name=value`").into()));
    }
    // Of two flags of one name the last wins.
    let flags = run.params.iter().rev().map(|(name, value)| (name.clone(), ParamValue::Text(value.clone())));
    let pipeline = from_environment(pipeline.params_default(flags, "-p"));
    match &run.params_file {
        None => Ok(pipeline),
        Some(path) => Ok(pipeline.params_default(read(path)?, &format!("the file {}", path.display()))),
    }
}

/// Sets parameters that nobody has set yet from the environment.
pub(super) fn from_environment(mut pipeline: Pipeline) -> Pipeline {
    let environment = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.to_str()?.strip_prefix(ENVIRONMENT_PREFIX)?.to_owned();
        Some((name, ParamValue::Text(value.to_str()?.to_owned())))
    });
    for (name, value) in environment {
        let origin = format!("the environment, {ENVIRONMENT_PREFIX}{name}");
        pipeline = pipeline.params_default([(name, value)], &origin);
    }
    pipeline
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
        toml::from_str(&text).map_err(|error| refuse(placed(&text, &error)))?
    };
    match value {
        Value::Object(values) => {
            Ok(values.into_iter().map(|(name, value)| (name, ParamValue::Json(value))).collect())
        }
        _ => Err(refuse("it has to hold an object of names and values".to_owned())),
    }
}

/// What is wrong with a TOML file, and where. Its own text quotes the line, which can be one with a secret in it.
fn placed(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
    format!("{} at line {} column {column}", error.message(), before.matches('\n').count() + 1)
}
