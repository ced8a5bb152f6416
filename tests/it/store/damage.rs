//! Files that are torn, lost, or of another version.

use std::fs;

use pipeline::store::{RunState, StoreError};

use super::*;

/// The folder of a run that looks as if its process had been killed.
fn interrupted(folder: &Folder, pipeline: Pipeline) -> PathBuf {
    let (_, dir) = record(pipeline, &folder.store());
    fs::remove_file(dir.join("report.json")).unwrap();
    fs::remove_file(folder.join("history.db")).unwrap();
    dir
}

#[test]
fn a_torn_journal_is_read_up_to_the_tear() {
    let folder = Folder::new();
    let journal = interrupted(&folder, two_steps(true)).join("events.jsonl");
    let whole = fs::read(&journal).unwrap();
    let first_line = whole.iter().position(|&byte| byte == b'\n').unwrap();
    let mut most = 2;
    // Lines do not repeat every seven bytes, so the cuts reach every part of a line.
    let mut cuts = (0..whole.len()).step_by(7).chain([whole.len()]).rev();
    for length in cuts.by_ref() {
        fs::write(&journal, &whole[..length]).unwrap();
        let _ = fs::remove_file(folder.join("history.db"));
        let runs = folder.store().runs().unwrap();
        if length <= first_line {
            assert!(runs.is_empty(), "{length}: {runs:?}");
            assert!(!journal.exists(), "a run that never began leaves nothing");
            break;
        }
        // The last line is complete but for its line feed.
        let is_whole = length + 1 >= whole.len();
        let state = if is_whole { RunState::Failed } else { RunState::Interrupted };
        assert_eq!(runs[0].state, state, "{length}");
        let report = folder.store().report("latest").unwrap();
        assert!(report.steps.len() <= most, "{length}");
        most = report.steps.len();
        let (status, why) = if is_whole {
            (RunStatus::Failed, "its report was not written")
        } else {
            (RunStatus::Cancelled, "interrupted")
        };
        assert_eq!((report.counts.planned, report.status), (2, status));
        assert!(report.stopped_because.unwrap().contains(why));
    }
    assert_eq!(most, 0);
    let whole_run = Folder::new();
    interrupted(&whole_run, two_steps(true));
    let report = whole_run.store().report("latest").unwrap();
    let told: Vec<_> = report.steps.iter().map(|step| (step.name.as_str(), step.status)).collect();
    assert_eq!(told, [("one", Status::Succeeded), ("two", Status::Failed)]);
}

#[test]
fn a_flood_of_short_steps_is_recorded_completely() {
    let folder = Folder::new();
    let mut dag = DagBuilder::new();
    for step in 0..20_000 {
        dag.cpu(format!("a \"step\"\n{step}"), (), move |()| step);
    }
    let dir = interrupted(&folder, Pipeline::new(dag.build().unwrap()));
    let report = folder.store().report("latest").unwrap();
    assert_eq!((report.counts.succeeded, report.counts.planned), (20_000, 20_000));
    assert_eq!(report.step("a \"step\"\n19999").unwrap().status, Status::Succeeded);
    let size = fs::metadata(dir.join("events.jsonl")).unwrap().len();
    assert!(size < 20_000 * 80, "{size} bytes: most have separate lines");
}

#[test]
fn a_lost_or_damaged_history_is_rebuilt() {
    let folder = Folder::new();
    for fails in [false, true, false] {
        record(two_steps(fails), &folder.store());
    }
    let (runs, trends) = (folder.store().runs().unwrap(), folder.store().trends(9).unwrap());
    let database = folder.join("history.db");
    let sound = fs::read(&database).unwrap();
    let with_noise = |range: std::ops::Range<usize>| {
        let mut bytes = sound.clone();
        bytes[range].fill(0xA5);
        Some(bytes)
    };
    let damages = [
        None,
        Some(b"no database at all, but text".to_vec()),
        with_noise(0..200),
        with_noise(90..4096),
        Some(Vec::new()),
    ];
    for (number, damage) in damages.into_iter().enumerate() {
        let is_damage = damage.as_ref().is_some_and(|bytes| !bytes.is_empty());
        match damage {
            None => fs::remove_file(&database).unwrap(),
            Some(bytes) => fs::write(&database, bytes).unwrap(),
        }
        let store = folder.store();
        assert_eq!(store.runs().unwrap(), runs, "{number}");
        assert_eq!(store.trends(9).unwrap(), trends, "{number}");
        let warnings = store.take_warnings();
        assert_eq!(warnings.len(), usize::from(is_damage), "{number}: {warnings:?}");
        assert!(warnings.iter().all(|warning| warning.contains("made anew")), "{warnings:?}");
    }
    assert!(folder.store().take_warnings().is_empty(), "the repair lasts");
}

/// The journal has what the report cannot give.
#[test]
fn a_run_with_a_damaged_report_is_kept_and_the_file_is_named() {
    let folder = Folder::new();
    let (run, dir) = record(two_steps(false), &folder.store());
    fs::remove_file(folder.join("history.db")).unwrap();
    fs::write(dir.join("report.json"), "{\"schema\":1,").unwrap();
    let store = folder.store();
    let runs = store.runs().unwrap();
    assert_eq!((runs.len(), &*runs[0].run_id, runs[0].state), (1, run.id(), RunState::Succeeded));
    let warnings = store.take_warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("report.json cannot be read: EOF"), "{warnings:?}");
    assert_eq!(folder.store().runs().unwrap(), runs);
    // Without either, it is left out.
    fs::remove_file(folder.join("history.db")).unwrap();
    fs::write(dir.join("events.jsonl"), "no journal\n").unwrap();
    let store = folder.store();
    assert_eq!(store.runs().unwrap(), []);
    let warnings = store.take_warnings();
    assert!(
        warnings.len() == 2 && warnings[1].contains("events.jsonl cannot be read: it does not"),
        "{warnings:?}"
    );
    assert!(warnings[1].contains("left out"), "{warnings:?}");
}

#[test]
fn a_history_of_a_later_version_is_left_alone() {
    let folder = Folder::new();
    record(two_steps(false), &folder.store());
    let database = rusqlite::Connection::open(folder.join("history.db")).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    let store = folder.store();
    let warnings = store.take_warnings();
    assert!(warnings[0].contains("its version is 99"), "{warnings:?}");
    record(two_steps(false), &store);
    assert_eq!(store.runs().unwrap().len(), 2, "it is read from the files");
    let rows: i64 = database.query_row("SELECT count(*) FROM runs", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 1);
}

/// I14: a report of a later schema is refused; one without the fields of later versions is read.
#[test]
fn reports_of_other_versions_are_read_or_refused() {
    let folder = Folder::new();
    let store = folder.store();
    let (_, dir) = record(two_steps(false), &store);
    let path = dir.join("report.json");
    let report = read_json(&path);
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut changed = report.clone();
        change(&mut changed);
        fs::write(&path, changed.to_string()).unwrap();
        store.report("latest")
    };
    let newer = with(&|report| report["schema"] = 99.into()).unwrap_err();
    assert!(matches!(newer, StoreError::Newer { found: 99, .. }));
    assert!(newer.to_string().contains("its schema is 99") && newer.to_string().contains("hint:"), "{newer}");
    // The fields of a later schema are not interpreted.
    let stranger = with(&|report| *report = serde_json::json!({"schema": 2, "steps": "many"})).unwrap_err();
    assert!(matches!(stranger, StoreError::Newer { found: 2, .. }), "{stranger}");
    assert!(with(&|report| report["something_new"] = 1.into()).is_ok());
    for text in ["", "{", "null", "{\"schema\":1}", "[[[["] {
        fs::write(&path, text).unwrap();
        let error = store.report("latest").unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{text}: {error}");
    }
}

#[test]
fn hostile_run_names_match_no_run_and_no_file() {
    let folder = Folder::new();
    let store = folder.store();
    fs::write(folder.join("report.json"), "{}").unwrap();
    record(two_steps(false), &store);
    let long = "x".repeat(10_000);
    let names = [
        "",
        ".",
        "..",
        "../..",
        "/etc",
        "%",
        "' OR 1=1 --",
        "-0",
        "-",
        "--",
        "\u{1b}[2J",
        "a\nb",
        "\u{202e}x",
        &long,
    ];
    for name in names {
        let error = store.find(name).unwrap_err();
        assert!(matches!(error, StoreError::UnknownRun { .. }), "{name:?}: {error}");
        let told = error.to_string();
        assert!(!told.contains(['\u{1b}', '\u{202e}']) && told.len() < 600, "{told:?}");
        assert!(store.report(name).is_err());
    }
}

#[cfg(unix)]
#[test]
fn folders_that_are_not_runs_are_ignored() {
    let folder = Folder::new();
    let store = folder.store();
    record(two_steps(false), &store);
    let runs = folder.join("runs");
    fs::create_dir(runs.join("empty")).unwrap();
    fs::create_dir(runs.join("only-a-lock")).unwrap();
    fs::write(runs.join("only-a-lock/run.lock"), "").unwrap();
    fs::write(runs.join("a-file"), "").unwrap();
    std::os::unix::fs::symlink("/", runs.join("a-way-out")).unwrap();
    assert_eq!(store.runs().unwrap().len(), 1);
}
