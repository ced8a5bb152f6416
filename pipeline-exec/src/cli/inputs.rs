//! The inputs of `step NAME` from files, instead of running the steps that make them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use pipeline_core::{Plan, Problem, ProblemCode, closest};

use super::exit::Refusal;
use super::settings::SettingsArgs;
use super::store;
use super::wording::{counted, listed, one_line};
use crate::pipeline::{GivenOutput, Pipeline};
use crate::store::{RunEntry, output_path, short_id};

/// Name of the latest suitable run.
const LATEST: &str = "latest";

/// Sources of inputs other than running their steps.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(super) struct InputArgs {
    /// Read the output of a step from a JSON file instead of running the step.
    #[arg(long = "input", value_name = "STEP=FILE", value_parser = super::params::pair)]
    inputs: Vec<(String, String)>,
    /// Read the inputs of the step from the outputs that a run saved (`run --save-outputs`): the id of a run, or `latest` for
    /// the latest run that saved one of them. Steps without a saved output run.
    #[arg(long, value_name = "RUN", allow_negative_numbers = true)]
    inputs_from: Option<String>,
}

/// The files that were found, by step.
#[derive(Default)]
pub(super) struct Given {
    files: BTreeMap<String, PathBuf>,
    /// The run whose outputs these are, and the steps whose outputs it lacks.
    run: Option<(RunEntry, Vec<String>)>,
}

impl InputArgs {
    /// Returns the runs whose outputs may be read, the preferred first.
    pub(super) fn runs(
        &self,
        settings: &SettingsArgs,
        pipeline: &Pipeline,
    ) -> Result<Vec<RunEntry>, Refusal> {
        let Some(name) = &self.inputs_from else { return Ok(Vec::new()) };
        let store = store::in_force(settings, pipeline)?;
        // The latest run that saved a useful output need not be the latest run.
        if name == LATEST { Ok(store.runs()?) } else { Ok(vec![store.find(name)?]) }
    }

    /// Finds the files of the step's inputs and gives their contents to the pipeline. `step` is its position in the
    /// plan.
    pub(super) fn give(
        &self,
        runs: Vec<RunEntry>,
        mut pipeline: Pipeline,
        plan: &Plan,
        step: usize,
    ) -> Result<(Pipeline, Given), Refusal> {
        let mut given = match &self.inputs_from {
            Some(asked) => Given::from_runs(asked, runs, plan, step)?,
            None => Given::default(),
        };
        for (name, file) in &self.inputs {
            if name.is_empty() {
                let message = format!("`--input {}` names no step", one_line(file));
                return Err(Refusal::Usage(format!("{message}\nhint: write it as `--input step=FILE`")));
            }
            given.files.insert(upstream(plan, step, name)?, PathBuf::from(file));
        }
        for (name, file) in &given.files {
            let json = std::fs::read(file).map_err(|error| {
                let (file, name) = (one_line(&file.display().to_string()), one_line(name));
                Refusal::Environment(format!("cannot read {file}, the output given for `{name}`: {error}"))
            })?;
            pipeline = pipeline.with_output_named(name, GivenOutput::json(json));
        }
        Ok((pipeline, given))
    }
}

/// Returns the steps that a step reads or follows, without those whose outputs the program gives.
fn read_by(plan: &Plan, step: usize) -> impl Iterator<Item = usize> {
    let upstream = plan.dag().upstream(plan.in_dag(step)).iter();
    let positions = upstream.filter_map(|&earlier| plan.position(earlier as usize));
    positions.filter(|&earlier| !plan.given().contains(&(earlier as u32)))
}

/// Returns the same steps by name.
fn names_read_by(plan: &Plan, step: usize) -> Vec<&str> {
    read_by(plan, step).map(|earlier| plan.spec(earlier).name()).collect()
}

/// Returns the name of an upstream step as the plan spells it.
fn upstream(plan: &Plan, step: usize, name: &str) -> Result<String, Refusal> {
    let found = plan.dag().find(name).ok().and_then(|found| plan.position(found));
    if let Some(found) = found.filter(|&found| found != step) {
        return Ok(plan.spec(found).name().to_owned());
    }
    let names = names_read_by(plan, step);
    let of = plan.spec(step);
    let message = format!("`{}` is not a step that `{}` needs", one_line(name), one_line(of.name()));
    let problem = Problem::new(ProblemCode::OverrideMismatch, message).step(of.name(), of.location());
    let hint = match closest(name, names.iter().copied()) {
        Some(close) => format!("did you mean `{}`?", one_line(close)),
        None if names.is_empty() => "it reads no output of a step".to_owned(),
        None => format!("it reads {}", listed(&names, 12)),
    };
    Err(Refusal::Problems(problem.hint(hint).into()))
}

impl Given {
    /// Returns the outputs of the first run that saved one of them.
    fn from_runs(asked: &str, runs: Vec<RunEntry>, plan: &Plan, step: usize) -> Result<Self, Refusal> {
        let needed = names_read_by(plan, step);
        if needed.is_empty() {
            return Ok(Given::default());
        }
        let mut found = runs.into_iter().map(|run| Given::from_run(run, plan, step));
        found.find(|given| !given.files.is_empty()).ok_or_else(|| {
            let (whose, hint) = if asked == LATEST {
                (
                    "no run has saved an".to_owned(),
                    "`run --save-outputs` saves the outputs whose types are `Serialize`",
                )
            } else {
                let whose = format!("run {} has saved no", one_line(asked));
                (whose, "`--inputs-from latest` uses the latest run that saved one")
            };
            Refusal::Usage(format!(
                "{whose} output that `{}` needs: {}\nhint: {hint}",
                one_line(plan.spec(step).name()),
                listed(&needed, 12),
            ))
        })
    }

    /// Returns the saved outputs that the step reads. If an output was not saved or cannot be read, its step runs, with
    /// the saved outputs that this one reads.
    fn from_run(run: RunEntry, plan: &Plan, step: usize) -> Self {
        let (mut files, mut missing) = (BTreeMap::new(), Vec::new());
        let mut seen = vec![false; plan.len()];
        let mut wanted: Vec<usize> = read_by(plan, step).collect();
        while let Some(earlier) = wanted.pop() {
            if std::mem::replace(&mut seen[earlier], true) {
                continue;
            }
            let spec = plan.spec(earlier);
            let path = output_path(&run.dir, spec.name());
            if spec.def().codec.can_read() && path.exists() {
                files.insert(spec.name().to_owned(), path);
            } else {
                missing.push(spec.name().to_owned());
                wanted.extend(read_by(plan, earlier));
            }
        }
        Given { files, run: Some((run, missing)) }
    }

    /// Returns the id of the run whose outputs these are.
    pub(super) fn run_id(&self) -> Option<&str> {
        self.run.as_ref().map(|(run, _)| run.run_id.as_str())
    }

    /// Returns what is printed before the step runs: nothing if nothing is given.
    pub(super) fn lines(&self) -> Vec<String> {
        let in_run = |path: &Path| self.run.as_ref().is_some_and(|(run, _)| path.starts_with(&run.dir));
        let (of_run, of_files): (Vec<_>, Vec<_>) = self.files.iter().partition(|(_, path)| in_run(path));
        let mut lines = Vec::new();
        for (name, file) in of_files {
            lines.push(format!("{} from {}", one_line(name), one_line(&file.display().to_string())));
        }
        if let Some((run, missing)) = &self.run {
            let names: Vec<&str> = of_run.iter().map(|(name, _)| name.as_str()).collect();
            lines.push(format!("{} from run {}", listed(&names, 12), short_id(&run.run_id)));
            if !missing.is_empty() {
                let what = counted(missing.len(), "step");
                lines.push(format!("{what} without a saved output will run: {}", listed(missing, 12)));
            }
        }
        lines
    }
}
