//! The command line behind `pipeline::main()`.
//!
//! ```text
//! run [TERMS…]     runs the selected steps and everything they need (the default)
//! plan [TERMS…]    shows what would run, and runs nothing
//! list             shows every registered step
//! graph            draws the graph as text, dot, mermaid or json
//! ```
//! Exit codes: 0 every step succeeded (optional ones aside), 1 a step failed or timed out, 2 wrong use or an invalid graph
//! (nothing ran), 3 the environment failed, 130 and 143 after SIGINT and SIGTERM (`signals`).

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod graph;
mod lines;
mod list;
mod live;
mod output;
mod paint;
mod params;
mod plan;
mod run;
mod settings;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use pipeline_core::Problems;

use self::args::{Args, Command, RunArgs};
use crate::pipeline::Pipeline;

/// Every selected step succeeded. What a run that did not exits with is the run's to say.
const OK: u8 = 0;
/// Wrong use, or an invalid graph; nothing ran.
const INVALID: u8 = 2;
/// The environment failed: a file could not be read or written.
const ENVIRONMENT: u8 = 3;

/// Runs the command line over every step registered in this program: the `main` of a pipeline binary.
///
/// `fn main() -> std::process::ExitCode { pipeline::main() }`
pub fn main() -> ExitCode {
    main_with(|pipeline| pipeline)
}

/// As [`main`], with a pipeline that is given resources, parameters or settings first.
///
/// A run parameter that is set here wins over the command line, so set only what a user must not change. Settings are where
/// the command line begins: each of its flags changes one, and `--preset` replaces them all.
pub fn main_with(prepare: impl FnOnce(Pipeline) -> Pipeline) -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version come here too, to standard output and with code 0.
            let code = if error.use_stderr() { INVALID } else { OK };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let pipeline = prepare(Pipeline::all());
    ExitCode::from(match dispatch(args, pipeline) {
        Ok(code) => code,
        Err(Refusal::Problems(problems)) => {
            eprintln!("error: {problems}");
            INVALID
        }
        Err(Refusal::Usage(message)) => {
            eprintln!("error: {message}");
            INVALID
        }
        Err(Refusal::Environment(message)) => {
            eprintln!("error: {message}");
            ENVIRONMENT
        }
    })
}

/// Why a command was not carried out.
pub(crate) enum Refusal {
    Problems(Problems),
    /// Wrong use that only shows later than the arguments do.
    Usage(String),
    Environment(String),
}

impl From<Problems> for Refusal {
    fn from(problems: Problems) -> Self {
        Refusal::Problems(problems)
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Refusal::Environment(error.to_string())
    }
}

fn dispatch(args: Args, pipeline: Pipeline) -> Result<u8, Refusal> {
    match args.command.unwrap_or(Command::Run(args.run)) {
        Command::Run(args) => run::execute(&args, pipeline),
        Command::Plan(args) => plan::execute(&args, pipeline),
        Command::List => list::execute(),
        Command::Graph(args) => graph::execute(args, pipeline),
    }
}

/// Writes a whole text; a reader that has gone away (`| head`) is not an error.
fn print(text: &str) -> Result<u8, Refusal> {
    let mut out = io::stdout().lock();
    match out
        .write_all(text.as_bytes())
        .and_then(|()| if text.ends_with('\n') { Ok(()) } else { writeln!(out) })
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(OK),
    }
}

fn configured(run: &RunArgs, pipeline: Pipeline) -> Result<Pipeline, Refusal> {
    let settings = run.settings(pipeline.current_settings());
    let pipeline = pipeline.settings(settings).select(&run.selection.terms).exclude(&run.selection.exclude);
    params::apply(run, pipeline)
}
