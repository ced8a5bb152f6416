//! Runs that go on where an earlier one ended.

use std::sync::atomic::{AtomicBool, Ordering};

use pipeline::prelude::*;
use pipeline::settings::ResumeMode;
use pipeline::store::ValueStore;
use pipeline::{Run, Settings, Status};

use crate::folder::Folder;

/// Whether `fragile` fails.
struct Weather(AtomicBool);

#[step]
fn source(#[param] count: u64) -> Vec<u64> {
    (0..count).collect()
}

#[step]
fn halves(source: &[u64]) -> Vec<u64> {
    source.iter().map(|row| row / 2).collect()
}

#[step]
fn fragile(halves: &[u64], #[resource] weather: &Weather) -> Result<u64, String> {
    if weather.0.load(Ordering::Relaxed) {
        Err("planted: no connection".to_owned())
    } else {
        Ok(halves.iter().sum())
    }
}

#[step]
fn report(fragile: &u64, halves: &[u64]) -> String {
    format!("{fragile} of {}", halves.len())
}

/// An effect: nobody reads it.
#[step]
fn sent(halves: &[u64]) {
    assert!(!halves.is_empty());
}

fn pipeline(folder: &Folder, mode: ResumeMode, fails: bool) -> Pipeline {
    let store = ValueStore::open(&**folder).unwrap();
    Pipeline::to::<report>()
        .and::<sent>()
        .store(&store)
        .settings(Settings::default().resume(mode))
        .param("count", 10)
        .resource(Weather(AtomicBool::new(fails)))
}

fn statuses<const N: usize>(run: &Run, steps: [&str; N]) -> [Status; N] {
    steps.map(|step| run.status(step).unwrap())
}

const STEPS: [&str; 5] = ["source", "halves", "fragile", "report", "sent"];

fn files_in(folder: &Folder) -> usize {
    fn count(dir: &std::path::Path) -> usize {
        let entries = std::fs::read_dir(dir).into_iter().flatten().map(Result::unwrap);
        entries.map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
    }
    count(&folder.join("runs")) + count(&folder.join("blobs"))
}

#[test]
fn a_run_that_failed_goes_on_at_the_step_that_failed() {
    let folder = Folder::new();
    let failed = pipeline(&folder, ResumeMode::OnFailure, true).run_blocking().unwrap();
    let (done, not) = (Status::Succeeded, [Status::Failed, Status::Skipped]);
    assert_eq!(statuses(&failed, STEPS), [done, done, not[0], not[1], done]);

    let resumed =
        pipeline(&folder, ResumeMode::OnFailure, false).resume_from(failed.id()).run_blocking().unwrap();
    let cached = Status::Cached;
    assert_eq!(statuses(&resumed, STEPS), [cached, cached, done, done, cached]);
    assert_eq!(resumed.output::<report>().unwrap(), "20 of 10");
    let store = resumed.report().store.clone().unwrap();
    assert_eq!(
        store.resumed.map(|resumed| (resumed.run, resumed.again)),
        Some((failed.id().to_owned(), Vec::new()))
    );
    assert_eq!(
        std::fs::read_dir(folder.join("runs")).unwrap().count(),
        0,
        "a run that succeeded leaves nothing"
    );
}

#[test]
fn a_resumed_run_that_fails_again_can_be_resumed_in_its_turn() {
    let folder = Folder::new();
    let first = pipeline(&folder, ResumeMode::OnFailure, true).run_blocking().unwrap();
    let second =
        pipeline(&folder, ResumeMode::OnFailure, true).resume_from(first.id()).run_blocking().unwrap();
    assert!(!second.succeeded());
    let third =
        pipeline(&folder, ResumeMode::OnFailure, false).resume_from(second.id()).run_blocking().unwrap();
    let cached = Status::Cached;
    assert_eq!(statuses(&third, STEPS), [cached, cached, Status::Succeeded, Status::Succeeded, cached]);
}

#[test]
fn a_run_that_succeeds_writes_nothing_for_resuming() {
    let folder = Folder::new();
    assert!(pipeline(&folder, ResumeMode::OnFailure, false).run_blocking().unwrap().succeeded());
    assert_eq!(files_in(&folder), 0);
}

#[test]
fn what_changed_since_runs_again_and_is_named() {
    let folder = Folder::new();
    let failed = pipeline(&folder, ResumeMode::OnFailure, true).run_blocking().unwrap();
    let changed = pipeline(&folder, ResumeMode::OnFailure, false).param("count", 4).resume_from(failed.id());
    let run = changed.run_blocking().unwrap();
    assert_eq!(statuses(&run, STEPS), [Status::Succeeded; 5]);
    assert_eq!(run.output::<report>().unwrap(), "2 of 4");
    let again = run.report().store.clone().unwrap().resumed.unwrap().again;
    let halves = again.iter().find(|step| step.step.ends_with("halves")).unwrap();
    assert_eq!(halves.reason, "something before it changed");
}

#[test]
fn every_output_is_stored_when_it_is_made_if_that_is_asked_for() {
    let folder = Folder::new();
    let failed = pipeline(&folder, ResumeMode::Always, true).run_blocking().unwrap();
    // As after a kill: without what the end of the run has stored.
    let run = std::fs::read_dir(folder.join("runs")).unwrap().next().unwrap().unwrap();
    assert!(run.file_name().to_str().unwrap().starts_with(&failed.id()[..8]));
    let resumed =
        pipeline(&folder, ResumeMode::Always, false).resume_from(failed.id()).run_blocking().unwrap();
    let cached = Status::Cached;
    assert_eq!(statuses(&resumed, STEPS), [cached, cached, Status::Succeeded, Status::Succeeded, cached]);
}

#[step]
fn tolerant(fragile: Option<&u64>) -> String {
    fragile.map_or_else(|| "nothing".to_owned(), |sum| format!("sum {sum}"))
}

#[step]
fn written(tolerant: &str) -> String {
    format!("{tolerant}!")
}

/// What was made without an output that was missing is made again with it, and so is what was made of that.
#[test]
fn what_was_made_while_a_step_had_failed_is_made_again() {
    let folder = Folder::new();
    let run = |fails: bool, from: Option<&str>| {
        let pipeline = Pipeline::to::<written>()
            .store(&ValueStore::open(&*folder).unwrap())
            .settings(Settings::default().resume(ResumeMode::OnFailure))
            .param("count", 10)
            .resource(Weather(AtomicBool::new(fails)));
        from.into_iter().fold(pipeline, Pipeline::resume_from).run_blocking().unwrap()
    };
    let failed = run(true, None);
    assert_eq!(failed.output::<written>().unwrap(), "nothing!");
    let resumed = run(false, Some(failed.id()));
    assert_eq!(resumed.output::<written>().unwrap(), "sum 20!");
    assert_eq!(statuses(&resumed, ["tolerant", "written"]), [Status::Succeeded; 2]);
}
