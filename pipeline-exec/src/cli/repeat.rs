//! `run --again RUN`: what a recorded run was started with, to run the same once more.

use std::collections::BTreeMap;

use pipeline_core::ParamValue;
use serde_json::Value;

use super::args::RunArgs;
use super::exit::Refusal;
use super::runs_dir;
use super::wording::one_line;
use crate::pipeline::Pipeline;
use crate::report::{CommandLine, RunReport};
use crate::runs::{RunEntry, params_of};
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
}

/// The options that select steps.
const SELECTION: [&str; 3] = ["--exclude", "--from", "--until"];

/// Finds the run of `--again`. `pipeline` is that of `--pipeline`, or the default.
pub(super) fn find(args: &mut RunArgs, pipeline: &Pipeline) -> Result<(), Refusal> {
    let Some(asked) = &args.again else { return Ok(()) };
    let store = runs_dir::in_force(&args.settings, pipeline)?;
    let run = runs_dir::found(&store, asked)?;
    let report = store.report_of(&run)?;
    args.original = Some(Original { run, report });
    Ok(())
}

/// Returns the arguments with what the run of `--again` was started with, and the pipeline with the command line that
/// this makes.
pub(super) fn filled(args: &RunArgs, mut pipeline: Pipeline) -> Result<(RunArgs, Pipeline), Refusal> {
    let mut args = args.clone();
    let Some(Original { run, report }) = args.original.take() else { return Ok((args, pipeline)) };
    let line = report.command_line.unwrap_or_default();
    if line.verb == "step" {
        let name = line.terms.first().map_or("NAME", String::as_str);
        let message =
            format!("run {} is one of `step`, and `--again` repeats a `run`", short_id(&run.run_id));
        return Err(Refusal::Usage(format!("{message}\nhint: repeat it with `step {}`", one_line(name))));
    }
    if args.selection.is_empty() {
        let option = |name: &str| line.options.get(name).cloned().unwrap_or_default();
        args.selection.terms = line.terms;
        [args.selection.exclude, args.selection.from, args.selection.until] = SELECTION.map(option);
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
        line.options.insert("--again".to_owned(), vec![run.run_id]);
        line.terms.clone_from(&args.selection.terms);
        let selection = [&args.selection.exclude, &args.selection.from, &args.selection.until];
        for (name, terms) in SELECTION.into_iter().zip(selection).filter(|(_, terms)| !terms.is_empty()) {
            line.options.insert(name.to_owned(), terms.clone());
        }
        pipeline = pipeline.started_by(line);
    }
    Ok((args, pipeline))
}
