//! What the step of `step NAME` reads, given from files instead of running the steps that make it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use pipeline_core::{Plan, Problem, ProblemCode, closest};

use super::settings::SettingsArgs;
use super::wording::{counted, listed, one_line};
use super::{Refusal, store};
use crate::pipeline::Pipeline;
use crate::store::{RunEntry, RunStore, output_path, outputs_of, short_id};

/// Where inputs come from, where they are not made by running their steps.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(super) struct InputArgs {
    /// Reads the output of a step from a JSON file instead of running the step.
    #[arg(long = "input", value_name = "STEP=FILE", value_parser = super::params::pair)]
    inputs: Vec<(String, String)>,
    /// Reads what the step reads from the outputs that a run has saved (`run --save-outputs`): `latest`, of those that have
    /// saved any of it, or a run's id. What that run has not saved is made by running its steps.
    #[arg(long, value_name = "RUN", allow_negative_numbers = true)]
    inputs_from: Option<String>,
}

/// What was found, by step.
#[derive(Default)]
pub(super) struct Given {
    files: BTreeMap<String, PathBuf>,
    /// The run whose outputs these are, and what it does not have.
    run: Option<(RunEntry, Vec<String>)>,
}

impl InputArgs {
    /// The runs whose outputs may be read, the latest first; none where no run is named.
    pub(super) fn runs(
        &self,
        settings: &SettingsArgs,
        pipeline: &Pipeline,
    ) -> Result<Vec<RunEntry>, Refusal> {
        let find = |name: &String| runs_with_outputs(name, &store::in_force(settings, pipeline)?);
        self.inputs_from.as_ref().map_or(Ok(Vec::new()), find)
    }

    /// Finds the files of what the step at a position of the plan reads, and gives the pipeline what is in them.
    pub(super) fn give(
        &self,
        mut runs: Vec<RunEntry>,
        mut pipeline: Pipeline,
        plan: &Plan,
        step: usize,
    ) -> Result<(Pipeline, Given), Refusal> {
        let mut given = Given::default();
        if !runs.is_empty() {
            // A run of this step alone has saved nothing that it reads.
            let has_any =
                |run: &RunEntry| read_by(plan, step).any(|earlier| saved(run, plan, earlier).is_some());
            let run = runs.swap_remove(runs.iter().position(has_any).unwrap_or(0));
            given.take_from(run, plan, step)?;
        }
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
            pipeline = pipeline.with_output_json(name, json);
        }
        Ok((pipeline, given))
    }
}

/// A run by its name. The latest is one of those that have saved outputs.
fn runs_with_outputs(name: &str, store: &RunStore) -> Result<Vec<RunEntry>, Refusal> {
    if name != "latest" {
        return Ok(vec![store.find(name)?]);
    }
    let mut runs = store.runs()?;
    runs.retain(|run| outputs_of(&run.dir).exists());
    if runs.is_empty() {
        let message = "no run has saved its outputs\nhint: `run --save-outputs` does";
        return Err(Refusal::Usage(message.to_owned()));
    }
    Ok(runs)
}

/// The file in which a run has saved the output of a step, where it can be read.
fn saved(run: &RunEntry, plan: &Plan, step: usize) -> Option<PathBuf> {
    let spec = plan.spec(step);
    let path = output_path(&run.dir, spec.name());
    (path.exists() && spec.def().codec.can_read()).then_some(path)
}

/// The steps that a step reads or follows, but for those whose outputs the program's code gives.
fn read_by(plan: &Plan, step: usize) -> impl Iterator<Item = usize> {
    let upstream = plan.dag().upstream(plan.in_dag(step)).iter();
    let positions = upstream.filter_map(|&earlier| plan.position(earlier as usize));
    positions.filter(|&earlier| !plan.given().contains(&(earlier as u32)))
}

/// The step of the plan that is meant, in the spelling of the plan.
fn upstream(plan: &Plan, step: usize, name: &str) -> Result<String, Refusal> {
    let found = plan.dag().find(name).ok().and_then(|found| plan.position(found));
    if let Some(found) = found.filter(|&found| found != step) {
        return Ok(plan.spec(found).name().to_owned());
    }
    let names: Vec<&str> = read_by(plan, step).map(|earlier| plan.spec(earlier).name()).collect();
    let of = plan.spec(step);
    let message = format!("`{}` is no step that `{}` needs", one_line(name), one_line(of.name()));
    let problem = Problem::new(ProblemCode::OverrideMismatch, message).step(of.name(), of.location());
    let hint = match closest(name, names.iter().copied()) {
        Some(close) => format!("did you mean `{}`?", one_line(close)),
        None if names.is_empty() => "it reads the output of no step".to_owned(),
        None => format!("it reads {}", listed(&names, 12)),
    };
    Err(Refusal::Problems(problem.hint(hint).into()))
}

impl Given {
    /// Takes what the step reads, as far as the run has saved it and it can be read.
    fn take_from(&mut self, run: RunEntry, plan: &Plan, step: usize) -> Result<(), Refusal> {
        let mut missing = Vec::new();
        for earlier in read_by(plan, step) {
            let name = plan.spec(earlier).name().to_owned();
            match saved(&run, plan, earlier) {
                Some(path) => drop(self.files.insert(name, path)),
                None => missing.push(name),
            }
        }
        if self.files.is_empty() && !missing.is_empty() {
            return Err(Refusal::Usage(format!(
                "run {} has saved no output that `{}` reads: {}\n\
                 hint: `run --save-outputs` saves the outputs whose types are `Serialize`; they are read back where they \
                 are `Deserialize`",
                run.run_id,
                one_line(plan.spec(step).name()),
                listed(&missing, 12),
            )));
        }
        self.run = Some((run, missing));
        Ok(())
    }

    /// The id of the run whose outputs these are.
    pub(super) fn run_id(&self) -> Option<&str> {
        self.run.as_ref().map(|(run, _)| run.run_id.as_str())
    }

    /// What is told before the step runs; nothing where nothing is given.
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
                lines.push(format!("{what} without a saved output to run: {}", listed(missing, 12)));
            }
        }
        lines
    }
}
