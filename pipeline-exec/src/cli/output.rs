//! How a run is shown: its form, the level of detail, colours.

use std::io::{self, IsTerminal};

use clap::ValueEnum;

use super::exit::Refusal;
use super::paint::Paint;

/// The environment variable with the default of `--output`.
const VARIABLE: &str = "PIPELINE_OUTPUT";

/// The value of `--output`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people: a live view on a terminal, plain lines elsewhere.
    Text,
    /// Plain lines, on a terminal too.
    Plain,
    /// For programs: each event as a line of JSON on standard output, the report as the last.
    Json,
}

/// What is written while a run runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Lines at the end of the terminal that are redrawn; few that stay.
    Live,
    /// A line for each event.
    Lines,
    /// Events as data only.
    Nothing,
}

/// The level of detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Failures only.
    Quiet,
    Normal,
    /// Settings and plan first, and each step, also on a terminal.
    Verbose,
    /// Also attempts, and the counters of steps.
    All,
}

/// How a run is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct OutputOptions {
    pub(super) form: Form,
    pub(super) level: Level,
    pub(super) paint: Paint,
    /// Whether events go to standard output, as JSON.
    pub(super) json: bool,
}

impl OutputOptions {
    /// Derives the options from the command line, the environment and the streams.
    pub(super) fn new(output: Option<Output>, quiet: bool, verbose: u8) -> Result<Self, Refusal> {
        let output = output.map_or_else(from_environment, Ok)?;
        let level = match verbose {
            _ if quiet => Level::Quiet,
            0 => Level::Normal,
            1 => Level::Verbose,
            _ => Level::All,
        };
        let form = match output {
            // JSON on the terminal must not be drawn over.
            Output::Json if io::stdout().is_terminal() || !can_draw() => Form::Nothing,
            Output::Text | Output::Json if can_draw() && level > Level::Quiet => Form::Live,
            Output::Json => Form::Nothing,
            Output::Text | Output::Plain => Form::Lines,
        };
        Ok(OutputOptions { form, level, paint: Paint::of_stderr(), json: output == Output::Json })
    }
}

fn from_environment() -> Result<Output, Refusal> {
    match std::env::var(VARIABLE) {
        Err(_) => Ok(Output::Text),
        Ok(name) if name.is_empty() => Ok(Output::Text),
        Ok(name) => Output::from_str(&name, false).map_err(|_| {
            Refusal::Usage(format!(
                "environment variable {VARIABLE} is {name:?}; it must be text, plain or json"
            ))
        }),
    }
}

/// Reports whether standard error is a terminal with a movable cursor.
fn can_draw() -> bool {
    let knows_how = || std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
    cfg!(unix) && io::stderr().is_terminal() && knows_how()
}
