//! The inputs of `step NAME` from files, instead of running the steps that make them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args as ClapArgs;
use pipeline_core::{Plan, Problem, ProblemCode, closest, contain};

use super::exit::{Refusal, to_stderr};
use super::runs_dir;
use super::settings::SettingsArgs;
use super::wording::{counted, listed, one_line};
use crate::pipeline::{GivenOutput, Pipeline, read_json};
use crate::runs::{RunEntry, RunStore, SavedOutputs, whose};
use crate::text::short_id;

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

/// The outputs that were found, by step.
#[derive(Default)]
pub(super) struct Given {
    /// The files of `--input`.
    files: BTreeMap<String, PathBuf>,
    run: Option<OfRun>,
}

/// The saved outputs of a run.
struct OfRun {
    run: RunEntry,
    /// The JSON of each usable one, by step.
    outputs: BTreeMap<String, &'static [u8]>,
    /// The steps whose outputs it lacks.
    missing: Vec<String>,
    /// Why an output that should be there cannot be used, a sentence each.
    unusable: Vec<String>,
}

impl InputArgs {
    /// Returns the runs whose outputs may be read, the preferred first.
    pub(super) fn runs(
        &self,
        settings: &SettingsArgs,
        pipeline: &Pipeline,
    ) -> Result<Vec<RunEntry>, Refusal> {
        let Some(name) = &self.inputs_from else { return Ok(Vec::new()) };
        let store = runs_dir::in_force(settings, pipeline)?;
        // The latest run that saved a useful output need not be the latest run.
        if name == LATEST {
            return runs_dir::looked_up(&store, RunStore::runs);
        }
        Ok(vec![runs_dir::found(&store, name)?])
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
            Some(asked) => Given::from_runs(asked, runs_dir::asked_for(&pipeline), runs, plan, step)?,
            None => Given::default(),
        };
        for why in given.run.iter().flat_map(|of_run| &of_run.unusable) {
            to_stderr(&format!("warning: {}; the step runs", one_line(why)));
        }
        for (name, file) in &self.inputs {
            if name.is_empty() {
                let message = format!("`--input {}` names no step", one_line(file));
                return Err(Refusal::Usage(format!("{message}\nhint: write it as `--input step=FILE`")));
            }
            let name = upstream(plan, step, name)?;
            if let Some(of_run) = &mut given.run {
                of_run.outputs.remove(&name);
            }
            given.files.insert(name, PathBuf::from(file));
        }
        for (name, file) in &given.files {
            let json = std::fs::read(file).map_err(|error| {
                let (file, name) = (one_line(&file.display().to_string()), one_line(name));
                Refusal::Environment(format!("cannot read {file}, the output given for `{name}`: {error}"))
            })?;
            pipeline = pipeline.with_output_named(name, GivenOutput::json(json));
        }
        for (name, json) in given.run.iter().flat_map(|of_run| &of_run.outputs) {
            pipeline = pipeline.with_output_named(name, GivenOutput::of_json(json));
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
    let found = match plan.dag().find(name) {
        Err(problem) if problem.code == ProblemCode::AmbiguousName => {
            return Err(Refusal::Problems(problem.into()));
        }
        found => found.ok().and_then(|found| plan.position(found)),
    };
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
    fn from_runs(
        asked: &str,
        pipeline: Option<&str>,
        runs: Vec<RunEntry>,
        plan: &Plan,
        step: usize,
    ) -> Result<Self, Refusal> {
        let needed = names_read_by(plan, step);
        if needed.is_empty() {
            return Ok(Given::default());
        }
        let mut found = runs.into_iter().map(|run| OfRun::of(run, plan, step));
        let found = found.find(|of_run| !of_run.outputs.is_empty() || !of_run.unusable.is_empty());
        found.map(|of_run| Given { run: Some(of_run), ..Given::default() }).ok_or_else(|| {
            let (whose, hint) = if asked == LATEST {
                (
                    format!("no run of {} has saved an", whose(pipeline)),
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

    /// Returns the id of the run whose outputs these are.
    pub(super) fn run_id(&self) -> Option<&str> {
        self.run.as_ref().map(|of_run| of_run.run.run_id.as_str())
    }

    /// Returns what is printed before the step runs: nothing if nothing is given.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, file) in &self.files {
            lines.push(format!("{} from {}", one_line(name), one_line(&file.display().to_string())));
        }
        if let Some(OfRun { run, outputs, missing, .. }) = &self.run {
            let names: Vec<&str> = outputs.keys().map(String::as_str).collect();
            if !names.is_empty() {
                lines.push(format!("{} from run {}", listed(&names, 12), short_id(&run.run_id)));
            }
            if !missing.is_empty() {
                let what = counted(missing.len(), "step");
                lines.push(format!("{what} without a saved output will run: {}", listed(missing, 12)));
            }
        }
        lines
    }
}

impl OfRun {
    /// Returns the saved outputs that the step reads. If an output was not saved or cannot be read, its step runs, with
    /// the saved outputs that this one reads.
    fn of(run: RunEntry, plan: &Plan, step: usize) -> Self {
        let saved = SavedOutputs::of(&run.dir);
        let mut of_run = OfRun { run, outputs: BTreeMap::new(), missing: Vec::new(), unusable: Vec::new() };
        let mut seen = vec![false; plan.len()];
        let mut wanted: Vec<usize> = read_by(plan, step).collect();
        while let Some(earlier) = wanted.pop() {
            if std::mem::replace(&mut seen[earlier], true) {
                continue;
            }
            let name = plan.spec(earlier).name();
            match usable(&saved, plan, earlier) {
                Ok(Some(json)) => {
                    of_run.outputs.insert(name.to_owned(), json);
                    continue;
                }
                Ok(None) => {}
                Err(why) => of_run.unusable.push(format!("the output of `{name}` {why}")),
            }
            of_run.missing.push(name.to_owned());
            wanted.extend(read_by(plan, earlier));
        }
        of_run
    }
}

/// Returns the saved output of a step after trying to read it; `None` if there is none.
///
/// The bytes live as long as the program, because the value may borrow from them.
fn usable(saved: &SavedOutputs, plan: &Plan, step: usize) -> Result<Option<&'static [u8]>, String> {
    let spec = plan.spec(step);
    if !spec.def().codec.can_read() {
        return Ok(None);
    }
    let Some(json) = saved.read(&spec.identity())? else { return Ok(None) };
    let json: &'static [u8] = Vec::leak(json);
    // Reading runs the type's own `Deserialize`, and dropping its own `Drop`.
    match contain::guard(|| read_json(plan, step, json).map(drop)) {
        Ok(Ok(())) => Ok(Some(json)),
        Ok(Err((why, _))) => Err(why),
        Err(panic) => Err(format!("cannot be read: its `Deserialize` panicked: {panic}")),
    }
}
