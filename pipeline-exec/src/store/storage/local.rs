//! A folder of this machine.
//!
//! A new file is written under a unique name in `tmp/` and gets its own name by a hard link, or by a rename if it replaces
//! another. So a killed process leaves nothing but files in `tmp/`, which the next process that is alone removes.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::RwLock;
use std::time::{Duration, SystemTime};

use super::{Flaw, Listed, Opened, Storage, is_safe};
use crate::files::{IS_LINK, NOT_A_FILE, folder_for_the_owner, for_the_owner, gone, open};
use crate::store::{Durability, unpoisoned};
use crate::timing::{unique_id, unix_ms};

/// The file that every process which uses the folder has locked.
const LOCK: &str = "lock";
/// Files that are not complete.
pub(in crate::store) const TMP: &str = "tmp";

/// Start of the name of a file that becomes `format`.
pub(in crate::store) const FORMAT_PART: &str = "format.";

/// Why a file in place of a folder is refused.
const NOT_A_FOLDER: &str = "it is not a folder";

/// How long to wait for a process that has the folder alone. It reads and removes files, no more.
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder that this process shares with others.
#[derive(Debug)]
pub(in crate::store) struct Local {
    dir: PathBuf,
    lock: File,
    /// The folders in it that are known to be folders, and not links.
    folders: RwLock<HashSet<String>>,
    /// Those whose names are known to survive a power failure.
    synced: RwLock<HashSet<String>>,
}

impl Local {
    /// Opens a folder that exists, and waits if another process has it alone.
    pub(in crate::store) fn open(dir: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        for_the_owner(&mut options);
        let lock = open(&dir.join(LOCK), &mut options)?;
        let mut local =
            Local { dir: dir.to_owned(), lock, folders: RwLock::default(), synced: RwLock::default() };
        if local.take_alone()? {
            local.sweep()?;
            local.lock.unlock()?;
        }
        local.share()?;
        Ok(local)
    }

    /// Returns the path of a file.
    pub(in crate::store) fn path(&self, name: &str) -> io::Result<PathBuf> {
        if is_safe(name) {
            return Ok(self.dir.join(name));
        }
        Err(io::Error::new(io::ErrorKind::InvalidInput, format!("`{name}` is not a name for a file")))
    }

    /// Returns the path of a new incomplete file, which the caller writes and [publishes](Local::publish).
    pub(in crate::store) fn stage(&self) -> io::Result<PathBuf> {
        self.enter(TMP).map_err(into_io)?;
        self.path(&format!("{TMP}/{}", unique_id()))
    }

    /// Gives an incomplete file its name, unless there is a file of this name. Returns `true` if it got the name. The
    /// incomplete file is gone afterwards, also after an error.
    pub(in crate::store) fn publish(
        &self,
        part: &Path,
        name: &str,
        durability: Durability,
    ) -> io::Result<bool> {
        let linked = self.in_folder_of(name, |path| fs::hard_link(part, path));
        // If this fails, the file stays in `tmp/` until the next sweep.
        let _ = fs::remove_file(part);
        match linked {
            Ok(()) => self.sync_folders(name, durability).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Locks the folder together with others, after a wait if a process has it alone.
    fn share(&self) -> io::Result<()> {
        const PAUSE: Duration = Duration::from_millis(10);
        let mut waited = Duration::ZERO;
        loop {
            match self.lock.try_lock_shared() {
                Ok(()) => return Ok(()),
                Err(fs::TryLockError::WouldBlock) if waited < PATIENCE => std::thread::sleep(PAUSE),
                Err(fs::TryLockError::WouldBlock) => {
                    let why =
                        "another process has had it alone for 30 s: it removes unused values, or is stopped";
                    return Err(io::Error::new(io::ErrorKind::ResourceBusy, why));
                }
                Err(fs::TryLockError::Error(error)) => return Err(error),
            }
            waited += PAUSE;
        }
    }

    /// Removes incomplete files. Only a process that is alone may do so.
    fn sweep(&self) -> io::Result<()> {
        self.enter(&format!("{TMP}/")).map_err(into_io)?;
        for entry in fs::read_dir(self.dir.join(TMP))? {
            let entry = entry?;
            let is_folder = entry.file_type()?.is_dir();
            gone(if is_folder { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) })?;
        }
        // Of processes that were killed when they made the store.
        for entry in fs::read_dir(&self.dir)? {
            let name = entry?.file_name();
            if name.to_str().is_some_and(|name| name.starts_with(FORMAT_PART)) {
                gone(fs::remove_file(self.dir.join(name)))?;
            }
        }
        Ok(())
    }

    /// Writes an incomplete file, and returns its path.
    fn write(&self, bytes: &[u8], durability: Durability) -> io::Result<PathBuf> {
        let part = self.stage()?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        for_the_owner(&mut options);
        let created = options.open(&part).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => make_folder(&self.dir.join(TMP)).and_then(|()| options.open(&part)),
            _ => Err(error),
        });
        let written = created.and_then(|mut file| {
            file.write_all(bytes)?;
            sync_if(durability, || file.sync_data())
        });
        match written {
            Ok(()) => Ok(part),
            Err(error) => {
                // What is left is incomplete, and is removed here or by the next sweep.
                let _ = fs::remove_file(&part);
                Err(error)
            }
        }
    }

    /// Creates a file by `create`, in a folder that is made if there is none.
    fn in_folder_of(&self, name: &str, create: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
        let path = self.path(name)?;
        self.enter(name).map_err(into_io)?;
        match create(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                unpoisoned(self.synced.write()).clear();
                for (at, _) in name.match_indices('/') {
                    make_folder(&self.dir.join(&name[..at]))?;
                }
                create(&path)
            }
            created => created,
        }
    }

    /// Checks that the folders above a file, or the folder of this name, are no links. A missing one is no flaw.
    fn enter(&self, name: &str) -> Result<(), Flaw> {
        let mut ends: Vec<usize> = name.match_indices('/').map(|(at, _)| at).collect();
        if ends.last().is_some_and(|&last| unpoisoned(self.folders.read()).contains(&name[..last])) {
            return Ok(());
        }
        if ends.is_empty() {
            ends.push(name.len());
        }
        for folder in ends.into_iter().map(|end| &name[..end]) {
            let why = match fs::symlink_metadata(self.path(folder)?) {
                Ok(found) if found.is_dir() => {
                    unpoisoned(self.folders.write()).insert(folder.to_owned());
                    continue;
                }
                Ok(found) if found.is_symlink() => IS_LINK,
                Ok(_) => NOT_A_FOLDER,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            return Err(Flaw::Foreign { name: folder.to_owned(), why: why.to_owned() });
        }
        Ok(())
    }

    /// Makes the names of a new file, and of the folders above it, survive a power failure.
    fn sync_folders(&self, name: &str, durability: Durability) -> io::Result<()> {
        sync_if(durability, || {
            let mut folders = name.rmatch_indices('/').map(|(at, _)| &name[..at]).chain([""]);
            let folder = folders.next().unwrap_or_default();
            sync_folder(&self.dir.join(folder))?;
            if unpoisoned(self.synced.read()).contains(folder) {
                return Ok(());
            }
            folders.try_for_each(|above| sync_folder(&self.dir.join(above)))?;
            unpoisoned(self.synced.write()).insert(folder.to_owned());
            Ok(())
        })
    }
}

impl Storage for Local {
    fn open(&self, name: &str) -> Result<Option<Opened<'_>>, Flaw> {
        self.enter(name)?;
        let file = match open(&self.path(name)?, OpenOptions::new().read(true)) {
            Ok(file) => file,
            Err(error) => {
                return match error.kind() {
                    io::ErrorKind::NotFound => Ok(None),
                    // A link, a folder or a pipe.
                    io::ErrorKind::InvalidInput => {
                        Err(Flaw::Foreign { name: name.to_owned(), why: NOT_A_FILE.to_owned() })
                    }
                    _ => Err(error.into()),
                };
            }
        };
        let found = file.metadata()?;
        let used_unix_ms = found.modified().map_or(0, unix_ms);
        Ok(Some(Opened { bytes: Box::new(file), length: found.len(), used_unix_ms }))
    }

    fn length(&self, name: &str) -> Result<Option<u64>, Flaw> {
        self.enter(name)?;
        match fs::symlink_metadata(self.path(name)?) {
            Ok(found) if found.is_file() => Ok(Some(found.len())),
            Ok(_) => Err(Flaw::Foreign { name: name.to_owned(), why: NOT_A_FILE.to_owned() }),
            Err(error) => Ok(gone(Err(error)).map(|()| None)?),
        }
    }

    fn put(&self, name: &str, bytes: &[u8], durability: Durability) -> io::Result<()> {
        let part = self.write(bytes, durability)?;
        self.in_folder_of(name, |path| fs::rename(&part, path)).inspect_err(|_| {
            // What is left is incomplete, and is removed here or by the next sweep.
            let _ = fs::remove_file(&part);
        })?;
        self.sync_folders(name, durability)
    }

    fn put_new(&self, name: &str, bytes: &[u8], durability: Durability) -> io::Result<bool> {
        let part = self.write(bytes, durability)?;
        self.publish(&part, name, durability)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        self.enter(name).map_err(into_io)?;
        open(&self.path(name)?, OpenOptions::new().read(true))?.sync_data()?;
        self.sync_folders(name, Durability::Power)
    }

    fn touch(&self, name: &str) -> io::Result<()> {
        self.enter(name).map_err(into_io)?;
        open(&self.path(name)?, OpenOptions::new().read(true))?.set_modified(SystemTime::now())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<Listed>> {
        let Ok(()) = self.enter(&format!("{folder}/")) else { return Ok(Vec::new()) };
        let mut files = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(self.path(&folder)?) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                let name = match entry.file_name().into_string() {
                    Ok(name) if is_safe(&name) => format!("{folder}/{name}"),
                    // Not of the store.
                    _ => continue,
                };
                match entry.metadata() {
                    Ok(found) if found.is_dir() => folders.push(name),
                    Ok(found) => files.push(Listed {
                        name,
                        length: found.len(),
                        used_unix_ms: found.modified().map_or(0, unix_ms),
                    }),
                    Err(error) => gone(Err(error))?,
                }
            }
        }
        files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.enter(name).map_err(into_io)?;
        gone(fs::remove_file(self.path(name)?))
    }

    fn remove_folder(&self, name: &str) {
        if let Ok(path) = self.path(name) {
            // Fails if it has a file, which is then kept.
            let _ = fs::remove_dir(path);
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        // A link at the end is renamed itself. Above it, none is followed.
        self.enter(from).map_err(into_io)?;
        let from = self.path(from)?;
        self.in_folder_of(to, |to| fs::rename(&from, to))
    }

    fn take_alone(&mut self) -> io::Result<bool> {
        self.lock.unlock()?;
        match self.lock.try_lock() {
            Ok(()) => Ok(true),
            Err(fs::TryLockError::WouldBlock) => Ok(false),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    fn users(&self) -> Vec<u32> {
        users_of(&self.lock).unwrap_or_default()
    }

    fn local(&self) -> Option<&Local> {
        Some(self)
    }
}

/// Returns the processes that have a file locked, as `/proc/locks` lists them.
#[cfg(target_os = "linux")]
fn users_of(lock: &File) -> Option<Vec<u32>> {
    let inode = format!(":{}", rustix::fs::fstat(lock).ok()?.st_ino);
    let locks = fs::read_to_string("/proc/locks").ok()?;
    // `1: FLOCK  ADVISORY  READ 4711 00:2b:1234 0 EOF`
    let holder = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let kind = words.next()?;
        let process = words.nth(2)?.parse().ok()?;
        // 0 is a process that this one cannot see.
        (kind == "FLOCK" && process > 0 && words.next()?.ends_with(&inode)).then_some(process)
    };
    let mut processes: Vec<u32> = locks.lines().filter_map(holder).collect();
    processes.sort_unstable();
    processes.dedup();
    Some(processes)
}

#[cfg(not(target_os = "linux"))]
fn users_of(_: &File) -> Option<Vec<u32>> {
    None
}

/// Makes a folder. It may exist.
fn make_folder(path: &Path) -> io::Result<()> {
    match folder_for_the_owner().create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

fn sync_if(durability: Durability, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    match durability {
        Durability::Process => Ok(()),
        Durability::Power => sync(),
    }
}

/// Makes the names in a folder survive a power failure.
pub(in crate::store) fn sync_folder(dir: &Path) -> io::Result<()> {
    #[cfg(unix)]
    return File::open(dir)?.sync_all();
    // Windows has no such call for folders.
    #[cfg(not(unix))]
    return Ok(());
}

fn into_io(flaw: Flaw) -> io::Error {
    match flaw {
        Flaw::Io(error) => error,
        Flaw::Foreign { name, why } => {
            io::Error::new(io::ErrorKind::InvalidInput, format!("`{name}`: {why}"))
        }
    }
}
