//! The verbs of the command line: a row of [`Command`] and a line of [`execute`] for each.

use clap::{CommandFactory, Parser, Subcommand};

use super::args::RunArgs;
use super::completions::{self, CompletionsArgs};
use super::diff::{self, DiffArgs};
use super::exit::Refusal;
use super::explain::{self, ExplainArgs};
use super::graph::{self, GraphArgs};
use super::info::{self, InfoArgs};
use super::list::{self, ListArgs};
use super::plan::{self, PlanArgs};
use super::program::{NAME, VERSION};
use super::report::{self, ReportArgs};
use super::runs::{self, RunsArgs};
use super::step::{self, StepArgs};
use super::{misplaced, run};
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

/// The command line, under the name of the program.
pub(super) fn command() -> clap::Command {
    Args::command().name(NAME.as_str()).bin_name(NAME.as_str()).version(VERSION.as_str())
}

/// Carries out the verb. Returns the exit code.
pub(super) fn execute(args: Args, pipeline: Pipeline) -> Result<u8, Refusal> {
    match args.command.unwrap_or(Command::Run(args.run)) {
        Command::Run(args) => {
            run::execute(&args, pipeline).map_err(|refusal| misplaced::command(&args, refusal, &command()))
        }
        Command::Plan(args) => plan::execute(&args, pipeline),
        Command::List(args) => list::execute(&args, pipeline),
        Command::Graph(args) => graph::execute(args, pipeline),
        Command::Info(args) => info::execute(&args, pipeline),
        Command::Step(args) => step::execute(&args, pipeline),
        Command::Completions(args) => completions::execute(&args, command(), &pipeline),
        Command::Runs(args) => runs::execute(&args, &pipeline),
        Command::Report(args) => report::execute(&args, &pipeline),
        Command::Diff(args) => diff::execute(&args, &pipeline),
        Command::Explain(args) => explain::execute(&args),
    }
}
