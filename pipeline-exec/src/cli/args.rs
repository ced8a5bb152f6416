//! The words of the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args as ClapArgs, Parser, Subcommand};

use super::graph::GraphArgs;
use super::output::Output;
use crate::settings::Settings;

const AFTER_HELP: &str = "\
Run parameters come from -p, then from the environment (PIPELINE_PARAM_name=value), then from --params FILE. A value is
read as text where the parameter takes text, and as JSON otherwise: -p 'sizes=[1, 2]'.

Durations are written as 500ms, 30s or 1m30s, amounts of memory as 512MiB or 4GiB.

PIPELINE_OUTPUT in the environment says the form of the output where --output does not. NO_COLOR=1 takes colours away.

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
    Plan(RunArgs),
    /// Shows every registered step: lane, labels, inputs, run parameters, place.
    List,
    /// Draws the graph.
    Graph(GraphArgs),
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
    /// Draws the random numbers of the run from this seed.
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Writes the report to a file, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// Prints the report to standard output, as JSON.
    #[arg(long)]
    pub(super) json: bool,
    /// Shows the run as text (live on a terminal, lines elsewhere), as plain lines everywhere, or as events in JSON
    /// lines on standard output, the report as the last [default: text].
    #[arg(long, value_name = "FORM", conflicts_with = "json", hide_possible_values = true)]
    pub(super) output: Option<Output>,
    /// Prints nothing but failures, and nothing at all where every step succeeds.
    #[arg(long, short, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Prints settings and plan first, then a line for each step that starts or ends, on a terminal too; -vv adds what
    /// steps have counted.
    #[arg(long, short, action = ArgAction::Count)]
    pub(super) verbose: u8,
}

/// Which steps.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(super) struct SelectionArgs {
    /// Steps to run: names, globs, tag:x, group:x; `+x` with all upstream, `x+` with all downstream. Every step
    /// where nothing is said.
    #[arg(value_name = "TERM")]
    pub(super) terms: Vec<String>,
    /// Steps to leave out, in the same terms.
    #[arg(long, value_name = "TERM")]
    pub(super) exclude: Vec<String>,
}

impl SelectionArgs {
    pub(super) fn is_empty(&self) -> bool {
        self.terms.is_empty() && self.exclude.is_empty()
    }
}

fn preset(name: &str) -> Result<Settings, String> {
    Settings::preset(name)
        .ok_or_else(|| "one of default, high-performance, conservative, sequential".to_owned())
}

fn memory(text: &str) -> Result<u64, String> {
    text.parse::<bytesize::ByteSize>().map(|size| size.as_u64())
}
