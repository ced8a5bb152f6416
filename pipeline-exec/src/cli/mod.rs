//! The command line behind `pipeline::main()`.
//!
//! ```text
//! run [TERMS…]     runs the selected steps and everything they need (the default)
//! plan [TERMS…]    shows what would run, and runs nothing
//! list             shows every registered step
//! graph            draws the graph as text, dot, mermaid, svg, html or json
//! info             shows the settings in force, and what machine and build can do
//! step NAME        runs one step and what it needs, and tells all of it
//! completions      prints a script that completes this command line in a shell
//! runs [STEP]      shows the runs that were recorded, and trends
//! report [RUN]     shows the report of a recorded run
//! diff [A] [B]     shows what is different between two recorded runs
//! explain [CODE]   tells what an error code means
//! ```
//! Exit codes: 0 every step succeeded (optional ones aside), 1 a step failed or timed out, 2 wrong use or an invalid graph
//! (nothing ran), 3 the environment failed, 130 and 143 after SIGINT and SIGTERM (`signals`).

mod again;
mod args;
mod columns;
mod completions;
mod diff;
mod explain;
mod given;
mod graph;
mod info;
mod inputs;
mod lines;
mod list;
mod live;
mod misplaced;
mod output;
mod paint;
mod params;
mod plan;
mod report;
mod run;
mod runs;
mod settings;
mod step;
mod store;
mod summary;
mod wording;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{CommandFactory, FromArgMatches};
use pipeline_core::{ProblemCode, Problems};

use self::args::{Args, Command, RunArgs};
use crate::pipeline::Pipeline;
use crate::report::clean;
use crate::stderr;

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
/// What is set here, run parameter or setting, wins over flags, environment and file: set only what a user must not change.
/// A setting counts as set where one of the methods of [`Settings`](crate::Settings) or of the pipeline was called for it,
/// whatever the value, and where a field differs from the default. The others are the user's.
pub fn main_with(prepare: impl FnOnce(Pipeline) -> Pipeline) -> ExitCode {
    paint::no_colours_on_a_dumb_terminal();
    let read = command().try_get_matches();
    let (args, line) = match read
        .and_then(|matches| Args::from_arg_matches(&matches).map(|args| (args, given::of(&matches))))
    {
        Ok(read) => read,
        Err(error) => {
            // Help and version come here too, to standard output and with code 0.
            let code = if error.use_stderr() { INVALID } else { OK };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let mut pipeline = prepare(Pipeline::all());
    if let Some(line) = line {
        pipeline = pipeline.started_by(line);
    }
    ExitCode::from(match dispatch(args, pipeline) {
        Ok(code) => code,
        Err(refusal) => refusal.tell(),
    })
}

/// Why a command was not carried out.
pub(crate) enum Refusal {
    Problems(Problems),
    /// Wrong use that only shows later than the arguments do.
    Usage(String),
    Environment(String),
}

impl Refusal {
    /// Says so on standard error; what the process exits with.
    fn tell(&self) -> u8 {
        let (message, mut codes, exit) = match self {
            Refusal::Problems(problems) => {
                let codes = problems.iter().map(|problem| problem.code);
                let is_invalid = codes.clone().any(|code| code != ProblemCode::Environment);
                let exit = if is_invalid { INVALID } else { ENVIRONMENT };
                let each: Vec<String> = problems.iter().map(ToString::to_string).collect();
                let all = format!("{}\nerror: {}", each.join("\n"), problems.heading());
                (all, codes.map(ProblemCode::name).collect(), exit)
            }
            Refusal::Environment(message) => {
                let code = ProblemCode::Environment.name();
                (format!("error[{code}]: {message}"), vec![code], ENVIRONMENT)
            }
            Refusal::Usage(message) => (format!("error: {message}"), Vec::new(), INVALID),
        };
        codes.dedup();
        tell(&clean(&message));
        if let Some(more) = again::explain(&codes) {
            tell(&clean(&more));
        }
        exit
    }
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

/// The name of the program, as the user called it.
static NAME: LazyLock<String> = LazyLock::new(|| {
    let path = std::env::args_os().next().map(PathBuf::from);
    let stem = path.as_deref().and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
    stem.filter(|stem| !stem.is_empty()).unwrap_or_else(|| "pipeline".to_owned())
});

/// The versions that matter: this framework's, and those of the packages that hold steps.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let packages = pipeline_core::packages();
    let packages = packages.keys().filter(|(name, _)| !name.is_empty() && *name != "pipeline");
    let packages = packages.map(|(name, version)| format!("{name} {version}"));
    let all: Vec<String> =
        std::iter::once(format!("pipeline {}", env!("CARGO_PKG_VERSION"))).chain(packages).collect();
    format!("({})", all.join(", "))
});

/// The command line, under the name of the program.
fn command() -> clap::Command {
    Args::command().name(NAME.as_str()).bin_name(NAME.as_str()).version(VERSION.as_str())
}

fn dispatch(args: Args, pipeline: Pipeline) -> Result<u8, Refusal> {
    match args.command.unwrap_or(Command::Run(args.run)) {
        Command::Run(args) => run::execute(&args, pipeline),
        Command::Plan(args) => plan::execute(&args, pipeline),
        Command::List(args) => list::execute(&args, pipeline),
        Command::Graph(args) => graph::execute(args, pipeline),
        Command::Info(args) => info::execute(&args, pipeline),
        Command::Step(args) => step::execute(&args, pipeline),
        Command::Completions(args) => completions::execute(&args, &pipeline),
        Command::Runs(args) => runs::execute(&args, &pipeline),
        Command::Report(args) => report::execute(&args, &pipeline),
        Command::Diff(args) => diff::execute(&args, &pipeline),
        Command::Explain(args) => explain::execute(&args),
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

/// Writes lines to standard error. Where it takes nothing any more (closed, a full disk) there is nobody left to tell, and the
/// exit code stays what it is: `eprintln!` would panic.
fn tell(text: &str) {
    stderr::write(&format!("{text}\n"));
}

fn configured(run: &RunArgs, pipeline: Pipeline) -> Result<Pipeline, Refusal> {
    let resolved = run.settings.resolve(&pipeline)?;
    if !run.quiet {
        resolved.warnings().iter().for_each(|warning| tell(&format!("warning: {warning}")));
    }
    let mut pipeline = pipeline.settings_from(&resolved);
    if run.no_report {
        pipeline = pipeline.unrecorded();
    }
    let (pipeline, warnings) = params::apply(run, &resolved, run.selection.apply(pipeline))?;
    if !run.quiet {
        warnings.iter().for_each(|warning| tell(&format!("warning: {warning}")));
    }
    Ok(pipeline)
}
