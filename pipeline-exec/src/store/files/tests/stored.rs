//! Files as outputs: how they are made, stored, read again, placed and restored.

use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Folder;
use crate::store::blobs::path_of;
use crate::store::files::keep::{ValueFiles, encoded};
use crate::store::files::{StoredFile, far, near, reading_from};
use crate::store::storage::Storage;
use crate::store::storage::memory::Memory;
use crate::store::tests::{key, record};
use crate::store::{Compression, Durability, Record, ValueStore};

fn made(text: &str) -> StoredFile {
    StoredFile::create(|out| out.write_all(text.as_bytes())).unwrap()
}

/// Encodes and stores a file or a folder as the output of a step.
pub(super) fn stored(store: &ValueStore, step: &str, value: &impl Serialize) -> Record {
    let (bytes, files): (Vec<u8>, ValueFiles) = encoded(|| as_stored(value)).unwrap();
    let mut record = record(step, key(step));
    files.store(store, &mut record).unwrap();
    store.cache().commit(&record.key.to_string(), record, &bytes).unwrap()
}

fn as_stored(value: &impl Serialize) -> io::Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(io::Error::other)
}

fn loaded(store: &ValueStore, record: &Record) -> Result<StoredFile, String> {
    read(store, record)
}

pub(super) fn read<T: DeserializeOwned>(store: &ValueStore, record: &Record) -> Result<T, String> {
    let bytes = store.load(record).ok_or("no bytes")?;
    reading_from(store, || serde_json::from_slice(&bytes)).map_err(|error| error.to_string())
}

#[test]
fn a_file_without_a_store_is_gone_with_its_last_clone() {
    let file = made("rows");
    let (path, clone) = (file.path().to_owned(), file.clone());
    drop(file);
    assert_eq!((clone.read_to_string().unwrap().as_str(), clone.len()), ("rows", 4));
    assert!(!clone.is_empty() && clone == made("rows") && clone != made("row"));
    drop(clone);
    assert!(!path.exists());
}

#[test]
fn a_file_that_cannot_be_written_leaves_nothing() {
    let folder = Folder::new();
    let store = ValueStore::open(folder.join("store")).unwrap();
    near(&store);
    let incomplete = || fs::read_dir(folder.join("store/tmp")).unwrap().count();
    let failed = StoredFile::create(|out| {
        out.write_all(b"half")?;
        assert_eq!(incomplete(), 1, "it is made in the store");
        Err(io::Error::other("planted"))
    });
    assert_eq!(failed.unwrap_err().to_string(), "planted");
    assert!(StoredFile::new(folder.join("missing")).unwrap_err().to_string().contains("missing"));
    assert!(StoredFile::new(&*folder).unwrap_err().to_string().contains("it is a folder"));
    let source = folder.write("source", "rows");
    let copy = StoredFile::new(&source).unwrap();
    fs::write(&source, "others").unwrap();
    assert_eq!((copy.read().unwrap().as_slice(), incomplete()), (&b"rows"[..], 1));
    // Its folder is not swept before it is gone.
    drop(store);
    ValueStore::open(folder.join("store")).unwrap();
    assert_eq!(copy.read().unwrap(), b"rows");
    drop(copy);
    assert_eq!(incomplete(), 0);
    far();
    let file = made("rows");
    assert!(!file.path().starts_with(&*folder));
}

#[test]
fn a_stored_file_is_read_again_from_the_store() {
    let folder = Folder::new();
    let store = ValueStore::open(folder.join("store")).unwrap();
    let file = made("rows");
    let record = stored(&store, "a", &file);
    assert!(store.holds(&record) && record.files.len() == 1);
    let scratch = file.path().to_owned();
    drop(file);
    assert!(!scratch.exists());
    let again = loaded(&store, &record).unwrap();
    assert_eq!(again.read_to_string().unwrap(), "rows");
    assert!(again.path().starts_with(&*folder));
    // Another value with the same file takes no space for it.
    let other = stored(&store, "b", &made("rows"));
    assert_eq!(other.files, record.files);
    let without =
        serde_json::from_slice::<StoredFile>(&store.load(&record).unwrap()).unwrap_err().to_string();
    assert!(without.contains("from its store"), "{without}");
}

#[test]
fn a_stored_file_that_is_damaged_or_gone_is_not_read() {
    let folder = Folder::new();
    let store = ValueStore::open(folder.join("store")).unwrap();
    let record = stored(&store, "a", &made("rows"));
    let path = loaded(&store, &record).unwrap().path().to_owned();
    overwrite(&path, "rowS");
    assert!(loaded(&store, &record).unwrap_err().contains("is damaged"));
    let warnings = store.take_warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("moved to damaged/"), "{warnings:?}");
    assert!(!store.holds(&record) && !path.exists());
    assert!(loaded(&store, &record).unwrap_err().contains("is gone"));
    assert_eq!(loaded(&store, &stored(&store, "a", &made("rows"))).unwrap().read().unwrap(), b"rows");
}

/// Such a store has no path that could be opened.
#[test]
fn a_file_of_a_store_elsewhere_is_fetched_checked_and_removed_with_its_value() {
    let folder = Folder::new();
    let placed = folder.join("report.csv");
    let files = Memory::default();
    let store = ValueStore::over("elsewhere".to_owned(), Box::new(files.clone()));
    let file = made("rows");
    file.place(&placed).unwrap();
    let record = stored(&store, "a", &file);
    drop(file);
    let again = loaded(&store, &record).unwrap();
    let path = again.path().to_owned();
    assert_eq!((again.read_to_string().unwrap().as_str(), again.len()), ("rows", 4));
    drop(again);
    assert!(!path.exists());
    fs::remove_file(&placed).unwrap();
    assert!(store.restore(&record));
    assert_eq!(fs::read(&placed).unwrap(), b"rows");

    let blob = path_of(record.files[0], Compression::None);
    files.put(&blob, b"rowS", Durability::Process).unwrap();
    assert!(loaded(&store, &record).unwrap_err().contains("is damaged"));
    assert_eq!(store.take_warnings().len(), 1);
    assert!(loaded(&store, &record).unwrap_err().contains("is gone"));
    // One of another length is replaced, not kept.
    files.put(&blob, b"row", Durability::Process).unwrap();
    assert_eq!(loaded(&store, &stored(&store, "a", &made("rows"))).unwrap().read().unwrap(), b"rows");
}

/// Changes a read-only file, as root or its owner can.
pub(super) fn overwrite(path: &Path, text: &str) {
    let mut permissions = fs::metadata(path).unwrap().permissions();
    #[allow(clippy::permissions_set_readonly_false, reason = "the file is in a folder of the test")]
    permissions.set_readonly(false);
    fs::set_permissions(path, permissions).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn a_copy_is_independent_and_a_placed_file_replaces_what_is_there() {
    let folder = Folder::new();
    let file = made("rows");
    let (copy, placed) = (folder.join("deep/copy"), folder.join("out/placed"));
    file.copy_to(&copy).unwrap();
    overwrite(&copy, "others");
    assert_eq!(file.read().unwrap(), b"rows");
    file.copy_to(&copy).unwrap();
    assert_eq!(fs::read(&copy).unwrap(), b"rows");
    for _ in 0..2 {
        file.place(&placed).unwrap();
        assert_eq!(fs::read(&placed).unwrap(), b"rows");
        let left: Vec<_> = fs::read_dir(folder.join("out")).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
    assert!(file.place(&*folder).unwrap_err().to_string().contains(&folder.display().to_string()));
    fs::write(folder.join("file"), "").unwrap();
    assert!(file.copy_to(folder.join("file/below")).is_err());
}

#[test]
fn a_placed_file_is_restored_when_it_was_deleted_or_changed() {
    let folder = Folder::new();
    let store = ValueStore::open(folder.join("store")).unwrap();
    let placed = folder.join("out/report.csv");
    let file = made("rows");
    file.place(&placed).unwrap();
    let record = stored(&store, "a", &file);
    drop(file);
    assert!(store.restore(&record));
    fs::remove_dir_all(folder.join("out")).unwrap();
    assert!(store.restore(&record));
    assert_eq!(fs::read(&placed).unwrap(), b"rows");
    // An editor replaces the file; what writes into it may reach the store through a link.
    fs::remove_file(&placed).unwrap();
    fs::write(&placed, "mine").unwrap();
    assert!(store.restore(&record));
    assert_eq!(fs::read(&placed).unwrap(), b"rows");
    overwrite(&placed, "rowS");
    if store.restore(&record) {
        assert_eq!(fs::read(&placed).unwrap(), b"rows");
    } else {
        assert!(!store.holds(&record), "the step has to run again");
    }
}

#[test]
fn a_value_of_too_many_files_is_refused() {
    let file = made("");
    let why = encoded(|| serde_json::to_vec(&vec![&file; 5001]).map_err(io::Error::other)).unwrap_err();
    assert_eq!(why.kind(), io::ErrorKind::Unsupported);
}
