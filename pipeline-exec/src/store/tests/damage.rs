//! Files of the store are damaged: a clear error or a miss with a warning, and the next run is clean.

use std::fs;

use super::*;

/// Looks for the value of a step after its files were damaged: it is there and right, or missing with a warning. Then, the
/// store is clean, and stores the value again.
#[track_caller]
fn check(dir: &Dir, value: &[u8], case: &str) {
    let store = dir.store();
    let first = found(&store, "step");
    let warnings = store.take_warnings();
    match &first {
        Some(first) => assert!(first == value, "{case}: a wrong value"),
        None => assert_eq!(warnings.len(), 1, "{case}: {warnings:?}"),
    }
    drop(store);
    let store = dir.store();
    assert_eq!(found(&store, "step").is_some(), first.is_some(), "{case}");
    assert_eq!(store.take_warnings(), Vec::<String>::new(), "{case}: the second look is clean");
    commit(&store, "step", value);
    assert!(found(&store, "step").is_some_and(|found| found == value), "{case}");
    assert_eq!(store.take_warnings(), Vec::<String>::new(), "{case}");
}

/// Every offset of a short file; the ends and some between of a long one.
fn offsets(length: usize) -> impl Iterator<Item = usize> {
    let step = (length / 100).max(1);
    (0..length).filter(move |at| *at < 20 || *at + 20 >= length || at % step == 0)
}

#[test]
fn a_file_flipped_or_cut_anywhere_is_a_miss() {
    for (length, compress, is_record) in
        [(10, false, true), (0, false, false), (10, false, false), (9000, true, false), (9000, false, false)]
    {
        let dir = Dir::new();
        let value = bytes(length, compress);
        let record = commit(&dir.store(), "step", &value);
        let path = if is_record { record_file(&dir, "step") } else { blob_file(&dir, &record) };
        let whole = fs::read(&path).expect("it is there");
        for at in offsets(whole.len()) {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            let more = [&whole[..], &whole[..=at]].concat();
            for (change, changed) in [("flipped", &flipped[..]), ("cut", &whole[..at]), ("longer", &more)] {
                fs::write(&path, changed).expect("it can be written");
                check(&dir, &value, &format!("{}: {change} at {at} of {}", path.display(), whole.len()));
            }
        }
    }
}

#[test]
fn another_text_in_the_format_file_is_refused() {
    let dir = Dir::new();
    commit(&dir.store(), "step", b"value");
    let path = dir.0.join("format");
    let whole = fs::read(&path).expect("it is there");
    let flipped = (0..whole.len()).map(|at| {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        flipped
    });
    let cut = (0..whole.len()).map(|at| whole[..at].to_vec());
    let long = [vec![b'x'; 1 << 20], b"pipeline store 2\n".to_vec()];
    for text in flipped.chain(cut).chain(long) {
        fs::write(&path, &text).expect("it can be written");
        let error = ValueStore::open(&dir.0).expect_err("the format is wrong").to_string();
        assert!(error.contains("its file `format` says `") && error.contains("\nhint: "), "{error}");
        assert!(error.len() < 1000, "{error}");
    }
    fs::write(&path, whole).expect("it can be written");
    assert!(found(&dir.store(), "step").is_some());
}

#[test]
fn the_record_of_another_value_is_a_miss() {
    let dir = Dir::new();
    commit(&dir.store(), "other", b"other");
    for step in ["other", "absent"] {
        let record = commit(&dir.store(), "step", b"value");
        let foreign = if step == "other" {
            fs::copy(record_file(&dir, "other"), record_file(&dir, "step"))
        } else {
            fs::copy(record_file(&dir, "other"), blob_file(&dir, &record))
        };
        foreign.expect("it can be written");
        check(&dir, b"value", step);
    }
    // Of another run, or another step of it.
    let store = dir.store();
    let run = store.checkpoints("run");
    run.commit("step", record("step", key("step")), b"1").expect("nothing fails");
    fs::copy(dir.0.join("runs/run/step"), dir.0.join("runs/run/next")).expect("it can be written");
    assert_eq!((run.find("next"), store.take_warnings().len()), (None, 1));
    assert!(run.find("step").is_some());
}

#[test]
fn bytes_that_are_gone_are_a_miss() {
    let dir = Dir::new();
    let record = commit(&dir.store(), "step", b"value");
    fs::remove_file(blob_file(&dir, &record)).expect("it is there");
    let store = dir.store();
    assert!(!store.holds(&record));
    assert_eq!(found(&store, "step"), None);
    let again = commit(&store, "step", b"another");
    assert_ne!(again.content, record.content, "the earlier record has no value, and is replaced");
    assert_eq!(found(&store, "step").as_deref(), Some(&b"another"[..]));
}

#[test]
fn a_folder_that_is_removed_during_a_run_is_made_again() {
    let dir = Dir::new();
    let store = dir.store();
    commit(&store, "first", b"value");
    for folder in ["tmp", "cache", "blobs"] {
        fs::remove_dir_all(dir.0.join(folder)).expect("it is there");
        assert_eq!(found(&store, "first").is_some(), folder == "tmp", "{folder}");
        commit(&store, "first", b"value");
        assert_eq!(found(&store, "first").as_deref(), Some(&b"value"[..]), "{folder}");
    }
    assert_eq!(store.take_warnings(), Vec::<String>::new());
    fs::remove_dir_all(&dir.0).expect("it is there");
    let error = try_commit(&store, "next", b"value").expect_err("the store is gone").to_string();
    assert!(error.starts_with("cannot write"), "{error}");
    assert_eq!(found(&store, "first"), None);
    assert!(!dir.0.exists());
}

#[test]
fn many_warnings_are_counted() {
    let dir = Dir::new();
    let store = dir.store();
    for at in 0..30 {
        commit(&store, &at.to_string(), b"1");
        fs::write(record_file(&dir, &at.to_string()), "x").expect("it can be written");
        assert_eq!(found(&store, &at.to_string()), None);
    }
    let warnings = store.take_warnings();
    assert_eq!(warnings.len(), 21, "{warnings:?}");
    assert!(warnings[20].ends_with("10 more warnings like these"), "{warnings:?}");
}
