//! The words of the command line.

use std::path::PathBuf;

use clap::{ArgAction, Args as ClapArgs, Parser, Subcommand};
use pipeline_core::{Problems, Selection};

use super::completions::CompletionsArgs;
use super::diff::DiffArgs;
use super::explain::ExplainArgs;
use super::graph::GraphArgs;
use super::info::InfoArgs;
use super::list::ListArgs;
use super::output::Output;
use super::plan::PlanArgs;
use super::report::ReportArgs;
use super::runs::RunsArgs;
use super::settings::SettingsArgs;
use super::step::StepArgs;
use crate::pipeline::Pipeline;

/// One line for each paragraph: it is wrapped as wide as the terminal is.
const AFTER_HELP: &str = "\
Steps are selected by terms: a name, a glob (shard_*), tag:x, group:x, lane:x or package:x. +x adds everything that x \
needs, x+ everything that needs x, 1+x and x+1 only what is one step away; a,b is what both select. Several terms are \
united.

Run parameters come from -p, then from the environment (PIPELINE_PARAM_name=value), then from --params FILE, then from \
[params] of pipeline.toml. A value is read as text where the parameter takes text, and as JSON otherwise: \
-p 'sizes=[1, 2]'.

Settings come from code, then from flags, then from the environment (PIPELINE_WORKERS=4, \
PIPELINE_STEPS__FETCH__RETRIES=2), then from pipeline.toml or the file of --config, then from the preset. `info` shows \
where each comes from.

Durations are written as 500ms, 30s or 1m30s, amounts of memory as 512MiB or 4GiB.

PIPELINE_OUTPUT in the environment says the form of the output where --output does not. NO_COLOR=1 takes colours away.

SIGINT (Ctrl-C) and SIGTERM stop the run: no further step starts, async steps are cancelled, steps on threads have the \
grace time to end, and the report is printed. A second signal ends the process at once.

Exit codes: 0 every step succeeded (optional ones aside), 1 a step failed or timed out, 2 wrong use or an invalid graph \
(nothing ran), 3 a file could not be read or written, 130 and 143 after SIGINT and SIGTERM.";

/// Lines of help are no wider than this, however wide the terminal is.
const HELP_COLUMNS: usize = 120;

/// Runs the pipeline of this program.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true, max_term_width = HELP_COLUMNS, after_help = AFTER_HELP)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Runs the selected steps and everything they need (the default).
    #[command(after_help = AFTER_HELP)]
    Run(RunArgs),
    /// Shows what would run, in order, and runs nothing.
    Plan(PlanArgs),
    /// Shows every registered step: lane, labels, inputs, run parameters, options, place.
    List(ListArgs),
    /// Draws the graph.
    Graph(GraphArgs),
    /// Shows the settings in force, where each comes from, and what this machine and this build can do.
    Info(InfoArgs),
    /// Runs one step and what it needs, and tells all there is to tell of it.
    Step(StepArgs),
    /// Prints a script that completes this command line in a shell.
    Completions(CompletionsArgs),
    /// Shows the runs that were recorded, or how the steps' durations have gone over them.
    Runs(RunsArgs),
    /// Shows the report of a recorded run.
    Report(ReportArgs),
    /// Shows what is different between two recorded runs.
    Diff(DiffArgs),
    /// Tells what an error code means, and how to mend it.
    Explain(ExplainArgs),
}

/// What to run, with what, and how. A heading of what is flattened would go on behind it, hence `None`.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug, Default, ClapArgs)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) selection: SelectionArgs,
    /// Sets a run parameter; `step.name=value` sets it for one step.
    #[arg(long = "param", help_heading = None::<&str>, short, value_name = "NAME=VALUE", value_parser = super::params::pair)]
    pub(super) params: Vec<(String, String)>,
    /// Reads run parameters from a file: TOML, or JSON where its name ends in `.json`.
    #[arg(long = "params", help_heading = None::<&str>, value_name = "FILE")]
    pub(super) params_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
    /// Records nothing of the run in the runs directory.
    #[arg(long, help_heading = None::<&str>)]
    pub(super) no_report: bool,
    /// Saves what each step returns, as JSON, in the folder of the run: for `step NAME --inputs-from`.
    #[arg(long, help_heading = None::<&str>, conflicts_with = "no_report")]
    pub(super) save_outputs: bool,
    /// Writes the report to a file, as JSON.
    #[arg(long, help_heading = None::<&str>, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// Prints the report to standard output, as JSON.
    #[arg(long, help_heading = None::<&str>)]
    pub(super) json: bool,
    /// Shows the run as text (live on a terminal, lines elsewhere), as plain lines everywhere, or as events in JSON
    /// lines on standard output, the report as the last [default: text].
    #[arg(long, help_heading = None::<&str>, value_name = "FORM", conflicts_with = "json", hide_possible_values = true)]
    pub(super) output: Option<Output>,
    /// Prints nothing but failures, and nothing at all where every step succeeds.
    #[arg(long, help_heading = None::<&str>, short, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Prints the settings that differ from the defaults and the plan first, then a line for each step that starts or ends,
    /// on a terminal too, and every figure at the end; -vv adds the other settings, and what steps have counted.
    #[arg(long, help_heading = None::<&str>, short, action = ArgAction::Count)]
    pub(super) verbose: u8,
}

/// Which steps.
#[derive(Clone, Debug, Default, ClapArgs)]
#[command(next_help_heading = "Selection")]
pub(super) struct SelectionArgs {
    /// Steps to run: names, globs, tag:x, group:x, +x, x+, a,b (see `help`); all where nothing is said.
    #[arg(value_name = "TERM", help_heading = None::<&str>)]
    pub(super) terms: Vec<String>,
    /// Steps to leave out, in the same terms.
    #[arg(long, value_name = "TERM")]
    pub(super) exclude: Vec<String>,
    /// Only these steps, what needs them, and what that needs.
    #[arg(long, value_name = "TERM")]
    pub(super) from: Vec<String>,
    /// Only these steps and what they need: the run ends with them.
    #[arg(long, value_name = "TERM")]
    pub(super) until: Vec<String>,
}

impl SelectionArgs {
    pub(super) fn is_empty(&self) -> bool {
        [&self.terms, &self.exclude, &self.from, &self.until].iter().all(|terms| terms.is_empty())
    }

    /// The selection that the terms are.
    pub(super) fn parsed(&self) -> Result<Selection, Problems> {
        let selection = Selection::parse(&self.terms)?.exclude(&self.exclude)?;
        selection.from_steps(&self.from)?.until(&self.until)
    }

    /// The pipeline with this selection.
    pub(super) fn apply(&self, pipeline: Pipeline) -> Pipeline {
        pipeline.select(&self.terms).exclude(&self.exclude).from_steps(&self.from).until(&self.until)
    }
}
