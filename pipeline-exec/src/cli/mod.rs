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
mod params;
mod show;

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use pipeline_core::{Dag, Format, Problems};

use self::args::{Args, Command, RunArgs};
use crate::event::Event;
use crate::pipeline::Pipeline;
use crate::report::RunStatus;
use crate::settings::Settings;

/// Every selected step succeeded. What a run that did not exits with is the run's to say.
const OK: u8 = 0;
/// Wrong use, or an invalid graph; nothing ran.
const INVALID: u8 = 2;
/// The environment failed: a file could not be read or written.
const ENVIRONMENT: u8 = 3;

/// After a signal, steps on threads have this long to end, where nobody says otherwise.
const GRACE: Duration = Duration::from_secs(10);

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
        Err(Refusal::Environment(message)) => {
            eprintln!("error: {message}");
            ENVIRONMENT
        }
    })
}

/// Why a command was not carried out.
pub(crate) enum Refusal {
    Problems(Problems),
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
        Command::Run(run) => execute(&run, pipeline),
        Command::Plan(run) => {
            let pipeline = configured(&run, pipeline)?;
            let plan = pipeline.check()?;
            print(&show::plan(&plan, pipeline.current_settings()))
        }
        Command::List => print(&show::list(&pipeline_core::registered(), &pipeline_core::packages())),
        Command::Graph { format, selection } => {
            let dag = if selection.is_empty() {
                Dag::registered()?
            } else {
                pipeline.select(selection.terms).exclude(selection.exclude).plan()?.sub_dag()
            };
            print(&dag.render(format))
        }
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

fn create(path: &Path) -> Result<File, Refusal> {
    File::create(path).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &io::Error) -> Refusal {
    Refusal::Environment(format!("cannot write the report to {}: {error}", path.display()))
}

fn configured(run: &RunArgs, pipeline: Pipeline) -> Result<Pipeline, Refusal> {
    let settings = run.settings(pipeline.current_settings());
    let pipeline = pipeline.settings(settings).select(&run.selection.terms).exclude(&run.selection.exclude);
    params::apply(run, pipeline)
}

fn execute(run: &RunArgs, pipeline: Pipeline) -> Result<u8, Refusal> {
    let mut pipeline = configured(run, pipeline)?.stop_on_signals();
    if !run.quiet && !io::stderr().is_terminal() || run.verbose {
        pipeline = pipeline.observe(|event: &Event<'_>| show::line(event));
    }
    // Opened first: a report that cannot be written is told before anything runs.
    let report_file = run.report.as_deref().map(create).transpose()?;
    let finished = pipeline.run_blocking()?;
    let report = finished.report();
    if let (Some(mut file), Some(path)) = (report_file, &run.report) {
        file.write_all(report.to_json().as_bytes()).map_err(|error| unwritable(path, &error))?;
    }
    if run.json {
        print(&report.to_json())?;
    } else if !run.quiet || report.status != RunStatus::Succeeded {
        eprintln!("{report}");
    }
    Ok(finished.exit_number())
}

impl RunArgs {
    fn settings(&self, current: &Settings) -> Settings {
        let mut settings = current.clone();
        if let Some(preset) = &self.preset {
            settings = preset.clone();
        }
        settings.io = self.io.unwrap_or(settings.io);
        settings.cpu = self.cpu.unwrap_or(settings.cpu);
        settings.blocking = self.blocking.unwrap_or(settings.blocking);
        if self.sequential {
            settings.workers = Some(1);
        }
        if let Some(workers) = self.workers {
            settings = settings.workers(workers);
        }
        settings.fail_fast |= self.fail_fast;
        settings.defaults.timeout = self.timeout.or(settings.defaults.timeout);
        settings.defaults.retries = self.retries.or(settings.defaults.retries);
        settings.deadline = self.deadline.or(settings.deadline);
        settings.grace = self.grace.or(settings.grace).or(Some(GRACE));
        settings.memory_limit = self.memory_limit.or(settings.memory_limit);
        settings.seed = self.seed.or(settings.seed);
        settings
    }
}

/// Reads the name of a graph format for clap.
fn format(name: &str) -> Result<Format, String> {
    name.parse().map_err(|_| format!("one of {}", Format::ALL.map(Format::name).join(", ")))
}
