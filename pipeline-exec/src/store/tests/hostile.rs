//! Planted files: nothing outside the store is read or changed, and nothing is believed.

use std::fs;

use super::*;

/// Writes a record as if it were right.
fn plant(dir: &Dir, text: &str) {
    let path = record_file(dir, "step");
    fs::create_dir_all(path.parent().expect("it is in a folder")).expect("it can be made");
    fs::write(path, format!("{}\n{text}", Content::of(text.as_bytes()))).expect("it can be written");
}

#[cfg(unix)]
#[test]
fn a_link_at_any_path_is_not_followed() {
    use std::os::unix::fs::symlink;
    let paths = |record: &Record| {
        let dir = Dir(PathBuf::new());
        let mut paths: Vec<PathBuf> =
            ["format", "lock", "tmp", "blobs", "cache", "runs", "damaged", "runs/run", "runs/run/step"]
                .map(PathBuf::from)
                .to_vec();
        for file in [record_file(&dir, "step"), blob_file(&dir, record)] {
            paths.extend([file.parent().expect("it is in a folder").to_owned(), file]);
        }
        // Its folder would be made in the current one.
        std::mem::forget(dir);
        paths
    };
    let fill = |dir: &Dir| {
        let store = dir.store();
        let checkpoint = record("step", key("step"));
        store.checkpoints("run").commit("step", checkpoint, b"value").expect("nothing fails");
        commit(&store, "step", b"value")
    };
    let template = Dir::new();
    for path in paths(&fill(&template)) {
        for is_dangling in [false, true] {
            let (dir, outside) = (Dir::new(), Dir::new());
            fill(&dir);
            fs::create_dir(&outside.0).expect("it can be made");
            // The link leads to what was there, so that following it would find the right value.
            let (planted, target) = (dir.0.join(&path), outside.0.join("target"));
            fs::rename(&planted, &target).expect("it is there");
            let target = if is_dangling { outside.0.join("nothing") } else { target };
            symlink(&target, &planted).expect("it can be made");
            let before = files(&outside.0);
            let case = format!("{} (dangling: {is_dangling})", path.display());

            match ValueStore::open(&dir.0) {
                Err(error) => assert!(error.to_string().contains("link"), "{case}: {error}"),
                Ok(store) => {
                    let checkpoint = store.checkpoints("run").find("step");
                    let was_hit = found(&store, "step").is_some();
                    let warned = store.take_warnings();
                    assert!(
                        checkpoint.is_none() || !was_hit || !warned.is_empty() || path.ends_with("lock"),
                        "{case}"
                    );
                    commit(&store, "step", b"value");
                    assert_eq!(found(&store, "step").as_deref(), Some(&b"value"[..]), "{case}");
                    store.checkpoints("run").remove_all().expect("nothing fails");
                    store.verify().expect("it can be listed");
                    store.remove(|_| true).expect("nothing fails");
                    let gc = store.gc(GcRules { older_than: None, max_bytes: Some(0) });
                    gc.expect("it is not in use");
                }
            }
            assert_eq!(files(&outside.0), before, "{case}: something outside was changed");
        }
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_a_miss_or_refused() {
    for planted in ["folder", "full folder", "pipe"] {
        for target in ["record", "blob", "shard"] {
            let dir = Dir::new();
            let record = commit(&dir.store(), "step", b"value");
            let file = if target == "blob" { blob_file(&dir, &record) } else { record_file(&dir, "step") };
            let path = if target == "shard" {
                let shard = file.parent().expect("it is in a folder").to_owned();
                fs::remove_dir_all(&shard).expect("it is there");
                shard
            } else {
                fs::remove_file(&file).expect("it is there");
                file
            };
            match planted {
                "pipe" => {
                    let made = std::process::Command::new("mkfifo").arg(&path).status();
                    assert!(made.is_ok_and(|made| made.success()));
                }
                "folder" => fs::create_dir(&path).expect("it can be made"),
                _ => fs::create_dir_all(path.join("a/b")).expect("it can be made"),
            }
            let store = dir.store();
            let case = format!("{planted} at {target}");
            assert_eq!(found(&store, "step"), None, "{case}");
            assert_eq!(
                store.take_warnings().len(),
                usize::from(target != "shard" || planted == "pipe"),
                "{case}"
            );
            assert_eq!(found(&store, "step"), None, "{case}");
            assert_eq!(store.take_warnings(), Vec::<String>::new(), "{case}");
            commit(&store, "step", b"value");
            assert_eq!(found(&store, "step").as_deref(), Some(&b"value"[..]), "{case}");
            drop(store);
            dir.store().gc(GcRules::default()).expect("it is not in use");
        }
    }
}

#[test]
fn a_claimed_length_is_not_believed() {
    let dir = Dir::new();
    let zeros = vec![0; 50_000];
    let right = commit(&dir.store(), "step", &zeros);
    assert_eq!(right.compression, Compression::Zstd);
    let blob = fs::read(blob_file(&dir, &right)).expect("it is there");
    for (bytes, stored_bytes) in [
        (u64::MAX, right.stored_bytes),
        (1 << 40, right.stored_bytes),
        (50_001, right.stored_bytes),
        // More than this comes out.
        (49_999, right.stored_bytes),
        (0, right.stored_bytes),
        (right.bytes, u64::MAX),
        (right.bytes, 0),
    ] {
        let claim = Record { bytes, stored_bytes, ..right.clone() };
        fs::write(record_file(&dir, "step"), framed::framed(&claim)).expect("it can be written");
        fs::write(blob_file(&dir, &right), &blob).expect("it can be written");
        let store = dir.store();
        assert_eq!(found(&store, "step"), None, "{bytes} {stored_bytes}");
        assert_eq!(store.take_warnings().len(), 1);
    }
}

#[test]
fn a_record_that_is_too_long_or_of_another_form_is_a_miss() {
    let dir = Dir::new();
    dir.store();
    let right =
        String::from_utf8(framed::framed(&record("step", key("step")))[65..].to_vec()).expect("it is JSON");
    let with = |field: &str| format!("{{{field},{}", &right[1..]);
    let deep = format!("\"x\":{}1{}", "[".repeat(200_000), "]".repeat(200_000));
    for (text, is_found) in [
        (right.clone(), true),
        (with("\"later_field\":{\"a\":[1,2]}"), true),
        // Skipped without recursion.
        (with(&deep), true),
        (right.replace("\"inputs\":[", &format!("\"inputs\":[{}", "[".repeat(200_000))), false),
        (with(&format!("\"x\":\"{}\"", "x".repeat(1 << 20))), false),
        (right.replace("\"took_ms\":2", "\"took_ms\":-2"), false),
        (right.replace("\"took_ms\":2", "\"took_ms\":18446744073709551616"), false),
        (right.replace("\"by\":\"version\"", "\"by\":\"guess\""), false),
        (right.replace("\"step\":\"step\"", "\"step\":null"), false),
        (right[..right.len() - 3].to_owned(), false),
        ("[]".to_owned(), false),
        (String::new(), false),
    ] {
        plant(&dir, &text);
        let store = dir.store();
        let found = store.cache().find(&key("step").to_string());
        let shown: String = text.chars().take(200).collect();
        assert_eq!(found.is_some(), is_found, "{shown}");
        assert_eq!(store.take_warnings().len(), usize::from(!is_found), "{shown}");
    }
}

#[test]
fn a_folder_with_other_files_is_not_made_a_store() {
    let dir = Dir::new();
    fs::create_dir_all(dir.0.join("tmp")).expect("it can be made");
    fs::write(dir.0.join("tmp/mine"), "mine").expect("it can be written");
    let error = ValueStore::open(&dir.0).expect_err("it has other files").to_string();
    assert!(error.contains("holds other files"), "{error}");
    assert_eq!(files(&dir.0), [dir.0.join("tmp/mine")]);

    let file = dir.0.join("tmp/mine");
    let error = ValueStore::open(&file).expect_err("it is a file").to_string();
    assert!(error.contains("cannot make the folder"), "{error}");
}

#[cfg(unix)]
#[test]
fn the_folder_and_the_files_are_the_owners_only() {
    use std::os::unix::fs::{PermissionsExt, chown};
    let dir = Dir::new();
    commit(&dir.store(), "step", b"value");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    for file in files(&dir.0) {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        assert_eq!(mode(file.parent().expect("it is in a folder")), 0o700, "{}", file.display());
    }
    fs::set_permissions(&dir.0, fs::Permissions::from_mode(0o707)).expect("it is ours");
    let error = ValueStore::open(&dir.0).expect_err("everyone may write").to_string();
    assert!(error.contains("every user may write to the folder"), "{error}");
    fs::set_permissions(&dir.0, fs::Permissions::from_mode(0o700)).expect("it is ours");
    // Only root may give a folder away.
    if chown(&dir.0, Some(12345), None).is_ok() {
        let error = ValueStore::open(&dir.0).expect_err("it is another user's").to_string();
        assert!(error.contains("belongs to another user"), "{error}");
    }
}
