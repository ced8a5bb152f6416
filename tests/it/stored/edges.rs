//! The store beside everything else that a run can have.

use std::sync::atomic::{AtomicU64, Ordering};

use pipeline::prelude::*;
use pipeline::settings::ResumeMode;
use pipeline::store::{InputFile, ValueStore};
use pipeline::{Run, Secret, Settings, Status, StepDefaults};

use crate::folder::Folder;

fn statuses<const N: usize>(run: &Run, steps: [&str; N]) -> [Status; N] {
    steps.map(|step| run.status(step).unwrap())
}

const RAN: Status = Status::Succeeded;
const CACHED: Status = Status::Cached;

fn store(folder: &Folder) -> ValueStore {
    ValueStore::open(&**folder).unwrap()
}

#[step(cache)]
fn base(#[param] count: u64) -> Vec<u64> {
    (0..count).collect()
}

#[step(cache, limit("scarce"))]
fn limited(base: &[u64]) -> u64 {
    base.len() as u64
}

#[test]
fn a_step_that_is_not_run_needs_no_limit() {
    let folder = Folder::new();
    let run = || Pipeline::to::<limited>().store(&store(&folder)).param("count", 3).run_blocking().unwrap();
    assert_eq!(run().report().limits.len(), 1);
    let again = run();
    assert_eq!(statuses(&again, ["base", "limited"]), [CACHED; 2]);
    assert!(again.report().limits.is_empty(), "{:?}", again.report().limits);
}

#[test]
fn a_disabled_step_stays_skipped_although_it_is_stored_and_a_given_output_wins() {
    let folder = Folder::new();
    let pipeline = || Pipeline::to::<limited>().store(&store(&folder)).param("count", 3);
    assert!(pipeline().run_blocking().unwrap().succeeded());
    let off = Settings::default().step("base", StepDefaults::new().enabled(false));
    let disabled = pipeline().settings(off).run_blocking().unwrap();
    assert_eq!(statuses(&disabled, ["base", "limited"]), [Status::Skipped; 2]);
    let given = pipeline().with_output::<base>(vec![1; 9]).run_blocking().unwrap();
    assert_eq!(
        (statuses(&given, ["base", "limited"]), given.output::<limited>()),
        ([Status::Given, RAN], Ok(&9))
    );
    // The same value as before, from elsewhere: what was made of it is found.
    let same = pipeline().with_output::<base>(vec![0, 1, 2]).run_blocking().unwrap();
    assert_eq!(statuses(&same, ["base", "limited"]), [Status::Given, CACHED]);
}

#[step(cache)]
fn edge_left(#[param] count: u64) -> u64 {
    count
}

#[step(cache)]
fn edge_right(#[param] count: u64) -> u64 {
    count
}

#[step(cache)]
fn whoever(#[from(edge_left, edge_right, first)] fastest: &u64) -> u64 {
    *fastest
}

#[step(cache)]
fn all_of(#[from("edge_*")] each: Vec<&u64>) -> u64 {
    each.into_iter().sum()
}

#[test]
fn what_depends_on_time_is_run_and_a_fan_in_is_cached() {
    let folder = Folder::new();
    let run = || {
        let pipeline = Pipeline::to::<whoever>().and::<all_of>();
        pipeline.store(&store(&folder)).param("count", 3).run_blocking().unwrap()
    };
    assert!(run().succeeded());
    let again = run();
    assert_eq!(
        statuses(&again, ["edge_left", "edge_right", "whoever", "all_of"]),
        [CACHED, CACHED, RAN, CACHED]
    );
    assert_eq!((again.output::<whoever>(), again.output::<all_of>()), (Ok(&3), Ok(&6)));
}

#[step(cache)]
fn password(#[param] count: u64) -> Secret<String> {
    Secret::new(format!("planted-{count}"))
}

#[step(cache)]
fn logged_in(password: &Secret<String>) -> usize {
    password.expose().len()
}

#[test]
fn a_secret_is_never_written_to_the_store() {
    let folder = Folder::new();
    let run = || Pipeline::to::<logged_in>().store(&store(&folder)).param("count", 7).run_blocking().unwrap();
    assert!(run().succeeded());
    assert_eq!(statuses(&run(), ["password", "logged_in"]), [RAN, CACHED]);
    let mut left = vec![folder.to_path_buf()];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(7).any(|part| part == b"planted"), "{}", path.display());
        }
    }
}

#[step(cache)]
fn read_file(#[param] source: InputFile) -> String {
    source.read_to_string().unwrap()
}

#[test]
fn the_content_of_an_input_file_counts_and_its_name_does_not() {
    let folder = Folder::new();
    let files = Folder::new();
    let run = |name: &str, text: &str| {
        std::fs::write(files.join(name), text).unwrap();
        let pipeline = Pipeline::to::<read_file>().store(&store(&folder)).param("source", files.join(name));
        pipeline.run_blocking().unwrap()
    };
    assert_eq!(run("a.txt", "one").status("read_file"), Ok(RAN));
    assert_eq!(run("a.txt", "one").status("read_file"), Ok(CACHED));
    assert_eq!(run("b.txt", "one").status("read_file"), Ok(CACHED));
    let changed = run("a.txt", "two");
    assert_eq!(
        (changed.status("read_file"), changed.output::<read_file>().unwrap().as_str()),
        (Ok(RAN), "two")
    );
}

/// Changes its own input while it runs.
#[step(cache)]
fn restless(#[param] source: InputFile) -> String {
    let text = source.read_to_string().unwrap();
    std::fs::write(source.path(), format!("{text}!")).unwrap();
    text
}

#[test]
fn what_was_read_from_a_file_that_changed_meanwhile_is_not_stored() {
    let folder = Folder::new();
    let files = Folder::new();
    let file = files.join("restless.txt");
    std::fs::write(&file, "a").unwrap();
    let run =
        || Pipeline::to::<restless>().store(&store(&folder)).param("source", &file).run_blocking().unwrap();
    assert_eq!(run().output::<restless>().unwrap(), "a");
    std::fs::write(&file, "a").unwrap();
    let again = run();
    assert_eq!((again.status("restless"), again.output::<restless>().unwrap().as_str()), (Ok(RAN), "a"));
}

/// Number of the attempt at which `taking` succeeds.
struct Attempts(AtomicU64);

#[step]
fn made(#[param] count: u64) -> Vec<u64> {
    (0..count).collect()
}

#[step]
fn seen(made: &[u64]) -> usize {
    made.len()
}

#[step]
fn taking(made: Vec<u64>, seen: &usize, #[resource] attempts: &Attempts) -> Result<u64, String> {
    if attempts.0.fetch_sub(1, Ordering::Relaxed) > 0 {
        return Err("planted".to_owned());
    }
    Ok(made.iter().sum::<u64>() + *seen as u64)
}

#[test]
fn what_was_moved_into_the_step_that_failed_is_made_again() {
    let folder = Folder::new();
    let run = |fails: u64, from: Option<&str>| {
        let pipeline = Pipeline::to::<taking>()
            .store(&store(&folder))
            .settings(Settings::default().resume(ResumeMode::OnFailure))
            .param("count", 4)
            .resource(Attempts(AtomicU64::new(fails)));
        from.into_iter().fold(pipeline, Pipeline::resume_from).run_blocking().unwrap()
    };
    let failed = run(1, None);
    assert!(!failed.succeeded());
    let resumed = run(0, Some(failed.id()));
    assert_eq!(statuses(&resumed, ["made", "seen", "taking"]), [RAN, CACHED, RAN]);
    assert_eq!(resumed.output::<taking>(), Ok(&10));
}

#[step]
fn counted(made: &[u64]) -> usize {
    made.len()
}

/// Stops the run before the other step that reads `counted`.
#[step(fail_fast, priority = 10)]
fn stops(counted: &usize, #[resource] attempts: &Attempts) -> Result<(), String> {
    if attempts.0.load(Ordering::Relaxed) > 0 { Err(format!("planted {counted}")) } else { Ok(()) }
}

#[step]
fn not_begun(counted: &usize, made: Vec<u64>) -> u64 {
    *counted as u64 + made.len() as u64
}

/// A step that was never started has taken nothing.
#[test]
fn a_run_that_was_stopped_keeps_what_its_other_steps_would_have_taken() {
    let folder = Folder::new();
    let run = |fails: u64, from: Option<&str>| {
        let pipeline = Pipeline::to::<not_begun>()
            .and::<stops>()
            .store(&store(&folder))
            .settings(Settings::default().resume(ResumeMode::OnFailure).workers(1))
            .param("count", 4)
            .resource(Attempts(AtomicU64::new(fails)));
        from.into_iter().fold(pipeline, Pipeline::resume_from).run_blocking().unwrap()
    };
    let steps = ["made", "counted", "stops", "not_begun"];
    let stopped = run(1, None);
    assert_eq!(statuses(&stopped, steps), [RAN, RAN, Status::Failed, Status::Cancelled]);
    let resumed = run(0, Some(stopped.id()));
    assert_eq!(statuses(&resumed, steps), [CACHED, CACHED, RAN, RAN]);
    assert_eq!(resumed.output::<not_begun>(), Ok(&8));
}

#[step(when = |made: &[u64]| made.len() > 100)]
fn if_many(made: &[u64]) -> usize {
    made.len()
}

#[step(optional)]
fn not_needed(made: &[u64]) -> Result<(), String> {
    Err(format!("planted {}", made.len()))
}

#[step]
fn always(made: &[u64]) -> usize {
    made.len()
}

#[test]
fn a_run_that_succeeds_leaves_nothing_although_steps_were_skipped_or_were_optional() {
    for with_optional in [false, true] {
        let folder = Folder::new();
        let pipeline = Pipeline::to::<always>().and::<if_many>();
        let pipeline = if with_optional { pipeline.and::<not_needed>() } else { pipeline };
        let run = pipeline
            .store(&store(&folder))
            .settings(Settings::default().resume(ResumeMode::OnFailure))
            .param("count", 4)
            .run_blocking()
            .unwrap();
        assert!(run.status("if_many") == Ok(Status::Skipped));
        if !with_optional {
            assert!(run.succeeded());
            assert_eq!(std::fs::read_dir(folder.join("blobs")).unwrap().count(), 0);
        }
        if run.succeeded() {
            assert_eq!(std::fs::read_dir(folder.join("runs")).unwrap().count(), 0);
        }
    }
}
