//! `run`: runs the selected steps and everything they need.

use std::fs::File;
use std::io::Write;

use super::args::RunArgs;
use super::exit::{Refusal, print, to_stderr, unwritable};
use super::summary::Extent;
use super::{live, store, summary};
use crate::pipeline::Pipeline;
use crate::report::RunStatus;
use crate::store::PAGE;
use crate::text::clean;

pub(super) fn execute(run: &RunArgs, pipeline: Pipeline) -> Result<u8, Refusal> {
    let pipeline = run.configure(pipeline)?.stop_on_signals();
    pipeline.check()?;
    let options = run.output()?;
    // Opened first, so that a file that cannot be written is refused before anything runs.
    let report_file = run.report.as_deref();
    let report_file = report_file
        .map(|path| Ok::<_, Refusal>((path, File::create(path).map_err(unwritable("the report", path))?)))
        .transpose()?;
    let (pipeline, usual) = store::recorded(pipeline, run.save_outputs)?;
    let (watched, watching) = live::watch(pipeline.clone(), options, usual.into_iter().collect())?;
    let finished = watched.run_blocking()?;
    let report = finished.report();
    watching.end(report);
    if let Some((path, mut file)) = report_file {
        file.write_all(report.to_json().as_bytes()).map_err(unwritable("the report", path))?;
    }
    if run.json {
        print(&report.to_json())?;
    } else if !run.quiet || report.status != RunStatus::Succeeded {
        summary::print(report, extent(run), pipeline.command_line().map(|line| &**line));
        if let Some(Ok(folder)) = finished.recorded() {
            to_stderr(&clean(&format!("report: {}", store::from_here(&folder.join(PAGE)).display())));
            if let Some(outputs) = store::saved_outputs(folder) {
                to_stderr(&clean(&format!("outputs: {}", store::from_here(&outputs).display())));
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
