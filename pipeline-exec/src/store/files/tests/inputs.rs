//! What is hashed, what is remembered, and which changes are seen.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Folder;
use crate::store::files::hash::{Hashed, Stamp, hash, hash_at};
use crate::store::files::{Files, Kind, Memo, memo};
use crate::store::{Content, GcRules, ValueStore};

fn content(kind: Kind, path: impl Into<PathBuf>) -> Content {
    Files::new(kind, path.into()).content(&Memo::default()).unwrap()
}

fn refusal(kind: Kind, path: impl Into<PathBuf>) -> String {
    Files::new(kind, path.into()).content(&Memo::default()).unwrap_err().to_string()
}

#[test]
fn the_content_of_a_file_is_that_of_its_bytes_whatever_its_name() {
    let folder = Folder::new();
    for text in ["", "rows", &"x".repeat(3 << 20)] {
        let (a, b) = (folder.write("a", text), folder.write("b", text));
        assert_eq!(content(Kind::File, &a), Content::of(text.as_bytes()));
        assert_eq!(content(Kind::File, &a), content(Kind::File, &b));
    }
}

#[test]
fn the_content_of_a_folder_is_its_names_and_bytes_wherever_it_is() {
    let folder = Folder::new();
    for root in ["one", "two"] {
        folder.write(&format!("{root}/b/c.csv"), "1");
        folder.write(&format!("{root}/a.csv"), "2");
        folder.write(&format!("{root}/.hidden"), "3");
    }
    let first = content(Kind::Folder, folder.join("one"));
    assert_eq!(content(Kind::Folder, folder.join("two")), first);
    fs::create_dir(folder.join("two/empty")).unwrap();
    assert_eq!(content(Kind::Folder, folder.join("two")), first, "an empty folder does not count");
    let mut seen = vec![first];
    for (change, text) in [("two/b/c.csv", "4"), ("two/b/d.csv", ""), ("two/.hidden", "")] {
        folder.write(change, text);
        seen.push(content(Kind::Folder, folder.join("two")));
    }
    fs::rename(folder.join("two/b/d.csv"), folder.join("two/b/e.csv")).unwrap();
    seen.push(content(Kind::Folder, folder.join("two")));
    fs::rename(folder.join("two/b/e.csv"), folder.join("two/e.csv")).unwrap();
    seen.push(content(Kind::Folder, folder.join("two")));
    let mut distinct = seen.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), seen.len());
}

#[test]
fn a_pattern_has_the_files_that_a_shell_would_list() {
    let folder = Folder::new();
    for name in ["b.csv", "a.csv", ".a.csv", ".deep/a.csv", "a.json", "deep/er/c.csv", "folder.csv/d.csv"] {
        folder.write(name, name);
    }
    let names = |pattern: &str| {
        let files = Files::new(Kind::Pattern, folder.join(pattern)).list().unwrap();
        files.iter().map(|file| file.name.display().to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names("*.csv"), "a.csv b.csv");
    assert_eq!(names("**/*.csv"), "a.csv b.csv deep/er/c.csv folder.csv/d.csv");
    assert_eq!(names("deep/er/?.csv"), "c.csv");
    assert_eq!(names("[ab].json"), "a.json");
    assert_eq!(names(".*.csv"), ".a.csv");
    assert_eq!(names(".deep/*"), "a.csv");
    assert_eq!(names("*/none/*"), "");
    assert_eq!(names("deep/*"), "");
    assert_eq!(names("a.csv"), "a.csv");
    assert_eq!(names("*/er/c.csv"), "deep/er/c.csv");
    assert!(refusal(Kind::Pattern, folder.join("none/*")).contains("none: "));
    assert!(refusal(Kind::Pattern, folder.join("[a")).contains("it is no pattern"));
}

#[test]
fn what_is_no_file_is_refused_with_its_name() {
    let folder = Folder::new();
    let file = folder.write("file", "");
    let missing = folder.join("missing");
    assert!(refusal(Kind::File, &missing).starts_with(&format!("{}: ", missing.display())));
    assert!(refusal(Kind::File, &*folder).contains("it is a folder"));
    assert!(refusal(Kind::Folder, &file).contains("it is not a folder"));
    assert!(refusal(Kind::Folder, &missing).contains("missing"));
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles_and_pipes_are_refused() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    folder.write("real/a", "1");
    folder.write("other/b", "2");
    symlink(folder.join("real/a"), folder.join("link")).unwrap();
    assert_eq!(content(Kind::File, folder.join("link")), Content::of(b"1"));
    symlink(folder.join("other"), folder.join("real/linked")).unwrap();
    let names = |kind, path: &str| {
        let files = Files::new(kind, folder.join(path)).list().unwrap();
        files.iter().map(|file| file.name.display().to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(Kind::Folder, "real"), "a linked/b");
    // Two links to one folder are no circle, two folders that link to each other are.
    symlink(folder.join("other"), folder.join("real/again")).unwrap();
    symlink(folder.join("real"), folder.join("other/back")).unwrap();
    symlink(".", folder.join("other/self")).unwrap();
    assert_eq!(names(Kind::Folder, "real"), "a again/b linked/b");
    assert_eq!(names(Kind::Pattern, "**/b"), "other/b real/again/b real/linked/b");
    let odd = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff");
    fs::write(folder.join("other").join(odd), "3").unwrap();
    assert_eq!(names(Kind::Pattern, "other/*"), "b");
    assert_eq!(names(Kind::Folder, "other"), "b back/a \u{fffd}");
    symlink("nothing", folder.join("dangling")).unwrap();
    assert!(refusal(Kind::File, folder.join("dangling")).contains("dangling"));
    let pipe = folder.join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    for refused in [(Kind::File, "pipe"), (Kind::Pattern, "pip*"), (Kind::Pattern, "*")] {
        let refused = refusal(refused.0, folder.join(refused.1));
        assert!(
            refused.contains("pipe: it is not a regular file") || refused.contains("dangling: "),
            "{refused}"
        );
    }
    assert_eq!(names(Kind::Pattern, "*/a"), "real/a", "what a pattern does not match is not looked at");
    fs::rename(pipe, folder.join("real/pipe")).unwrap();
    assert!(refusal(Kind::Folder, folder.join("real")).contains("pipe: it is not a regular file"));
}

#[test]
fn a_file_that_changed_within_two_seconds_before_it_was_hashed_is_not_settled() {
    let folder = Folder::new();
    let path = folder.write("file", "rows");
    let written = fs::metadata(&path).unwrap().modified().unwrap();
    let is_settled = |now| hash_at(&path, now).unwrap().is_settled;
    assert!(!is_settled(written));
    assert!(!is_settled(written + Duration::from_secs(2)));
    assert!(is_settled(written + Duration::from_secs(10)));
    assert!(!is_settled(written - Duration::from_hours(1)), "the clock was set back");
    let later = SystemTime::now() + Duration::from_hours(1);
    fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
    assert!(!is_settled(SystemTime::now() + Duration::from_secs(10)), "it is of the future");
}

/// Fills a memo as a run would do long after the file was written, with a content that the file does not have.
fn remember(memo: &Memo, kind: Kind, of: &Path, file: &Path) -> Content {
    let (stamp, content) = (Stamp::of_path(file).unwrap(), Content::of(b"remembered"));
    memo.write(&memo::name(kind as u8, of), [Hashed { stamp, content, is_settled: true }].iter());
    content
}

#[test]
fn a_remembered_file_is_not_read_again_until_it_changes() {
    let folder = Folder::new();
    let store = ValueStore::open(folder.join("store")).unwrap();
    let memo = store.memo();
    let path = folder.write("file", "rows");
    let look = || Files::new(Kind::File, path.clone()).content(&memo).unwrap();
    assert_eq!(look(), Content::of(b"rows"));
    assert!(!folder.join("store/memo").exists(), "a fresh file is not remembered");
    let remembered = remember(&memo, Kind::File, &path, &path);
    assert_eq!(look(), remembered);
    folder.write("file", "rowS");
    assert_eq!(look(), Content::of(b"rowS"));
    // The same under the name of a folder.
    remember(&memo, Kind::Folder, &folder, &path);
    assert!(fs::read_dir(folder.join("store/tmp")).unwrap().next().is_none(), "no incomplete file is left");
}

#[test]
fn a_memo_goes_when_it_is_old() {
    let folder = Folder::new();
    let path = folder.write("file", "rows");
    let open = || ValueStore::open(folder.join("store")).unwrap();
    remember(&open().memo(), Kind::File, &path, &path);
    remember(&open().memo(), Kind::Folder, &folder, &path);
    let memo = folder.join("store/memo").join(memo::name(Kind::File as u8, &path).to_string());
    let then = SystemTime::now() - Duration::from_secs(100);
    fs::File::open(&memo).unwrap().set_modified(then).unwrap();
    for (seconds, left) in [(1000, 2), (50, 1)] {
        let rules = GcRules { older_than: Some(Duration::from_secs(seconds)), max_bytes: None };
        open().gc(rules).unwrap();
        assert_eq!(fs::read_dir(folder.join("store/memo")).unwrap().count(), left);
    }
    assert!(!memo.exists());
}

#[test]
fn a_damaged_memo_is_ignored() {
    let folder = Folder::new();
    let store = ValueStore::open(folder.join("store")).unwrap();
    let memo = store.memo();
    let path = folder.write("file", "rows");
    remember(&memo, Kind::File, &path, &path);
    let of = folder.join("store/memo").join(memo::name(Kind::File as u8, &path).to_string());
    let whole = fs::read(&of).unwrap();
    let look = || Files::new(Kind::File, path.clone()).content(&memo).unwrap();
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        fs::write(&of, flipped).unwrap();
        assert_eq!(look(), Content::of(b"rows"), "flipped at {at}");
        fs::write(&of, &whole[..at]).unwrap();
        assert_eq!(look(), Content::of(b"rows"), "cut at {at}");
    }
    fs::remove_file(&of).unwrap();
    fs::create_dir(&of).unwrap();
    assert_eq!(look(), Content::of(b"rows"), "a folder in its place");
}

#[test]
fn what_changes_after_it_was_hashed_is_named() {
    let folder = Folder::new();
    let path = folder.write("data/b", "rows");
    let changed = |kind, text: PathBuf, change: &dyn Fn()| {
        let files = Files::new(kind, text);
        assert_eq!(files.changed(), None, "nothing was hashed");
        files.content(&Memo::default()).unwrap();
        assert_eq!(files.changed(), None, "nothing has changed");
        change();
        files.changed()
    };
    let (data, all) = (folder.join("data"), folder.join("data/*"));
    let write = |name: &'static str, text: &'static str| {
        let folder = &folder;
        move || _ = folder.write(name, text)
    };
    // Of the same length.
    assert_eq!(changed(Kind::File, path.clone(), &write("data/b", "rowS")), Some(path.clone()));
    assert_eq!(changed(Kind::File, path.clone(), &write("data/b", "rowS")), None, "the same bytes");
    assert_eq!(changed(Kind::Folder, data.clone(), &write("data/b", "rows")), Some(path.clone()));
    assert_eq!(changed(Kind::Folder, data.clone(), &write("data/a", "")), Some(folder.join("data/a")));
    assert_eq!(changed(Kind::Pattern, all.clone(), &write("data/c", "")), Some(folder.join("data/c")));
    let remove = |name: &'static str| {
        let folder = &folder;
        move || fs::remove_file(folder.join(name)).unwrap()
    };
    assert_eq!(changed(Kind::Pattern, all, &remove("data/a")), Some(folder.join("data/a")));
    assert_eq!(changed(Kind::Folder, data, &remove("data/c")), Some(folder.join("data/c")));
    assert_eq!(changed(Kind::File, path.clone(), &remove("data/b")), Some(path));
}

#[test]
fn a_file_is_hashed_once_in_a_run() {
    let folder = Folder::new();
    let path = folder.write("file", "rows");
    let files = Files::new(Kind::File, path);
    let first = files.content(&Memo::default()).unwrap();
    folder.write("file", "others");
    assert_eq!(files.content(&Memo::default()).unwrap(), first);
    assert!(files.changed().is_some());
    assert_eq!(hash(&folder.join("file")).unwrap().content, Content::of(b"others"));
}
