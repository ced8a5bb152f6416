//! Lists, checks and removals.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use super::*;

const NO_RULES: GcRules = GcRules { older_than: None, max_bytes: None };

/// Makes a value look as if it was last used this many days ago.
fn age(dir: &Dir, step: &str, days: u64) {
    let path = record_file(dir, step);
    let then = SystemTime::now() - Duration::from_secs(days * 24 * 3600);
    File::open(path).and_then(|file| file.set_modified(then)).expect("the record is there");
}

fn steps(values: &[StoredValue]) -> Vec<&str> {
    let mut steps: Vec<&str> = values.iter().map(|value| value.record.step.as_str()).collect();
    steps.sort_unstable();
    steps
}

#[test]
fn values_are_listed_with_their_runs_ages_and_sizes() {
    let dir = Dir::new();
    let store = dir.store();
    commit(&store, "small", b"1");
    commit(&store, "large", &bytes(1000, false));
    store.checkpoints("run-1").commit("small", record("small", key("s")), b"22").expect("nothing fails");
    let values = store.values().expect("it can be listed");
    assert_eq!(steps(&values), ["large", "small", "small"]);
    assert_eq!(values[2].run.as_deref(), Some("run-1"));
    assert!(values[..2].iter().all(|value| value.run.is_none()));
    let sizes = StepSize::of(&values);
    let records = |step| {
        values.iter().filter(|value| value.record.step == step).map(|value| value.record_bytes).sum::<u64>()
    };
    assert_eq!(sizes[0], StepSize { step: "large".into(), values: 1, bytes: 1000 + records("large") });
    assert_eq!(sizes[1], StepSize { step: "small".into(), values: 2, bytes: 3 + records("small") });
}

#[test]
fn a_hit_renews_the_time_of_the_last_use() {
    let dir = Dir::new();
    let store = dir.store();
    commit(&store, "step", b"1");
    age(&dir, "step", 10);
    let used = || store.values().expect("it can be listed")[0].used_unix_ms;
    let before = used();
    assert_eq!(used(), before, "a list is no use");
    assert!(found(&store, "step").is_some());
    assert!(used() > before + 9 * 24 * 3_600_000);
}

#[test]
fn removed_values_are_not_found_and_their_bytes_go_with_the_next_collection() {
    let dir = Dir::new();
    let store = dir.store();
    let record = commit(&store, "a", b"a");
    commit(&store, "b", b"b");
    let removed = store.remove(|value| value.record.step == "a").expect("nothing fails");
    assert_eq!(steps(&removed), ["a"]);
    assert_eq!((found(&store, "a"), found(&store, "b").as_deref()), (None, Some(&b"b"[..])));
    assert!(store.load(&record).is_some(), "a run that has found it can load it");
    let removed = store.gc(NO_RULES).expect("it is not in use");
    assert_eq!(removed, Removed { values: 0, blobs: 1, bytes: 1 });
    let store = dir.store();
    assert_eq!((store.load(&record), found(&store, "b").as_deref()), (None, Some(&b"b"[..])));
}

#[test]
fn old_values_are_removed_then_the_least_used_until_the_rest_is_small_enough() {
    let dir = Dir::new();
    let value = |at: usize| [vec![at as u8; 10], bytes(3000, false)].concat();
    for (at, days) in [(0, 40), (1, 20), (2, 10), (3, 0)] {
        commit(&dir.store(), &at.to_string(), &value(at));
        age(&dir, &at.to_string(), days);
    }
    // It shares its bytes with the oldest.
    commit(&dir.store(), "4", &value(0));
    let older_than = Some(Duration::from_hours(30 * 24));
    let removed = dir.store().gc(GcRules { older_than, max_bytes: None }).expect("it is not in use");
    assert_eq!((removed.values, removed.blobs), (1, 0));
    let removed = dir.store().gc(GcRules { older_than, max_bytes: Some(9000) }).expect("it is not in use");
    assert_eq!((removed.values, removed.blobs), (2, 2));
    let store = dir.store();
    let left: Vec<usize> = (0..5).filter(|at| found(&store, &at.to_string()).is_some()).collect();
    assert_eq!(left, [3, 4]);
    assert_eq!(store.take_warnings(), Vec::<String>::new());
}

#[test]
fn what_runs_and_files_left_goes_when_it_is_old() {
    let dir = Dir::new();
    let store = dir.store();
    for run in ["old", "new"] {
        store.checkpoints(run).set_marks(&[Mark { step: "a".into(), key: key("a") }]).expect("nothing fails");
    }
    drop(store);
    let then = SystemTime::now() - Duration::from_secs(100);
    let file = File::open(dir.0.join("done/old"));
    file.and_then(|file| file.set_modified(then)).expect("the marks are there");
    for (seconds, left) in [(1000, 2), (50, 1)] {
        let rules = GcRules { older_than: Some(Duration::from_secs(seconds)), max_bytes: None };
        dir.store().gc(rules).expect("it is not in use");
        assert_eq!(files(&dir.0.join("done")).len(), left);
    }
    assert_eq!(dir.store().checkpoints("new").marks().len(), 1);
}

#[test]
fn a_store_that_is_in_use_is_not_collected() {
    let dir = Dir::new();
    let user = dir.store();
    commit(&user, "step", b"1");
    user.remove(|_| true).expect("nothing fails");
    for store in [dir.store(), user.clone()] {
        let error = store.gc(NO_RULES).expect_err("it is in use");
        assert!(matches!(error, ValueStoreError::InUse { .. }), "{error}");
        if cfg!(target_os = "linux") {
            let by = format!("is in use by process {};", std::process::id());
            assert!(error.to_string().contains(&by), "{error}");
        }
    }
    drop(user);
    assert_eq!(dir.store().gc(NO_RULES).map(|removed| removed.blobs).ok(), Some(1));
}

#[test]
fn the_bytes_of_records_of_another_version_are_kept() {
    let dir = Dir::new();
    let newer = commit(&dir.store(), "newer", b"newer");
    let content = newer.content.expect("it has a value");
    let path = record_file(&dir, "newer");
    for (text, blobs_removed) in [
        (format!("{{\"format\":2,\"content\":\"{content}\",\"more\":1}}"), 0),
        ("{\"format\":3,\"content\":7}".to_owned(), 0),
        ("{\"format\":2}".to_owned(), 1),
    ] {
        fs::write(&path, format!("{}\n{text}", Content::of(text.as_bytes()))).expect("it can be written");
        let store = dir.store();
        assert_eq!(found(&store, "newer"), None);
        assert_eq!(store.take_warnings(), Vec::<String>::new(), "{text}");
        assert_eq!(store.gc(NO_RULES).map(|removed| removed.blobs).ok(), Some(blobs_removed), "{text}");
        assert!(path.exists(), "{text}");
    }
    commit(&dir.store(), "newer", b"again");
    assert_eq!(found(&dir.store(), "newer").as_deref(), Some(&b"again"[..]));
}

#[test]
fn a_check_finds_every_damaged_file_and_moves_it_away() {
    let dir = Dir::new();
    let store = dir.store();
    let [flipped, compressed, _, _] =
        [("flipped", false), ("compressed", true), ("record", false), ("good", true)].map(
            |(step, compress)| commit(&store, step, &[step.as_bytes(), &bytes(10_000, compress)].concat()),
        );
    let flip = |path: PathBuf| {
        let mut bytes = fs::read(&path).expect("it is there");
        let last = bytes.len() - 10;
        bytes[last] ^= 1;
        fs::write(path, bytes).expect("it can be written");
    };
    flip(blob_file(&dir, &flipped));
    flip(blob_file(&dir, &compressed));
    flip(record_file(&dir, "record"));
    fs::write(dir.0.join("blobs/foreign"), "x").expect("it can be written");
    let verified = store.verify().expect("it can be listed");
    assert_eq!((verified.values, verified.blobs), (1, 2), "{verified:?}");
    // Three files and a foreign one, and two records whose values were moved away.
    assert_eq!(verified.problems.len(), 6, "{verified:?}");
    let again = store.verify().expect("it can be listed");
    assert_eq!((again.values, again.blobs, again.problems.len()), (1, 2, 0), "{again:?}");
    assert_eq!(files(&dir.0.join("damaged")).len(), 6);
    assert!(found(&store, "good").is_some());
    drop(store);
    dir.store().gc(NO_RULES).expect("it is not in use");
    assert_eq!(files(&dir.0.join("damaged")), Vec::<PathBuf>::new());
}
