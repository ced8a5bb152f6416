//! Values are stored and found.

use super::*;

#[test]
fn a_stored_value_is_found_by_its_key_also_after_the_store_is_opened_again() {
    let dir = Dir::new();
    for (step, length, compress) in
        [("empty", 0, false), ("small", 100, true), ("large", 100_000, true), ("dense", 100_000, false)]
    {
        let value = bytes(length, compress);
        let record = commit(&dir.store(), step, &value);
        assert_eq!(record.bytes, length as u64);
        assert_eq!(record.compression == Compression::Zstd, step == "large", "{step}");
        let store = dir.store();
        assert!(store.holds(&record));
        assert_eq!(store.cache().find(&key(step).to_string()), Some(record));
        assert_eq!(found(&store, step), Some(value), "{step}");
        assert_eq!(found(&store, "other"), None);
        assert_eq!(store.take_warnings(), Vec::<String>::new());
    }
    assert_eq!(files(&dir.0.join("tmp")), Vec::<PathBuf>::new());
}

#[test]
fn of_two_writers_of_a_key_the_first_wins() {
    let dir = Dir::new();
    let first = commit(&dir.store(), "step", b"first");
    assert_eq!(commit(&dir.store(), "step", b"second"), first);
    assert_eq!(found(&dir.store(), "step").as_deref(), Some(&b"first"[..]));
}

#[test]
fn a_checkpoint_with_another_key_is_replaced() {
    let dir = Dir::new();
    let store = dir.store();
    let run = store.checkpoints("0199-run");
    for (made_of, bytes) in [("1", "old"), ("2", "new")] {
        let stored = run.commit("shop::load", record("shop::load", key(made_of)), bytes.as_bytes());
        let stored = stored.expect("nothing fails");
        assert_eq!(stored.key, key(made_of));
        assert_eq!(run.find("shop::load"), Some(stored.clone()));
        assert_eq!(store.load(&stored).as_deref(), Some(bytes.as_bytes()));
    }
    assert_eq!(store.values().expect("it can be listed").len(), 1);
    run.remove_all().expect("nothing fails");
    assert_eq!(run.find("shop::load"), None);
    assert!(!dir.0.join("runs/0199-run").exists());
    assert_eq!(store.take_warnings(), Vec::<String>::new());
}

#[test]
fn a_mark_has_no_value() {
    let dir = Dir::new();
    let store = dir.store();
    let run = store.checkpoints("run");
    run.commit_mark("load", record("load", key("load"))).expect("nothing fails");
    let mark = run.find("load").expect("it is stored");
    assert_eq!((mark.content, store.load(&mark), store.holds(&mark)), (None, None, false));
}

#[test]
fn no_name_leads_out_of_the_store() {
    let dir = Dir::new();
    let store = dir.store();
    for run in ["..", ".", "", "a/../..", "/etc", "a\\b", "a b"] {
        let records = store.checkpoints(run);
        assert!(records.commit_mark("load", record("load", key("load"))).is_err(), "{run}");
        assert_eq!(records.find("load"), None, "{run}");
    }
    assert_eq!(store.cache().find("../../format"), None);
    assert_eq!(store.cache().find(""), None);
}
