//! The verbs of the command line: a row of [`Command`] and a line of [`execute`] for each.

use clap::{CommandFactory, Parser, Subcommand};

use super::args::RunArgs;
use super::cache::{self, CacheArgs};
use super::completions::{self, CompletionsArgs};
use super::diff::{self, DiffArgs};
use super::exit::Refusal;
use super::explain::{self, ExplainArgs};
use super::graph::{self, GraphArgs};
use super::info::{self, InfoArgs};
use super::lineage::{self, LineageArgs};
use super::list::{self, ListArgs};
use super::pipelines::Chosen;
use super::plan::{self, PlanArgs};
use super::program::{NAME, VERSION};
use super::report::{self, ReportArgs};
use super::runs::{self, RunsArgs};
use super::step::{self, StepArgs};
use super::{misplaced, run};

/// One line for each paragraph: clap wraps it to the width of the terminal.
const AFTER_HELP: &str = "\
Steps are selected by terms: a name, a glob (shard_*), tag:x, group:x, lane:x or package:x. +x adds everything that x \
needs, x+ everything that needs x, 1+x and x+1 only the steps one edge away; a,b selects what both select. Several terms \
add up.

Run parameters: the first source with a value wins: -p, the environment (PIPELINE_PARAM_name=value), --params FILE, \
[params] of pipeline.toml. A value is read as text if the parameter takes text, otherwise as JSON: -p 'sizes=[1, 2]'.

Settings: the first source with a value wins: code, flags, the environment (PIPELINE_WORKERS=4, \
PIPELINE_STEPS__FETCH__RETRIES=2), pipeline.toml or the file of --config, the preset. `info` shows the source of each.

Durations are written as 500ms, 30s or 1m30s, memory sizes as 512MiB or 4GiB.

The environment variable PIPELINE_OUTPUT sets the default of --output. NO_COLOR=1 turns colours off.

SIGINT (Ctrl-C) and SIGTERM stop the run: no further step starts, async steps are cancelled, CPU and blocking steps get \
the grace period to end, and the report is printed. A second signal ends the process at once.

Exit codes: 0 every step succeeded (optional steps aside), 1 a step failed or timed out, 2 wrong use or an invalid graph \
(nothing ran), 3 a file could not be read or written, 130 and 143 after SIGINT and SIGTERM.";

/// What the short help ends with.
const MORE_HELP: &str = "\
TERM is a name, a glob (shard_*), tag:x or group:x; +x adds what x needs, x+ what needs x. `--help` shows all options.";

/// The maximum width of help, on terminals of any width.
const HELP_COLUMNS: usize = 120;

/// Run the pipeline of this program.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true, max_term_width = HELP_COLUMNS, after_help = MORE_HELP, after_long_help = AFTER_HELP)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

impl Args {
    /// Returns the arguments that may repeat a run.
    pub(super) fn of_run(&mut self) -> Option<&mut RunArgs> {
        match &mut self.command {
            None => Some(&mut self.run),
            Some(Command::Run(run)) => Some(run),
            Some(Command::Plan(plan)) => Some(&mut plan.run),
            Some(_) => None,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the selected steps and everything they need (the default).
    #[command(after_help = MORE_HELP, after_long_help = AFTER_HELP)]
    Run(RunArgs),
    /// Show what would run, in order, without running it.
    Plan(PlanArgs),
    /// Show every step: lane, labels, inputs, run parameters, options, location.
    List(ListArgs),
    /// Draw the graph.
    Graph(GraphArgs),
    /// Show the settings in force with their sources, the machine and the build.
    Info(InfoArgs),
    /// Run one step and what it needs, with full detail.
    Step(StepArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
    /// Show the recorded runs, or the durations of steps over them.
    Runs(RunsArgs),
    /// Show the report of a recorded run.
    Report(ReportArgs),
    /// Show the differences between two recorded runs.
    Diff(DiffArgs),
    /// Show, check, remove or export the values that are stored for later runs.
    Cache(CacheArgs),
    /// Show what a stored value was made of, and what was made of it.
    Lineage(LineageArgs),
    /// Explain an error code and how to fix it.
    Explain(ExplainArgs),
}

/// Returns the command line, under the name of the program.
pub(super) fn command() -> clap::Command {
    Args::command().name(NAME.as_str()).bin_name(NAME.as_str()).version(VERSION.as_str())
}

/// Executes the verb. Returns the exit code. `command` is the command line that was parsed.
pub(super) fn execute(args: Args, chosen: Chosen, command: &clap::Command) -> Result<u8, Refusal> {
    match args.command.unwrap_or(Command::Run(args.run)) {
        Command::Run(args) => {
            let pipeline = chosen.prepared()?;
            let as_prepared = pipeline.clone();
            run::execute(&args, pipeline)
                .map_err(|refusal| misplaced::command(&args, refusal, command, &as_prepared))
        }
        Command::Plan(args) => plan::execute(&args, chosen),
        Command::List(args) => list::execute(&args, chosen),
        Command::Graph(args) => graph::execute(args, chosen.unprepared()),
        Command::Info(args) => info::execute(&args, chosen.prepared()?),
        Command::Step(args) => step::execute(&args, chosen.prepared()?),
        Command::Completions(args) => completions::execute(&args, command.clone(), &chosen.unprepared()),
        Command::Runs(args) => runs::execute(&args, &chosen.unprepared()),
        Command::Report(args) => report::execute(&args, &chosen.unprepared()),
        Command::Diff(args) => diff::execute(&args, &chosen.unprepared()),
        Command::Cache(args) => cache::execute(&args, chosen),
        Command::Lineage(args) => lineage::execute(&args, &chosen.unprepared()),
        Command::Explain(args) => explain::execute(&args),
    }
}
