//! A run as lines on standard error, one for each event.

use pipeline_core::frame::Status;

use crate::event::Event;
use crate::report::{clean, show};

/// One line for an event, to standard error.
pub(super) fn print(event: &Event<'_>) {
    match event {
        Event::RunStarted { run_id, planned, .. } => eprintln!("run {run_id}: {planned} steps"),
        Event::StepStarted { step, lane, .. } => eprintln!("  started   {} [{lane}]", clean(step)),
        Event::StepFinished { step, status: Status::Skipped, .. } => eprintln!("  skipped   {}", clean(step)),
        Event::StepFinished { step, status, duration, error, .. } => {
            let error = error.map_or(String::new(), |error| format!(": {}", clean(error.message())));
            eprintln!("  {status:<9} {} in {}{error}", clean(step), show(Some(*duration)));
        }
        Event::AttemptFailed { step, attempt, error, retry_in, .. } => {
            let (error, wait) = (clean(error.message()), show(Some(*retry_in)));
            eprintln!("  attempt {attempt} of {} failed, the next follows in {wait}: {error}", clean(step));
        }
        Event::FallbackUsed { step, error, .. } => {
            eprintln!("  fallback  {}: {}", clean(step), clean(error.message()));
        }
        Event::SlowPoll { step, time, .. } => eprintln!(
            "warning: async step `{}` has kept its thread for {} without waiting; make it a plain `fn`, which runs on a \
             thread of its own",
            clean(step),
            show(Some(*time)),
        ),
        Event::SlotsChanged { reason, .. } => eprintln!("  slots     {}", clean(reason)),
        Event::RunFinished { .. } => {}
    }
}
