//! `run`: runs the selected steps and everything they need.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::args::RunArgs;
use super::output::Manner;
use super::{Refusal, configured, live, print, store, summary, tell};
use crate::pipeline::Pipeline;
use crate::report::{RunStatus, clean};
use crate::store::PAGE;

pub(super) fn execute(run: &RunArgs, pipeline: Pipeline) -> Result<u8, Refusal> {
    let pipeline = configured(run, pipeline)?.stop_on_signals();
    let manner = Manner::of(run)?;
    // Opened first: a report that cannot be written is told before anything runs.
    let report_file = run.report.as_deref().map(create).transpose()?;
    let (pipeline, usual) = store::recorded(pipeline)?;
    let (pipeline, watching) = live::watch(pipeline, manner, usual.into_iter().collect())?;
    let finished = pipeline.run_blocking()?;
    let report = finished.report();
    watching.end(report);
    if let (Some(mut file), Some(path)) = (report_file, &run.report) {
        file.write_all(report.to_json().as_bytes()).map_err(|error| unwritable(path, &error))?;
    }
    if run.json {
        print(&report.to_json())?;
    } else if !run.quiet || report.status != RunStatus::Succeeded {
        summary::print(report, run.verbose > 0);
        if let Some(Ok(folder)) = finished.recorded() {
            tell(&format!("report: {}", clean(&folder.join(PAGE).display().to_string())));
        }
    }
    Ok(finished.exit_number())
}

fn create(path: &Path) -> Result<File, Refusal> {
    File::create(path).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &io::Error) -> Refusal {
    Refusal::Environment(format!("cannot write the report to {}: {error}", path.display()))
}
