//! `run`: runs the selected steps and everything they need.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::args::RunArgs;
use super::live::{self, Expectation};
use super::output::Manner;
use super::{Refusal, configured, print};
use crate::pipeline::Pipeline;
use crate::report::RunStatus;

pub(super) fn execute(run: &RunArgs, pipeline: Pipeline) -> Result<u8, Refusal> {
    let pipeline = configured(run, pipeline)?.stop_on_signals();
    let manner = Manner::of(run)?;
    // Opened first: a report that cannot be written is told before anything runs.
    let report_file = run.report.as_deref().map(create).transpose()?;
    let (pipeline, watching) = live::watch(pipeline, manner, Expectation::default())?;
    let finished = pipeline.run_blocking()?;
    let report = finished.report();
    watching.end(report);
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

fn create(path: &Path) -> Result<File, Refusal> {
    File::create(path).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &io::Error) -> Refusal {
    Refusal::Environment(format!("cannot write the report to {}: {error}", path.display()))
}
