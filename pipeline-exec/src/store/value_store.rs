//! A store: its location, how it is opened, and the warnings about it.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::blobs::path_of;
use super::error::shown;
use super::storage::local::{self, FORMAT_PART, Local, TMP};
#[cfg(feature = "store-s3")]
use super::storage::s3::S3;
use super::storage::{Flaw, Storage};
use super::{Record, Records, ValueStoreError, unpoisoned};
use crate::files::{folder_for_the_owner, for_the_owner, gone, open};
use crate::settings::Durability;
use crate::timing::unique_id;

/// The file that names the layout.
const FORMAT: &str = "format";
const FORMAT_TEXT: &[u8] = b"pipeline store 1\n";
/// The folder of files that were not what they should be.
pub(super) const DAMAGED: &str = "damaged";
pub(super) const CACHE: &str = "cache";
pub(super) const RUNS: &str = "runs";
pub(super) const BLOBS: &str = "blobs";
/// The folder of what has ended in runs, without the values.
pub(super) const DONE: &str = "done";
/// The folder of the hashes of files that were read.
pub(super) const MEMO: &str = "memo";

/// Number of warnings that are kept.
const MOST_WARNINGS: usize = 20;

/// Values of steps that survive the run: a folder that any number of processes share. Cheap to clone.
///
/// ```
/// # use pipeline_exec::store::{GcRules, ValueStore};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = std::env::temp_dir().join(format!("value-store-doc-{}", std::process::id()));
/// let store = ValueStore::open(&dir)?;
/// for value in store.values()? {
///     println!("{}: {} bytes", value.record.step, value.record.bytes);
/// }
/// let month = std::time::Duration::from_secs(30 * 24 * 3600);
/// let removed = store.gc(GcRules { older_than: Some(month), max_bytes: None })?;
/// assert_eq!(removed.values, 0);
/// # std::fs::remove_dir_all(&dir)?;
/// # Ok(()) }
/// ```
///
/// Only the owner may read the files. A folder that belongs to another user, or that everyone may write, is refused.
#[derive(Clone, Debug)]
pub struct ValueStore {
    pub(super) shared: Arc<Shared>,
    pub(super) durability: Durability,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) location: String,
    pub(super) storage: Box<dyn Storage>,
    warnings: Mutex<Warnings>,
}

#[derive(Debug, Default)]
struct Warnings {
    texts: Vec<String>,
    /// Number of those that were not kept.
    more: usize,
}

impl ValueStore {
    /// Opens the store in a folder. Creates it if it does not exist.
    ///
    /// What killed processes left incomplete is removed, if no other process uses the store.
    ///
    /// With the feature `store-s3`, the location may also be `s3://BUCKET/PREFIX`: a bucket that exists, with the
    /// credentials, the region and the endpoint of the usual variables (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
    /// `AWS_REGION`, `AWS_ENDPOINT_URL`). Several machines may share it.
    ///
    /// # Errors
    /// If the folder cannot be created or written, is not the user's own, or holds something else. If the bucket cannot be
    /// reached.
    pub fn open(location: impl AsRef<Path>) -> Result<Self, ValueStoreError> {
        let given = location.as_ref();
        if let Some(scheme) = given.to_str().and_then(|url| Some(url.split_once("://")?.0)) {
            return open_remote(&shown(given), scheme);
        }
        let dir = std::path::absolute(given)
            .map_err(|error| ValueStoreError::io("find", &shown(given), &shown(given), error))?;
        let location = shown(&dir);
        make(&dir).map_err(|error| ValueStoreError::io("make the folder", &location, &location, error))?;
        check_owner(&dir, &location)?;
        check_format(&dir, &location)?;
        for folder in [TMP, BLOBS, CACHE, RUNS, DAMAGED] {
            check_folder(&dir.join(folder), folder, &location)?;
        }
        let storage = Local::open(&dir)
            .map_err(|error| ValueStoreError::io("lock the file", "lock", &location, error))?;
        Ok(ValueStore::over(location, Box::new(storage)))
    }

    pub(super) fn over(location: String, storage: Box<dyn Storage>) -> Self {
        let shared = Shared { location, storage, warnings: Mutex::default() };
        ValueStore { shared: Arc::new(shared), durability: Durability::default() }
    }

    /// Sets what the values stored from now on survive. By default, [`Durability::Process`].
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Returns where the store is.
    pub fn location(&self) -> &str {
        &self.shared.location
    }

    /// Returns the records of cached values, named by their keys.
    pub(crate) fn cache(&self) -> Records {
        Records::new(self.clone(), CACHE.to_owned())
    }

    /// Returns the records of a run's checkpoints, named by their steps.
    pub(crate) fn checkpoints(&self, run: &str) -> Records {
        Records::new(self.clone(), format!("{RUNS}/{run}"))
    }

    /// Moves the bytes of a value away that cannot be decoded although their hash is right, so that it is made again.
    pub(crate) fn set_aside_value(&self, record: &Record) {
        if let Some(content) = record.content {
            // A failure to do so is found again by the next reader.
            let _ = self.set_aside(&path_of(content, record.compression));
        }
    }

    /// Returns the warnings since the last call: files that were damaged or could not be read, and count as missing.
    pub(crate) fn take_warnings(&self) -> Vec<String> {
        let Warnings { mut texts, more } = std::mem::take(&mut *unpoisoned(self.shared.warnings.lock()));
        if more > 0 {
            texts.push(format!("the store {}: {more} more warnings like these", self.location()));
        }
        texts
    }

    pub(super) fn storage(&self) -> &dyn Storage {
        &*self.shared.storage
    }

    pub(super) fn error(&self, tried: &'static str, name: &str, source: io::Error) -> ValueStoreError {
        ValueStoreError::io(tried, name, self.location(), source)
    }

    /// Warns that a file counts as missing.
    pub(super) fn report(&self, flaw: &Flaw, file: &str) {
        let text = self.deal_with(flaw, file);
        self.warn(format!("the store {}: {text}; its value is made again", self.location()));
    }

    /// Moves a file to `damaged/` if it is not what it should be, so that the next reader finds none. Returns what was wrong
    /// with it.
    pub(super) fn deal_with(&self, flaw: &Flaw, file: &str) -> String {
        match flaw {
            Flaw::Io(error) => format!("{file} cannot be read ({error})"),
            Flaw::Foreign { name, why } => match self.set_aside(name) {
                Ok(to) => format!("{file} is damaged ({why}) and was moved to {to}"),
                Err(error) => format!("{file} is damaged ({why}) and cannot be moved away: {error}"),
            },
        }
    }

    fn set_aside(&self, name: &str) -> io::Result<String> {
        let to = format!("{DAMAGED}/{}.{}", name.replace('/', "."), unique_id());
        gone(self.storage().rename(name, &to)).map(|()| to)
    }

    /// Adds a warning.
    pub(crate) fn warn(&self, text: String) {
        let mut warnings = unpoisoned(self.shared.warnings.lock());
        if warnings.texts.len() < MOST_WARNINGS {
            warnings.texts.push(text);
        } else {
            warnings.more += 1;
        }
    }
}

/// Opens a store that is not on this machine.
fn open_remote(location: &str, scheme: &str) -> Result<ValueStore, ValueStoreError> {
    #[cfg(feature = "store-s3")]
    if scheme == "s3" {
        let refused = |error: io::Error| {
            ValueStoreError::refused(
                location,
                error.to_string(),
                "set the variables that name the server: AWS_…",
            )
        };
        let storage = S3::open(location).map_err(refused)?;
        let io = |tried| move |error| ValueStoreError::io(tried, FORMAT, location, error);
        match storage.open(FORMAT) {
            Ok(Some(file)) => check_format_of(file.bytes, location)?,
            Err(Flaw::Io(error)) => return Err(io("read")(error)),
            Ok(None) | Err(Flaw::Foreign { .. }) => {
                storage.put_new(FORMAT, FORMAT_TEXT, Durability::Power).map_err(io("write"))?;
            }
        }
        return Ok(ValueStore::over(location.to_owned(), Box::new(storage)));
    }
    let why = format!("stores at `{scheme}://` are not supported by this program");
    let hint = "use a folder, or s3://BUCKET/PREFIX in a program that is built with the feature `store-s3`";
    Err(ValueStoreError::refused(location, why, hint))
}

/// Makes the folder and those above it. Their names survive a power failure, so that what is stored in it can.
fn make(dir: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = dir.ancestors().take_while(|above| !above.exists()).collect();
    folder_for_the_owner().recursive(true).create(dir)?;
    missing.into_iter().filter_map(Path::parent).try_for_each(local::sync_folder)
}

/// Refuses a folder in which another user could plant files.
fn check_owner(dir: &Path, location: &str) -> Result<(), ValueStoreError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let found =
            fs::metadata(dir).map_err(|error| ValueStoreError::io("read", location, location, error))?;
        let refused = |why: &str, hint| Err(ValueStoreError::refused(location, why, hint));
        if found.uid() != rustix::process::geteuid().as_raw() {
            return refused("the folder belongs to another user", "choose a folder of your own");
        }
        if found.mode() & 0o002 != 0 {
            return refused("every user may write to the folder", "take the permission away: chmod o-w");
        }
    }
    Ok(())
}

/// Checks that the folder is a store of this layout, and makes an empty one such a store.
fn check_format(dir: &Path, location: &str) -> Result<(), ValueStoreError> {
    let io = |tried| move |error| ValueStoreError::io(tried, FORMAT, location, error);
    let path = dir.join(FORMAT);
    if fs::symlink_metadata(&path).is_err() {
        let mut entries = fs::read_dir(dir).map_err(io("read"))?.filter_map(Result::ok);
        // Another process may be doing the same.
        let is_of_a_store =
            |name: &std::ffi::OsStr| name.to_str().is_some_and(|name| name.starts_with(FORMAT));
        if entries.any(|entry| !is_of_a_store(&entry.file_name())) && !path.exists() {
            return Err(ValueStoreError::refused(
                location,
                "the folder holds other files, and no file `format`",
                "choose a folder that is empty or does not exist",
            ));
        }
        let part = dir.join(format!("{FORMAT_PART}{}", unique_id()));
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        for_the_owner(&mut options);
        let made = options.open(&part).and_then(|mut file| {
            io::Write::write_all(&mut file, FORMAT_TEXT)?;
            file.sync_data()?;
            fs::hard_link(&part, &path)
        });
        // If this fails, an unused file stays until the next sweep.
        let _ = fs::remove_file(&part);
        match made {
            Ok(()) => {}
            // Another process was first. It may have removed this one's file too, if it is alone already.
            Err(_) if path.exists() => {}
            Err(error) => return Err(io("write")(error)),
        }
        local::sync_folder(dir).map_err(io("write"))?;
    }
    let file = open(&path, fs::OpenOptions::new().read(true)).map_err(io("read"))?;
    check_format_of(file, location)
}

fn check_format_of(file: impl io::Read, location: &str) -> Result<(), ValueStoreError> {
    let mut found = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, 100), &mut found)
        .map_err(|error| ValueStoreError::io("read", FORMAT, location, error))?;
    if found == FORMAT_TEXT {
        return Ok(());
    }
    let (wanted, found) = (FORMAT_TEXT.trim_ascii(), found.trim_ascii());
    let why = format!(
        "its file `format` says `{}`, and this program reads `{}`",
        String::from_utf8_lossy(found),
        String::from_utf8_lossy(wanted)
    );
    let hint = "choose another folder, or remove this one: its values are then made again";
    Err(ValueStoreError::refused(location, why, hint))
}

/// Makes a folder of the layout, and checks that it can be written. A link is refused.
fn check_folder(path: &Path, name: &str, location: &str) -> Result<(), ValueStoreError> {
    match folder_for_the_owner().create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made.map_err(|error| ValueStoreError::io("make the folder", name, location, error)),
    }
    if !crate::files::is_folder(path) {
        let why = format!("`{name}` in it is not a folder, or is a symbolic link, which is not followed");
        return Err(ValueStoreError::refused(location, why, "remove it, or choose another folder"));
    }
    #[cfg(unix)]
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK)
        .map_err(|error| ValueStoreError::io("write to", name, location, error.into()))?;
    Ok(())
}
