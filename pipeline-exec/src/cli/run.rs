//! `run`: runs the selected steps and everything they need.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use super::args::RunArgs;
use super::{Refusal, configured, lines, print, store, summary};
use crate::event::Event;
use crate::pipeline::Pipeline;
use crate::report::RunStatus;

pub(super) fn execute(run: &RunArgs, pipeline: Pipeline) -> Result<u8, Refusal> {
    let mut pipeline = configured(run, pipeline)?.stop_on_signals();
    if !run.quiet && !io::stderr().is_terminal() || run.verbose {
        pipeline = pipeline.observe(|event: &Event<'_>| lines::print(event));
    }
    // Opened first: a report that cannot be written is told before anything runs.
    let report_file = run.report.as_deref().map(create).transpose()?;
    let finished = store::recorded(run, pipeline)?.run_blocking()?;
    let report = finished.report();
    if let (Some(mut file), Some(path)) = (report_file, &run.report) {
        file.write_all(report.to_json().as_bytes()).map_err(|error| unwritable(path, &error))?;
    }
    if run.json {
        print(&report.to_json())?;
    } else if !run.quiet || report.status != RunStatus::Succeeded {
        summary::print(report, run.verbose);
    }
    Ok(finished.exit_number())
}

fn create(path: &Path) -> Result<File, Refusal> {
    File::create(path).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &io::Error) -> Refusal {
    Refusal::Environment(format!("cannot write the report to {}: {error}", path.display()))
}
