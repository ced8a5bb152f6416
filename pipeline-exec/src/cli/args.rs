//! The words of the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand};
use pipeline_core::{Problems, Selection};

use super::completions::CompletionsArgs;
use super::graph::GraphArgs;
use super::list::ListArgs;
use super::plan::PlanArgs;
use super::step::StepArgs;
use crate::pipeline::Pipeline;
use crate::settings::Settings;

const AFTER_HELP: &str = "\
Steps are selected by terms: a name, a glob (shard_*), tag:x, group:x, lane:x or package:x. +x adds everything that x
needs, x+ everything that needs x, 1+x and x+1 only what is one step away; a,b is what both select. Several terms are
united.

Run parameters come from -p, then from the environment (PIPELINE_PARAM_name=value), then from --params FILE. A value is
read as text where the parameter takes text, and as JSON otherwise: -p 'sizes=[1, 2]'.

Durations are written as 500ms, 30s or 1m30s, amounts of memory as 512MiB or 4GiB.

SIGINT (Ctrl-C) and SIGTERM stop the run: no further step starts, async steps are cancelled, steps on threads have the
grace time to end, and the report is printed. A second signal ends the process at once.

Exit codes: 0 every step succeeded (optional ones aside), 1 a step failed or timed out, 2 wrong use or an invalid graph
(nothing ran), 3 a file could not be read or written, 130 and 143 after SIGINT and SIGTERM.";

/// Runs the pipeline of this program.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true, after_help = AFTER_HELP)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Runs the selected steps and everything they need (the default).
    Run(RunArgs),
    /// Shows what would run, in order, and runs nothing.
    Plan(PlanArgs),
    /// Shows every registered step: lane, labels, inputs, run parameters, options, place.
    List(ListArgs),
    /// Draws the graph.
    Graph(GraphArgs),
    /// Runs one step and what it needs, and tells all there is to tell of it.
    Step(StepArgs),
    /// Prints a script that completes this command line in a shell.
    Completions(CompletionsArgs),
}

/// What to run, with what, and how.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug, Default, ClapArgs)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) selection: SelectionArgs,
    /// Sets a run parameter; `step.name=value` sets it for one step.
    #[arg(long = "param", short, value_name = "NAME=VALUE", value_parser = super::params::pair)]
    pub(super) params: Vec<(String, String)>,
    /// Reads run parameters from a file: TOML, or JSON where its name ends in `.json`.
    #[arg(long = "params", value_name = "FILE")]
    pub(super) params_file: Option<PathBuf>,
    /// Starts from a preset: default, high-performance, conservative or sequential.
    #[arg(long, value_parser = preset)]
    pub(super) preset: Option<Settings>,
    /// Runs at most so many steps at once, over all lanes.
    #[arg(long, short, value_name = "N")]
    pub(super) workers: Option<usize>,
    /// Runs at most so many async steps at once.
    #[arg(long, value_name = "N")]
    pub(super) io: Option<usize>,
    /// Runs at most so many CPU steps at once.
    #[arg(long, value_name = "N")]
    pub(super) cpu: Option<usize>,
    /// Runs at most so many blocking steps at once.
    #[arg(long, value_name = "N")]
    pub(super) blocking: Option<usize>,
    /// Runs one step at a time.
    #[arg(long, conflicts_with = "workers")]
    pub(super) sequential: bool,
    /// Stops the run at the first failure.
    #[arg(long)]
    pub(super) fail_fast: bool,
    /// Gives up an attempt of a step that takes longer; steps and groups can say otherwise.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(super) timeout: Option<Duration>,
    /// Ends the whole run when it takes longer.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(super) deadline: Option<Duration>,
    /// Tries a step that failed so many more times; steps and groups can say otherwise.
    #[arg(long, value_name = "N")]
    pub(super) retries: Option<u32>,
    /// Waits so long for steps on threads after a signal, before it leaves them behind [default: 10s].
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(super) grace: Option<Duration>,
    /// Starts fewer steps at once while the process comes near so much memory.
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    pub(super) memory_limit: Option<u64>,
    /// Skips steps that write, and what requires their outputs.
    #[arg(long)]
    pub(super) no_write: bool,
    /// Draws the random numbers of the run from this seed.
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Writes the report to a file, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// Prints the report to standard output, as JSON.
    #[arg(long)]
    pub(super) json: bool,
    /// Prints nothing where every step succeeds.
    #[arg(long, short, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Prints a line for each step that starts or ends, on a terminal too.
    #[arg(long, short)]
    pub(super) verbose: bool,
}

/// Which steps.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(super) struct SelectionArgs {
    /// Steps to run: names, globs, tag:x, group:x, +x, x+, a,b (see `help`); all where nothing is said.
    #[arg(value_name = "TERM")]
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

fn preset(name: &str) -> Result<Settings, String> {
    Settings::preset(name)
        .ok_or_else(|| "one of default, high-performance, conservative, sequential".to_owned())
}

fn memory(text: &str) -> Result<u64, String> {
    text.parse::<bytesize::ByteSize>().map(|size| size.as_u64())
}
