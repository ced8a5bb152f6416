//! `report`: the report of a recorded run.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use pipeline_core::frame::Status;

use super::exit::{OK, Refusal, print, unwritable, written};
use super::runs_dir::found;
use super::settings::StoreArgs;
use super::summary::{self, Extent};
use crate::pipeline::Pipeline;
use crate::report::StepReport;
use crate::runs::{RunState, write_trace, write_whole};

/// Which run, and how to show it.
#[derive(Debug, ClapArgs)]
pub(super) struct ReportArgs {
    /// Run: `latest`, `-1`, `-2` and so on, or the start or end of its id.
    #[arg(value_name = "RUN", default_value = "latest", allow_negative_numbers = true)]
    run: String,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    /// Write a timeline of the run to a file, for ui.perfetto.dev.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Print only the folder of the run.
    #[arg(long, conflicts_with_all = ["json", "trace"])]
    path: bool,
    /// Show every step and every figure.
    #[arg(long, short)]
    verbose: bool,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn execute(args: &ReportArgs, pipeline: &Pipeline) -> Result<u8, Refusal> {
    let store = args.store.needed(pipeline)?;
    let run = found(&store, &args.run)?;
    if args.path {
        return print(&run.dir.display().to_string());
    }
    let mut report = store.report_of(&run)?;
    if let Some(path) = &args.trace {
        write_whole(path, |out| write_trace(&report, out)).map_err(unwritable("the trace", path))?;
        if !args.json {
            return Ok(OK);
        }
    }
    if args.json {
        return print(&report.to_json());
    }
    if run.state == RunState::Running {
        // Steps without an end still run: they were not cancelled.
        let still_runs = |step: &&mut StepReport| step.status == Status::Cancelled && step.duration.is_none();
        report.steps.iter_mut().filter(still_runs).for_each(|step| step.status = Status::Pending);
    }
    let extent = if args.verbose { Extent::All } else { Extent::Most };
    written(summary::print_recorded(&report, run.state, extent))
}
