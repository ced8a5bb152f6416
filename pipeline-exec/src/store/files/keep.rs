//! Files of stored values: how a store keeps them, checks them, and puts them back where they were placed.

use std::fs;
use std::io;

use pipeline_core::notes::{self, Note};

use super::scratch::Scratch;
use super::stored::{Held, Home};
use super::{content_of_file, place};
use crate::store::blobs::path_of;
use crate::store::record::RecordedPlace;
use crate::store::storage::Flaw;
use crate::store::storage::local::Local;
use crate::store::{
    Compression, Content, Durability, HASH_IS_WRONG, Record, ValueStore, ValueStoreError, unpoisoned,
};

/// Maximum number of files of one value: a record names each.
const MOST_FILES: usize = 5000;

/// The files that an encoded value names.
#[derive(Debug, Default)]
pub(crate) struct ValueFiles(Vec<Note>);

/// Encodes a value by `encode`; also returns the files that it names.
pub(crate) fn encoded<T>(encode: impl FnOnce() -> io::Result<T>) -> io::Result<(T, ValueFiles)> {
    let (encoded, mut files) = notes::collect(encode);
    files.retain(|note| note.is::<Held>());
    if files.len() > MOST_FILES {
        let why =
            format!("it has {} files, and at most {MOST_FILES} can be stored of one value", files.len());
        return Err(io::Error::new(io::ErrorKind::Unsupported, why));
    }
    encoded.map(|encoded| (encoded, ValueFiles(files)))
}

impl ValueFiles {
    fn each(&self) -> impl Iterator<Item = &Held> {
        self.0.iter().filter_map(|note: &Note| note.downcast_ref())
    }

    /// Stores the bytes of the files, and names them in the record of the value, which is to be written afterwards.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub(crate) fn store(&self, store: &ValueStore, record: &mut Record) -> Result<(), ValueStoreError> {
        for file in self.each() {
            store.keep(file)?;
            if !record.files.contains(&file.content) {
                record.files.push(file.content);
            }
            let places = unpoisoned(file.placed.lock());
            record.placed.extend(
                places.iter().map(|path| RecordedPlace { path: path.clone(), content: file.content }),
            );
        }
        Ok(())
    }
}

impl ValueStore {
    fn keep(&self, file: &Held) -> Result<(), ValueStoreError> {
        let name = path_of(file.content, Compression::None);
        let failed = |error| self.error("write", &name, error);
        match self.stored(&name)? {
            Some(bytes) if bytes == file.bytes => {
                return match self.durability {
                    Durability::Process => Ok(()),
                    // Another process may have stored them without this.
                    Durability::Power => self.storage().sync(&name).map_err(failed),
                };
            }
            Some(_) => self.report(&wrong(&name, "its length is wrong"), &name),
            None => {}
        }
        match self.storage().local() {
            Some(local) => self.link(local, file, &name).map_err(failed),
            None => fs::read(file.path())
                .and_then(|bytes| self.storage().put_new(&name, &bytes, self.durability))
                .map(drop)
                .map_err(failed),
        }
    }

    fn link(&self, local: &Local, file: &Held, name: &str) -> io::Result<()> {
        let part = local.stage()?;
        if fs::hard_link(file.path(), &part).is_err() {
            place::place(file.path(), &part, false)?;
        }
        if self.durability == Durability::Power {
            fs::File::open(&part)?.sync_data()?;
        }
        local.publish(&part, name, self.durability).map(drop)
    }

    /// Finds a file that the store has; gets it to this machine if it is elsewhere. Moves it away if its bytes are not what they
    /// should be.
    ///
    /// # Errors
    /// The reason why there is no such file.
    pub(super) fn file(&self, content: Content) -> Result<Home, String> {
        let name = path_of(content, Compression::None);
        let found = match self.storage().local() {
            Some(local) => self.here(local, &name),
            None => self.fetched(&name),
        };
        let flaw = match found {
            Ok(Some((found, home))) if found == content => return Ok(home),
            Ok(Some(_)) => wrong(&name, HASH_IS_WRONG),
            Ok(None) => return Err(format!("its file {name} is gone")),
            Err(Flaw::Io(error)) => return Err(format!("its file {name} cannot be read: {error}")),
            Err(flaw) => flaw,
        };
        self.report(&flaw, &name);
        Err(format!("its file {name} is damaged"))
    }

    /// Returns a file of a folder, and its content; `None` if it is gone.
    fn here(&self, local: &Local, name: &str) -> Result<Option<(Content, Home)>, Flaw> {
        if self.storage().length(name)?.is_none() {
            return Ok(None);
        }
        let path = local.path(name)?;
        let content = content_of_file(&path, &self.memo())?;
        Ok(Some((content, Home::Store { store: self.clone(), path })))
    }

    /// Copies a file of a store elsewhere to this machine; `None` if it is gone.
    fn fetched(&self, name: &str) -> Result<Option<(Content, Home)>, Flaw> {
        let Some(mut file) = self.storage().open(name)? else { return Ok(None) };
        let made = Scratch::written(|out| io::copy(&mut file.bytes, out).map(drop))?;
        Ok(Some((made.content, Home::Scratch(made.scratch))))
    }

    /// Puts the files of a value back where its step placed them, if they are missing or changed there. Returns `false` if
    /// one cannot be put back: then the step has to run.
    pub(crate) fn restore(&self, record: &Record) -> bool {
        record.placed.iter().all(|place| {
            let is_there = content_of_file(&place.path, &self.memo());
            if is_there.is_ok_and(|content| content == place.content) {
                return true;
            }
            self.file(place.content).is_ok_and(|from| place::place(from.path(), &place.path, true).is_ok())
        })
    }
}

fn wrong(name: &str, why: &str) -> Flaw {
    Flaw::Foreign { name: name.to_owned(), why: why.to_owned() }
}
