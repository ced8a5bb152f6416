//! `run`: runs the selected steps and everything they need.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::args::RunArgs;
use super::output::Manner;
use super::summary::Extent;
use super::{Refusal, configured, live, misplaced, print, store, summary, tell};
use crate::pipeline::Pipeline;
use crate::report::{RunStatus, clean};
use crate::store::PAGE;

pub(super) fn execute(run: &RunArgs, pipeline: Pipeline) -> Result<u8, Refusal> {
    let pipeline = configured(run, pipeline)?.stop_on_signals();
    if let Some(refusal) = misplaced::command(&run.selection.terms, &pipeline) {
        return Err(refusal);
    }
    let manner = Manner::of(run)?;
    // Opened first: a report that cannot be written is told before anything runs.
    let report_file = run.report.as_deref().map(create).transpose()?;
    let (pipeline, usual) = store::recorded(pipeline, run.save_outputs)?;
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
        summary::print(report, extent(run));
        if let Some(Ok(folder)) = finished.recorded() {
            tell(&clean(&format!("report: {}", store::from_here(&folder.join(PAGE)).display())));
            if let Some(outputs) = store::saved_outputs(folder) {
                tell(&clean(&format!("outputs: {}", store::from_here(&outputs).display())));
            }
        }
    }
    Ok(finished.exit_number())
}

fn extent(run: &RunArgs) -> Extent {
    match run.verbose {
        _ if run.quiet => Extent::Failures,
        0 => Extent::Most,
        _ => Extent::All,
    }
}

fn create(path: &Path) -> Result<File, Refusal> {
    File::create(path).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &io::Error) -> Refusal {
    Refusal::Environment(format!("cannot write the report to {}: {error}", path.display()))
}
