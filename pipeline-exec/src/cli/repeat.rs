//! `run --again RUN`, `--resume`, `--failed`: what a recorded run was started with, to run the same once more, or to go on with it.

use std::collections::BTreeMap;

use pipeline_core::ParamValue;
use pipeline_core::frame::Status;
use serde_json::Value;

use super::again::is_read_as_a_name;
use super::args::{RunArgs, SelectionArgs};
use super::exit::Refusal;
use super::runs_dir;
use super::wording::one_line;
use crate::pipeline::Pipeline;
use crate::report::{CommandLine, RunReport, StepReport};
use crate::runs::{RunEntry, RunState, RunStore, params_of};
use crate::text::short_id;

/// What a recorded run was started with. Options and parameters of the command line win over it.
#[derive(Clone, Debug, Default)]
pub(super) struct Repeated {
    /// In words: `run 01a2b3c4`.
    pub(super) origin: String,
    pub(super) settings: BTreeMap<String, Value>,
    pub(super) params: BTreeMap<String, ParamValue>,
}

/// The run that `--again` names.
#[derive(Clone, Debug)]
pub(super) struct Original {
    pub(super) run: RunEntry,
    report: RunReport,
    by: By,
}

/// The option that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Again,
    Resume,
    Failed,
}

impl By {
    fn option(self) -> &'static str {
        match self {
            By::Again => "--again",
            By::Resume => "--resume",
            By::Failed => "--failed",
        }
    }
}

/// Name of the latest run that ended and did not succeed.
pub(super) const UNSUCCESSFUL: &str = "unsuccessful";

/// The options that select steps.
const SELECTION: [&str; 3] = ["--exclude", "--from", "--until"];

/// Finds the run of `--again`. `pipeline` is that of `--pipeline`, or the default.
pub(super) fn find(args: &mut RunArgs, pipeline: &Pipeline) -> Result<(), Refusal> {
    let options = [(&args.again, By::Again), (&args.resume, By::Resume), (&args.failed, By::Failed)];
    let Some((asked, by)) = options.into_iter().find_map(|(asked, by)| Some((asked.as_ref()?, by))) else {
        return Ok(());
    };
    let store = runs_dir::in_force(&args.settings, pipeline)?;
    let run = if asked == UNSUCCESSFUL { unsuccessful(&store, by)? } else { runs_dir::found(&store, asked)? };
    let report = store.report_of(&run)?;
    args.original = Some(Original { run, report, by });
    Ok(())
}

/// Finds the latest run that ended and did not succeed.
fn unsuccessful(store: &RunStore, by: By) -> Result<RunEntry, Refusal> {
    let ended = [RunState::Failed, RunState::Cancelled, RunState::Interrupted];
    let runs = runs_dir::looked_up(store, RunStore::runs)?;
    runs.into_iter().find(|run| ended.contains(&run.state)).ok_or_else(|| {
        Refusal::Usage(format!(
            "there is no recorded run that did not succeed\nhint: name one, as in `{} RUN`; `runs` lists them",
            by.option()
        ))
    })
}

/// Returns the arguments with what the run of `--again` was started with, and the pipeline with the command line that
/// this makes.
pub(super) fn filled(args: &RunArgs, mut pipeline: Pipeline) -> Result<(RunArgs, Pipeline), Refusal> {
    let mut args = args.clone();
    let Some(Original { run, report, by }) = args.original.take() else { return Ok((args, pipeline)) };
    let of_failed = if by == By::Failed { failed(&report)? } else { Vec::new() };
    let line = report.command_line.unwrap_or_default();
    if line.verb == "step" {
        let name = line.terms.first().map_or("NAME", String::as_str);
        let (id, option) = (short_id(&run.run_id), by.option());
        let message = format!("run {id} is one of `step`, and `{option}` is about a `run`");
        return Err(Refusal::Usage(format!("{message}\nhint: repeat it with `step {}`", one_line(name))));
    }
    if args.selection.is_empty() {
        let option = |name: &str| line.options.get(name).cloned().unwrap_or_default();
        args.selection.terms = line.terms;
        [args.selection.exclude, args.selection.from, args.selection.until] = SELECTION.map(option);
    }
    if by == By::Failed {
        args.selection = SelectionArgs { terms: of_failed, ..SelectionArgs::default() };
    }
    if by != By::Again {
        args.resumed = Some(run.run_id.clone());
    }
    let mut settings = report.settings;
    settings.insert("seed".to_owned(), report.provenance.seed.into());
    let repeated = Repeated {
        origin: format!("run {}", short_id(&run.run_id)),
        settings,
        params: params_of(&run.dir)?.unwrap_or_default(),
    };
    args.settings.repeated = Some(repeated.clone());
    args.params.repeated = Some(repeated);
    if let Some(line) = pipeline.command_line() {
        let mut line = CommandLine::clone(line);
        // A name such as `latest` means another run later.
        line.options.insert(by.option().to_owned(), vec![run.run_id]);
        line.terms.clone_from(&args.selection.terms);
        let selection = [&args.selection.exclude, &args.selection.from, &args.selection.until];
        for (name, terms) in SELECTION.into_iter().zip(selection).filter(|(_, terms)| !terms.is_empty()) {
            line.options.insert(name.to_owned(), terms.clone());
        }
        pipeline = pipeline.started_by(line);
    }
    Ok((args, pipeline))
}

/// Returns the terms of the steps that failed in a run, or were skipped because of one that failed.
fn failed(report: &RunReport) -> Result<Vec<String>, Refusal> {
    let is_failed = |step: &&StepReport| {
        step.status.is_failure() || (step.status == Status::Skipped && step.because.is_some())
    };
    let terms: Vec<String> = report.steps.iter().filter(is_failed).map(|step| step.name.clone()).collect();
    let unreadable = terms.iter().find(|term| !is_read_as_a_name(term));
    match (terms.is_empty(), unreadable) {
        (true, _) => {
            let (id, hint) =
                (short_id(&report.run_id), "`--resume RUN` runs what was stopped or had not begun");
            Err(Refusal::Usage(format!("no step of run {id} failed\nhint: {hint}")))
        }
        (_, Some(term)) => {
            let term = one_line(term);
            Err(Refusal::Usage(format!("the name `{term}` of a step is no term\nhint: use `--resume RUN`")))
        }
        _ => Ok(terms),
    }
}
