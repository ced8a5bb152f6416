//! Run parameters from the command line, the environment, the file of `--params` and the file of settings, in this
//! order of precedence.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use pipeline_core::{InputKind, ParamValue, Problem, ProblemCode, is_slip};
use serde_json::Value;

use super::exit::Refusal;
use super::repeat::Repeated;
use super::wording::one_line;
use crate::pipeline::Pipeline;
use crate::settings::{ResolvedSettings, value_of_json, value_of_toml};

/// Prefix of a parameter's environment variable: `PIPELINE_PARAM_path=…`.
const ENVIRONMENT_PREFIX: &str = "PIPELINE_PARAM_";

/// Run parameters on the command line.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(super) struct ParamArgs {
    /// Set a run parameter; `step.name=value` sets it for one step.
    #[arg(long = "param", help_heading = None::<&str>, short, value_name = "NAME=VALUE", value_parser = pair)]
    params: Vec<(String, String)>,
    /// Read run parameters from a file: TOML, or JSON if its name ends in `.json`.
    #[arg(long = "params", hide_short_help = true, help_heading = None::<&str>, value_name = "FILE")]
    params_file: Option<PathBuf>,
    /// The run that is repeated.
    #[arg(skip)]
    pub(super) repeated: Option<Repeated>,
}

/// Parses `name=value` for clap. Other text gets no name and is refused later: clap would print it, and it may be a
/// secret.
#[allow(clippy::unnecessary_wraps, reason = "the form that clap asks for")]
pub(super) fn pair(text: &str) -> Result<(String, String), Infallible> {
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).unwrap_or(("", text));
    Ok((name.to_owned(), value.to_owned()))
}

impl ParamArgs {
    /// Sets parameters that code has not set: flags first, then `--set`, then the environment, then the files. Returns
    /// warnings, too.
    pub(super) fn apply(
        &self,
        of_set: &[(String, String)],
        resolved: &ResolvedSettings,
        pipeline: Pipeline,
    ) -> Result<(Pipeline, Vec<String>), Refusal> {
        if self.params.iter().chain(of_set).any(|(name, _)| name.is_empty()) {
            let has_no_sign = |(name, value): &(String, String)| name.is_empty() && !value.starts_with('=');
            let what = if self.params.iter().any(has_no_sign) {
                "the argument of `-p` has no `=`"
            } else {
                "a run parameter (`-p`) has no name"
            };
            let problem = Problem::new(ProblemCode::InvalidParam, what);
            return Err(Refusal::Problems(problem.hint("write it as `-p name=value`").into()));
        }
        // Of several values for one name, the last wins.
        let text = |(name, value): &(String, String)| (name.clone(), ParamValue::Text(value.clone()));
        let mut giving = Giving::of(pipeline);
        giving.give(self.params.iter().rev().map(text), "-p");
        giving.give(of_set.iter().rev().map(text), "--set");
        if let Some(run) = &self.repeated {
            // It has the values of code, too.
            for (name, value) in &run.params {
                giving.pipeline.default_param(name.clone(), value.clone(), &run.origin);
            }
        }
        let mut warnings = of_environment(&mut giving)?;
        let declared = declared(&giving.pipeline);
        if let Some(path) = &self.params_file {
            giving.give(read(path, &declared)?, &format!("the file {}", path.display()));
        }
        for (name, value, file) in resolved.params() {
            giving.give(of_steps(name, value, &declared), &format!("the file {file}"));
        }
        let lost = giving.lost.iter().map(|(name, origin)| {
            let (name, origin) = (one_line(name), one_line(origin));
            format!("run parameter `{name}` ({origin}) has no effect: the program's code sets it")
        });
        warnings.extend(lost);
        Ok((giving.pipeline, warnings))
    }
}

/// A pipeline that gets run parameters from one source after the other.
struct Giving {
    pipeline: Pipeline,
    /// The names of values without effect, because code has set them, each with the first source that has one.
    lost: BTreeMap<String, String>,
}

impl Giving {
    fn of(pipeline: Pipeline) -> Self {
        Giving { pipeline, lost: BTreeMap::new() }
    }

    /// Sets parameters that are not set yet.
    fn give(&mut self, params: impl IntoIterator<Item = (String, ParamValue)>, origin: &str) {
        for (name, value) in params {
            if self.pipeline.params().is_set_by_code(&name) {
                self.lost.entry(name).or_insert_with(|| origin.to_owned());
            } else {
                self.pipeline.default_param(name, value, origin);
            }
        }
    }
}

/// Returns the names of all parameters that the steps declare.
fn declared(pipeline: &Pipeline) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for def in pipeline.defs() {
        names.extend(def.inputs.iter().filter_map(|input| match &input.kind {
            InputKind::Param(param) => Some(param.name.to_string()),
            _ => None,
        }));
    }
    names
}

/// Returns the parameters of an entry in the file of settings: `name = value`, or a table of one step's parameters,
/// `[params.step]`. A table is one value if a step declares a parameter of that name.
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

/// Returns the pipeline with the parameters of the environment that are not set yet.
pub(super) fn from_environment(pipeline: Pipeline) -> Result<Pipeline, Refusal> {
    let mut giving = Giving::of(pipeline);
    of_environment(&mut giving)?;
    Ok(giving.pipeline)
}

/// Sets parameters from the environment that are not set yet. Returns a warning for each variable whose name is not
/// close to a parameter's: it may belong to another program.
fn of_environment(giving: &mut Giving) -> Result<Vec<String>, Refusal> {
    let (mut known, mut warnings) = (None, Vec::new());
    for (variable, value) in std::env::vars_os() {
        let Some(name) = variable.to_str().and_then(|name| name.strip_prefix(ENVIRONMENT_PREFIX)) else {
            continue;
        };
        if !is_ours(name, known.get_or_insert_with(|| declared(&giving.pipeline))) {
            let variable = one_line(&format!("{ENVIRONMENT_PREFIX}{name}"));
            warnings.push(format!(
                "environment variable {variable} is ignored: no step has a parameter of that name"
            ));
            continue;
        }
        let Ok(value) = value.into_string() else {
            let message = format!("the value of {ENVIRONMENT_PREFIX}{name} in the environment is not UTF-8");
            let problem = Problem::new(ProblemCode::InvalidParam, message);
            return Err(Refusal::Problems(problem.hint("fix the value, or unset the variable").into()));
        };
        let origin = format!("the environment, {ENVIRONMENT_PREFIX}{name}");
        giving.give([(name.to_owned(), ParamValue::Text(value))], &origin);
    }
    Ok(warnings)
}

/// Reports whether a variable is meant for this program, perhaps with a typo, which is refused with a suggestion. A
/// name with a step's is always meant for it.
fn is_ours(name: &str, declared: &BTreeSet<String>) -> bool {
    let folded = name.to_lowercase();
    let is_meant = |known: &String| is_slip(name, known) || known.to_lowercase() == folded;
    declared.contains(name) || name.contains('.') || declared.iter().any(is_meant)
}

/// Reads a file of run parameters.
fn read(path: &Path, declared: &BTreeSet<String>) -> Result<Vec<(String, ParamValue)>, Refusal> {
    let refuse = |why: String| {
        Refusal::Environment(format!(
            "cannot read run parameters from {} (TOML, or JSON if the name ends in `.json`): {why}",
            path.display()
        ))
    };
    let text = std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
    let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let value: Value =
        if is_json { value_of_json(&text).map_err(refuse)? } else { value_of_toml(&text).map_err(refuse)? };
    match value {
        Value::Object(values)
            if values.get("params").is_some_and(Value::is_object) && !declared.contains("params") =>
        {
            let message =
                format!("`params` in {} is a table of run parameters", one_line(&path.display().to_string()));
            let problem = Problem::new(ProblemCode::InvalidParam, message);
            Err(Refusal::Problems(problem.hint("write the names at the top level of this file").into()))
        }
        Value::Object(values) => {
            Ok(values.into_iter().map(|(name, value)| (name, ParamValue::Json(value))).collect())
        }
        _ => Err(refuse("it must be an object of names and values".to_owned())),
    }
}
