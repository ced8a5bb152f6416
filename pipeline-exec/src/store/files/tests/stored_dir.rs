//! Folders as outputs: what is kept of them, how they are stored, read again, placed and restored.

use std::fs;
use std::path::{Path, PathBuf};

use super::Folder;
use super::stored::{overwrite, read, stored};
use crate::store::files::{StoredDir, far, near};
use crate::store::storage::memory::Memory;
use crate::store::tests::{key, record};
use crate::store::{Content, Record, RecordedPlace, ValueStore};

fn made() -> StoredDir {
    let made = StoredDir::create(|dir| {
        fs::create_dir_all(dir.join("deep/er"))?;
        fs::create_dir(dir.join("empty"))?;
        fs::write(dir.join("deep/er/a b"), "rows")?;
        fs::write(dir.join("top"), "rows")
    });
    made.unwrap()
}

fn loaded(store: &ValueStore, record: &Record) -> Result<StoredDir, String> {
    read(store, record)
}

fn names(dir: &StoredDir) -> Vec<&str> {
    dir.files().map(|(name, _)| name).collect()
}

/// Returns the names and texts of the files in a folder.
fn texts(folder: &Path) -> Vec<(PathBuf, String)> {
    let files = super::super::listing::in_folder(folder).unwrap();
    files.into_iter().map(|file| (file.name, fs::read_to_string(file.path).unwrap())).collect()
}

#[test]
fn a_folder_without_a_store_is_its_files_and_gone_with_its_last_clone() {
    let dir = made();
    assert_eq!(names(&dir), ["deep/er/a b", "top"]);
    let path = dir.path().unwrap().to_owned();
    assert_eq!(texts(&path), [("deep/er/a b".into(), "rows".into()), ("top".into(), "rows".into())]);
    assert_eq!(dir.path().unwrap(), path, "it is made once");
    let mut file = dir.open("deep/er/a b").unwrap();
    assert_eq!(std::io::read_to_string(&mut file).unwrap(), "rows");
    assert!(dir.open("deep").unwrap_err().to_string().contains("no such file"));
    assert_eq!(StoredDir::new(&path).unwrap(), dir);
    let files: Vec<PathBuf> = dir.files().map(|(_, file)| file.path().to_owned()).collect();
    let clone = dir.clone();
    drop(dir);
    assert!(path.exists());
    drop(clone);
    assert!(!path.exists() && files.iter().all(|file| !file.exists()));
}

#[test]
fn a_folder_that_cannot_be_kept_leaves_nothing() {
    let folder = Folder::new();
    let store = ValueStore::open(folder.join("store")).unwrap();
    near(&store);
    let incomplete = || fs::read_dir(folder.join("store/tmp")).unwrap().count();
    let failed = StoredDir::create(|dir| {
        fs::write(dir.join("half"), "")?;
        assert_eq!(incomplete(), 1, "it is made in the store");
        Err(std::io::Error::other("planted"))
    });
    assert_eq!((failed.unwrap_err().to_string().as_str(), incomplete()), ("planted", 0));
    assert!(StoredDir::new(folder.join("missing")).is_err());
    let dir = made();
    dir.path().unwrap();
    assert_eq!(incomplete(), 3, "two files and the folder of links");
    drop(dir);
    assert_eq!(incomplete(), 0);
    // What a killed process left.
    fs::create_dir(folder.join("store/tmp/left")).unwrap();
    fs::write(folder.join("store/tmp/left/a b"), "").unwrap();
    drop(store);
    far();
    ValueStore::open(folder.join("store")).unwrap();
    assert_eq!(incomplete(), 0);
}

#[cfg(unix)]
#[test]
fn links_in_a_folder_are_followed_and_what_they_lead_to_stays() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = Folder::new();
    let outside = folder.write("outside/file", "out");
    let dir = StoredDir::create(|dir| {
        fs::write(dir.join("own"), "in")?;
        fs::hard_link(&outside, dir.join("hard"))?;
        symlink(dir.join("own"), dir.join("link"))?;
        symlink(folder.join("outside"), dir.join("more"))?;
        symlink(dir, dir.join("self"))
    });
    let dir = dir.unwrap();
    assert_eq!(names(&dir), ["hard", "link", "more/file", "own"]);
    assert_ne!(fs::metadata(&outside).unwrap().permissions().mode() & 0o222, 0, "it can still be written");
    fs::write(&outside, "changed").unwrap();
    let texts: Vec<String> = dir.files().map(|(_, file)| file.read_to_string().unwrap()).collect();
    assert_eq!(texts, ["out", "in", "out", "in"]);
    let broken = StoredDir::create(|dir| symlink("nothing", dir.join("broken")));
    assert!(broken.unwrap_err().to_string().contains("broken"));
}

#[test]
fn a_stored_folder_is_read_again_unless_a_file_is_damaged_or_gone() {
    let folder = Folder::new();
    let local = ValueStore::open(folder.join("store")).unwrap();
    let elsewhere = ValueStore::over("elsewhere".to_owned(), Box::new(Memory::default()));
    for store in [&local, &elsewhere] {
        let record = stored(store, "a", &made());
        assert_eq!(record.files.len(), 1, "equal files are stored once");
        let again = loaded(store, &record).unwrap();
        assert_eq!(again, made());
        assert_eq!(texts(again.path().unwrap()), texts(made().path().unwrap()));
    }
    let record = stored(&local, "a", &made());
    let blob = loaded(&local, &record).unwrap().files().next().unwrap().1.path().to_owned();
    overwrite(&blob, "rowS");
    assert!(loaded(&local, &record).unwrap_err().contains("is damaged"));
    assert!(!local.holds(&record));
    assert!(loaded(&local, &record).unwrap_err().contains("is gone"));
    assert_eq!(loaded(&local, &stored(&local, "a", &made())).unwrap(), made());
}

#[test]
fn a_placed_folder_is_restored_and_other_files_in_it_stay() {
    let folder = Folder::new();
    let store = ValueStore::open(folder.join("store")).unwrap();
    let out = folder.join("out");
    folder.write("out/mine", "mine");
    let dir = made();
    dir.place(&out).unwrap();
    dir.copy_to(folder.join("copy")).unwrap();
    let record = stored(&store, "a", &dir);
    drop(dir);
    let placed = texts(&out);
    assert_eq!(placed.len(), 3);
    assert_eq!(texts(&folder.join("copy")), texts(made().path().unwrap()));
    fs::remove_dir_all(out.join("deep")).unwrap();
    fs::remove_file(out.join("top")).unwrap();
    fs::write(out.join("top"), "edited").unwrap();
    assert!(store.restore(&record));
    assert_eq!(texts(&out), placed);
    // What cannot be put back makes the step run.
    fs::remove_dir_all(out.join("deep")).unwrap();
    fs::write(out.join("deep"), "a file").unwrap();
    assert!(!store.restore(&record));
}

#[test]
fn names_that_lead_out_of_the_folder_are_refused() {
    let folder = Folder::new();
    let store = ValueStore::open(folder.join("store")).unwrap();
    let file = StoredDir::create(|dir| fs::write(dir.join("a"), "")).unwrap();
    let text = serde_json::to_string(&file).unwrap();
    stored(&store, "file", &file);
    for name in ["", ".", "..", "../a", "/etc/a", "a/../../b", "a//b", "a/", "./a"] {
        let hostile = text.replace("\"a\"", &format!("\"{name}\""));
        let record = record(name, key(name));
        let record = store.cache().commit(&record.key.to_string(), record, hostile.as_bytes()).unwrap();
        let why = loaded(&store, &record).unwrap_err();
        assert!(why.contains("is not a name for a file"), "{name}: {why}");
    }
    let both = text.trim_end_matches('}');
    let form = both.strip_prefix("{\"a\":").unwrap();
    let both = format!("{{\"a\":{form}}},\"a/b\":{form}}}}}");
    let record = store.cache().commit("both", record("both", key("both")), both.as_bytes()).unwrap();
    assert!(loaded(&store, &record).unwrap_err().contains("is a file and a folder"));
}

#[test]
fn a_record_that_could_not_be_read_is_refused() {
    let folder = Folder::new();
    let store = ValueStore::open(folder.join("store")).unwrap();
    let mut record = record("large", key("large"));
    let place = RecordedPlace { path: "x".repeat(200).into(), content: Content::of(b"rows") };
    record.placed = vec![place; 5000];
    let name = key("large").to_string();
    let refused = store.cache().commit(&name, record, b"value").unwrap_err().to_string();
    assert!(refused.contains("5000 places"), "{refused}");
    assert!(store.cache().find(&name).is_none() && store.take_warnings().is_empty());
}
