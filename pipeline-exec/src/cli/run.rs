//! `run`: runs the selected steps and everything they need.

use pipeline_core::{Problem, ProblemCode, Problems};

use super::args::RunArgs;
use super::exit::{Refusal, print_with, to_stderr, unwritable};
use super::summary::{Extent, ToResume};
use super::{live, paint, runs_dir, summary};
use crate::pipeline::Pipeline;
use crate::record::CommandLine;
use crate::report::RunStatus;
use crate::run::Run;
use crate::runs::{PAGE, check_writable, params_of, write_whole};
use crate::store::Again;
use crate::text::clean;

pub(super) fn execute(run: &RunArgs, pipeline: Pipeline) -> Result<u8, Refusal> {
    watched(run, pipeline).map(|finished| finished.exit_number())
}

impl Pipeline {
    /// Runs the pipeline as the verb `run` of the [command line](crate::main()) does, for a program with its own arguments:
    /// with the live view, the summary, a record in the runs directory (`.pipeline`) with a page, and signals that stop it.
    ///
    /// Everything about the run goes to standard error. Settings come from code, the environment and `pipeline.toml`, run
    /// parameters too. [`Run::exit_code`] is what `main` returns.
    ///
    /// ```no_run
    /// # use std::process::ExitCode;
    /// # use pipeline_exec::Pipeline;
    /// fn main() -> ExitCode {
    ///     let days: u32 = std::env::args().nth(1).and_then(|days| days.parse().ok()).unwrap_or(7);
    ///     match Pipeline::all().param("days", days).run_in_terminal() {
    ///         Ok(run) => run.exit_code(),
    ///         Err(problems) => {
    ///             eprintln!("{problems}");
    ///             ExitCode::from(2)
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`Pipeline::run`], and if the runs directory or the file of settings cannot be used.
    pub fn run_in_terminal(&self) -> Result<Run, Problems> {
        paint::no_colours_on_a_dumb_terminal();
        watched(&RunArgs::default(), self.clone()).map_err(|refusal| match refusal {
            Refusal::Problems(problems) => problems,
            Refusal::Usage(why) => Problem::new(ProblemCode::InvalidSetting, why).into(),
            Refusal::Environment(why) => Problem::new(ProblemCode::Environment, why).into(),
        })
    }
}

/// Runs a pipeline with the live view, and prints its summary.
fn watched(run: &RunArgs, pipeline: Pipeline) -> Result<Run, Refusal> {
    let pipeline = run.configure(pipeline)?.stop_on_signals();
    pipeline.check()?;
    let options = run.output()?;
    // A file that cannot be written is refused before anything runs.
    if let Some(path) = &run.report {
        check_writable(path).map_err(unwritable("the report", path))?;
    }
    let (pipeline, usual) = runs_dir::recorded(pipeline, run.save_outputs, run.quiet)?;
    let (watched, watching) = live::watch(pipeline.clone(), options, usual.into_iter().collect())?;
    let finished = watched.run_blocking()?;
    let report = finished.digest();
    // What cannot be written is refused after the rest was.
    let written = watching.end(|| finished.report()).and(match &run.report {
        Some(path) => {
            write_whole(path, |out| finished.write_report(out)).map_err(unwritable("the report", path))
        }
        None => Ok(()),
    });
    if run.json {
        print_with(|out| finished.write_report(out))?;
    } else if !run.quiet || report.status != RunStatus::Succeeded {
        let line = pipeline.command_line().map(|line| &**line);
        summary::print(report, extent(run), line, to_resume(&finished, line).as_ref());
        if let Some(Ok(folder)) = finished.recorded() {
            to_stderr(&clean(&format!("report: {}", runs_dir::from_here(&folder.join(PAGE)).display())));
            if let Some(outputs) = runs_dir::saved_outputs(folder) {
                to_stderr(&clean(&format!("outputs: {}", runs_dir::from_here(&outputs).display())));
            }
        }
    }
    written.map(|()| finished)
}

/// Returns what a run has to do that resumes this one; `None` if it would have to do all of it, or cannot find it.
fn to_resume(run: &Run, line: Option<&CommandLine>) -> Option<ToResume> {
    let Some(Ok(folder)) = run.recorded() else { return None };
    let left = run.left()?;
    let recorded = params_of(folder).ok().flatten().unwrap_or_default();
    let given = line.map(|line| line.params.iter()).into_iter().flatten();
    // A name of one step is recorded with the step's identity, or for all steps that read it.
    let is_of = |name: &str, known: &str| {
        known == name || known.ends_with(&format!("::{name}")) || name.ends_with(&format!(".{known}"))
    };
    let is_recorded = |name: &&String| recorded.keys().any(|known| is_of(name, known));
    let values_of = given.filter(|name| !is_recorded(name)).cloned().collect();
    let named = |(step, why): &(String, Again)| (step.clone(), why.in_words());
    let is_less = left.steps > 0 && left.steps < run.digest().counts.planned;
    is_less.then(|| ToResume { steps: left.steps, again: left.again.iter().map(named).collect(), values_of })
}

fn extent(run: &RunArgs) -> Extent {
    match run.verbose {
        _ if run.quiet => Extent::Failures,
        0 => Extent::Most,
        _ => Extent::All,
    }
}
