//! What a run records, whatever happens to it.

use std::fs;
use std::time::Duration;

use pipeline::event::EventRecord;
use pipeline::prelude::*;
use pipeline::store::{RunState, StoreError};

use super::*;
use crate::support::Meeting;

/// I26: one id in the run, report, journal, trace, history, observers' events and the name of the folder.
#[test]
fn a_run_has_one_id_in_all_that_it_records() {
    let folder = Folder::new();
    let store = folder.store();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let pipeline = two_steps(false).observe({
        let seen = seen.clone();
        move |event: &Event<'_>| seen.lock().unwrap().push(event.run_id().to_owned())
    });
    let (run, dir) = record(pipeline, &store);
    let id = run.id().to_owned();
    assert_eq!(dir.file_name().unwrap().to_str(), Some(&id[..]));
    assert_eq!(run.report().run_id, id);
    assert_eq!(read_json(dir.join("report.json"))["run_id"], id);
    assert_eq!(read_json(dir.join("trace.json"))["otherData"]["run_id"], id);
    let journal = fs::read_to_string(dir.join("events.jsonl")).unwrap();
    let records: Vec<EventRecord> = journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(records.iter().all(|record| record.run_id == id), "{journal}");
    assert!(seen.lock().unwrap().iter().all(|seen| *seen == id));
    let entry = store.runs().unwrap().remove(0);
    assert_eq!((entry.run_id.as_str(), entry.state, entry.dir), (&id[..], RunState::Succeeded, dir));
}

#[test]
fn the_journal_has_starts_and_ends_in_order() {
    let folder = Folder::new();
    let (_, dir) = record(two_steps(true), &folder.store());
    let journal = fs::read_to_string(dir.join("events.jsonl")).unwrap();
    let told: Vec<String> = journal
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            [&line["event"], &line["step"], &line["status"]]
                .map(|part| part.as_str().unwrap_or("-"))
                .join(" ")
        })
        .collect();
    let wanted = [
        "run_started - -",
        "step_started one -",
        "step_finished one succeeded",
        "step_started two -",
        "step_finished two failed",
        "run_finished - -",
    ];
    assert_eq!(told, wanted);
    assert!(journal.contains("planted failure"));
}

#[test]
fn a_read_report_equals_the_report_of_the_run() {
    let folder = Folder::new();
    let store = folder.store();
    let (first, _) = record(two_steps(false), &store);
    let (second, _) = record(two_steps(true), &store);
    let id = second.id();
    // The shown part of an id starts early enough to differ from the other run's.
    let short = store.runs().unwrap()[0].short_id().to_owned();
    let (mine, other) = (id.as_bytes(), first.id().as_bytes());
    let from = id.len() - short.len();
    let alike = mine[from..].iter().zip(&other[from..]).take_while(|(a, b)| a == b).count();
    let begin = &short[..short.len().min(alike.max(5) + 1)];
    for name in ["latest", "-1", id, &id[..30], &id[28..], &id.to_uppercase(), begin, &begin.to_uppercase()] {
        assert_eq!(&store.report(name).unwrap(), second.report(), "{name}");
    }
    assert_eq!(&store.report("-2").unwrap(), first.report());
}

#[cfg(unix)]
#[test]
fn recorded_files_are_private_to_their_owner() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let root = folder.join("deep/runs-dir");
    let store = RunStore::open(&root).unwrap();
    let (_, dir) = record(two_steps(false), &store);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for path in [&root, &root.join("runs"), &dir] {
        assert_eq!(mode(path), 0o700, "{}", path.display());
    }
    let mut files: Vec<PathBuf> =
        ["report.json", "trace.json", "events.jsonl", "run.lock"].map(|name| dir.join(name)).into();
    files.push(root.join("history.db"));
    for path in files {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn a_running_run_is_read_from_its_journal() {
    let folder = Folder::new();
    let store = folder.store();
    let (here, go) = (Meeting::new(2), Meeting::new(2));
    let mut dag = DagBuilder::new();
    let quick = dag.cpu("quick", (), |()| 1_u64);
    let (in_step, may_end) = (here.clone(), go.clone());
    dag.cpu("slow", (quick,), move |(_,)| (in_step.meet(), may_end.meet()));
    let handle = Pipeline::new(dag.build().unwrap()).record_to(&store).start().unwrap();
    assert!(here.meet());
    let entry = store.find("latest").unwrap();
    assert_eq!((entry.state, entry.run_id.as_str()), (RunState::Running, handle.id()));
    // The journal has it within a moment.
    let report = loop {
        let report = store.report("latest").unwrap();
        if report.step("slow").is_some() {
            break report;
        }
        std::thread::yield_now();
    };
    assert_eq!(report.step("quick").unwrap().status, Status::Succeeded);
    assert!(report.stopped_because.unwrap().contains("is under way"));
    assert!(go.meet());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let run = runtime.block_on(handle.wait());
    assert_eq!(store.find("latest").unwrap().state, RunState::Succeeded);
    assert_eq!(&store.report("latest").unwrap(), run.report());
}

/// E05: during the run and after its end, the journal has the times of each attempt.
#[test]
fn the_journal_has_the_times_of_each_attempt() {
    #[step(retries = 2, backoff = "5ms")]
    fn journaled(#[resource] at_last: &AtLast, #[context] cx: &StepContext) -> Result<u32, String> {
        if cx.attempt() < 3 {
            return Err(format!("attempt {}", cx.attempt()));
        }
        Ok(u32::from(at_last.0.meet() && at_last.1.meet()))
    }
    struct AtLast(std::sync::Arc<Meeting>, std::sync::Arc<Meeting>);
    let folder = Folder::new();
    let store = folder.store();
    let (here, go) = (Meeting::new(2), Meeting::new(2));
    let pipeline = Pipeline::to::<journaled>().resource(AtLast(here.clone(), go.clone()));
    let handle = pipeline.record_to(&store).start().unwrap();
    assert!(here.meet());
    // The journal has it within a moment.
    let meanwhile = loop {
        let report = store.report("latest").unwrap();
        if let Some(step) = report.step("journaled").filter(|step| step.attempts == 3) {
            break step.clone();
        }
        std::thread::yield_now();
    };
    assert!(go.meet());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let run = runtime.block_on(handle.wait());
    let told = run.report().step("journaled").unwrap();
    assert_eq!(meanwhile.failed_attempts, told.failed_attempts);
    let last = meanwhile.last_attempt.unwrap();
    assert_eq!((last.start, last.duration), (told.last_attempt.unwrap().start, None), "it is under way");
    fs::remove_file(run.recorded().unwrap().unwrap().join("report.json")).unwrap();
    let read = store.report("latest").unwrap();
    let read = read.step("journaled").unwrap();
    assert_eq!((read.attempts, &read.failed_attempts), (3, &told.failed_attempts));
    assert_eq!((read.last_attempt, read.work()), (told.last_attempt, told.work()));
}

/// E14: also of an attempt whose backoff was interrupted, by a stop or by the end of the process.
#[test]
fn the_journal_has_an_attempt_whose_backoff_was_interrupted() {
    #[step(retries = 2, backoff = "1h")]
    fn cut_short() -> Result<u32, String> {
        Err("not yet".to_owned())
    }
    #[step(retries = 2, backoff = "1h", fallback = 7_u32)]
    fn cut_and_replaced() -> Result<u32, String> {
        Err("not yet".to_owned())
    }
    let folder = Folder::new();
    let store = folder.store();
    let handle = Pipeline::to::<cut_short>().and::<cut_and_replaced>().record_to(&store).start().unwrap();
    let meanwhile = loop {
        let report = store.report("latest").unwrap();
        if report.steps.iter().filter(|step| !step.failed_attempts.is_empty()).count() == 2 {
            break report;
        }
        std::thread::yield_now();
    };
    handle.stop();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let run = runtime.block_on(handle.wait());
    fs::remove_file(run.recorded().unwrap().unwrap().join("report.json")).unwrap();
    let read = store.report("latest").unwrap();
    for name in ["cut_short", "cut_and_replaced"] {
        let told = run.report().step(name).unwrap();
        let under_way = meanwhile.step(name).unwrap();
        assert_eq!(under_way.failed_attempts[0].times, told.last_attempt);
        assert_eq!((under_way.attempts, &under_way.failed_attempts[0].error.message[..]), (1, "not yet"));
        let read = read.step(name).unwrap();
        assert_eq!((read.attempts, &read.failed_attempts), (1, &told.failed_attempts), "{name}");
        assert_eq!((read.last_attempt, read.work()), (told.last_attempt, told.work()), "{name}");
    }
}

#[test]
fn a_dropped_run_is_recorded_as_interrupted() {
    let folder = Folder::new();
    let store = folder.store();
    drop(two_steps(false).record_to(&store).start().unwrap());
    let entry = loop {
        let entry = store.find("latest").unwrap();
        if entry.state != RunState::Running {
            break entry;
        }
        std::thread::yield_now();
    };
    assert_eq!(entry.state, RunState::Interrupted);
}

fn recorded_in(dir: &std::path::Path) -> Settings {
    let mut settings = Settings::default();
    settings.runs_dir = Some(dir.to_owned());
    settings
}

#[test]
fn a_directory_that_cannot_be_made_is_a_problem_before_any_step_runs() {
    let folder = Folder::new();
    let file = folder.join("file");
    fs::write(&file, "").unwrap();
    let error = RunStore::open(file.join("runs")).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }) && error.to_string().contains("file"), "{error}");
    let settings = recorded_in(&file);
    let problems = two_steps(false).settings(settings).run_blocking().unwrap_err();
    assert!(problems.to_string().contains("cannot be recorded"), "{problems}");
}

#[test]
fn a_directory_that_disappears_is_reported_and_fails_no_run() {
    let folder = Folder::new();
    let store = folder.store();
    let mut dag = DagBuilder::new();
    let gone = folder.to_owned();
    dag.cpu("removes", (), move |()| fs::remove_dir_all(&gone).unwrap());
    let run = Pipeline::new(dag.build().unwrap()).record_to(&store).run_blocking().unwrap();
    assert!(run.succeeded());
    assert!(matches!(run.recorded(), Some(Err(StoreError::Io { .. }))), "{:?}", run.recorded());
}

#[test]
fn settings_set_where_runs_are_recorded_and_how_many_are_kept() {
    let folder = Folder::new();
    let mut settings = recorded_in(&folder);
    settings.keep_runs = Some(2);
    let pipeline = two_steps(false).settings(settings);
    let ids: Vec<String> = (0..4).map(|_| pipeline.run_blocking().unwrap().id().to_owned()).collect();
    let mut kept: Vec<String> = fs::read_dir(folder.join("runs"))
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    kept.sort();
    assert_eq!(kept, ids[2..]);
    let store = folder.store();
    assert_eq!(store.runs().unwrap().len(), 4, "the history keeps them all");
    assert!(matches!(store.report(&ids[0]), Err(StoreError::FilesGone { .. })));
    assert_eq!(store.report("-2").unwrap().run_id, ids[2]);
}

#[test]
fn runs_that_share_an_id_are_recorded_separately() {
    let folder = Folder::new();
    let store = folder.store();
    let settings = Settings::default().deterministic(true);
    let pipeline = two_steps(false).settings(settings).record_to(&store);
    let runs = [pipeline.run_blocking().unwrap(), pipeline.run_blocking().unwrap()];
    assert_eq!(runs[0].id(), runs[1].id());
    let entries = store.runs().unwrap();
    assert_eq!(entries.len(), 2);
    assert!(entries.iter().all(|entry| entry.run_id == runs[0].id() && entry.started_unix_ms > 0));
    assert_eq!(&store.report(runs[0].id()).unwrap(), runs[1].report());
}

#[test]
fn nothing_is_recorded_unless_requested() {
    assert!(two_steps(false).run_blocking().unwrap().recorded().is_none());
}

/// B11: the basis of a later run's estimate.
#[test]
fn durations_are_the_medians_of_the_latest_successful_runs() {
    let folder = Folder::new();
    let store = folder.store();
    assert!(store.durations(5).unwrap().is_empty());
    let mut of_one = Vec::new();
    for _ in 0..4 {
        let (run, _) = record(two_steps(false), &store);
        of_one.push(run.report().step("one").unwrap().duration.unwrap());
    }
    record(two_steps(true), &store);
    let mut latest = of_one[1..].to_vec();
    latest.sort();
    let close = |a: Duration, b: Duration| a.abs_diff(b) <= Duration::from_nanos(1);
    assert!(close(store.durations(3).unwrap()["one"], latest[1]), "{of_one:?}");
    assert!(close(store.durations(1).unwrap()["one"], of_one[3]), "the run that failed counts");
}

/// Several recorders of one directory may remove the same old run: none of them fails because it is already gone.
#[test]
fn several_recorders_may_remove_the_same_old_run() {
    let folder = Folder::new();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let store = RunStore::open(&*folder).unwrap().keep_runs(1);
                for _ in 0..25 {
                    let mut dag = DagBuilder::new();
                    dag.cpu("one", (), |()| 1_u64);
                    let run = Pipeline::new(dag.build().unwrap()).record_to(&store).run_blocking().unwrap();
                    assert!(matches!(run.recorded(), Some(Ok(_))), "{:?}", run.recorded());
                }
            });
        }
    });
    assert_eq!(RunStore::open(&*folder).unwrap().runs().unwrap().len(), 200);
}

/// A run that another process is removing has lost its lock and perhaps its report: it is not listed, and the next run
/// removes what a killed process left of it.
#[test]
fn a_run_that_is_being_removed_is_not_listed() {
    let folder = Folder::new();
    let (run, dir) = record(two_steps(false), &folder.store());
    let is_gone = || matches!(folder.store().report(run.id()), Err(StoreError::FilesGone { .. }));
    fs::remove_file(dir.join("run.lock")).unwrap();
    assert_eq!(&folder.store().report(run.id()).unwrap(), run.report(), "what is whole is shown");
    fs::remove_file(dir.join("report.json")).unwrap();
    assert!(dir.join("events.jsonl").exists() && is_gone());
    record(two_steps(false), &folder.store().keep_runs(1));
    assert!(!dir.exists() && is_gone());
}

/// If the clock was set back, the new run seems the oldest: its files still stay until the next run has ended.
#[test]
fn the_newest_run_is_kept_even_if_the_clock_was_set_back() {
    let folder = Folder::new();
    let store = folder.store().keep_runs(1);
    record(two_steps(false), &store);
    let history = rusqlite::Connection::open(folder.join("history.db")).unwrap();
    history.execute("UPDATE runs SET started_unix_ms = started_unix_ms + 86400000", ()).unwrap();
    let (_, dir) = record(two_steps(false), &store);
    assert!(dir.join("report.json").exists());
}
