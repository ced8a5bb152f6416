//! The bytes of values.

use std::io::{self, Read};

use super::storage::{Flaw, Opened};
use super::value_store::BLOBS;
use super::{Compression, Content, Durability, HASH_IS_WRONG, Record, ValueStore, ValueStoreError};

/// Bytes that are fewer are not compressed.
const LEAST_TO_COMPRESS: usize = 4096;
/// The fastest of the usual levels.
const LEVEL: i32 = 1;

impl ValueStore {
    /// Reads the bytes of a value. Returns `None` if they are gone, or if they are not what the record says, with a
    /// warning.
    pub(crate) fn load(&self, record: &Record) -> Option<Vec<u8>> {
        let content = record.content?;
        let path = path_of(content, record.compression);
        self.read_blob(record, content, &path).unwrap_or_else(|flaw| {
            self.report(&flaw, &path);
            None
        })
    }

    /// Reports whether the bytes of a value are there, with the length that the record says, and its files. Does not read them.
    pub(crate) fn holds(&self, record: &Record) -> bool {
        let Some(content) = record.content else { return false };
        let length = |content, compression| self.storage().length(&path_of(content, compression));
        matches!(length(content, record.compression), Ok(Some(length)) if length == record.stored_bytes)
            && record.files.iter().all(|file| matches!(length(*file, Compression::None), Ok(Some(_))))
    }

    /// Stores the bytes of a value, unless they are there, and sets what the record says of them.
    pub(super) fn put_blob(&self, record: &mut Record, bytes: &[u8]) -> Result<(), ValueStoreError> {
        let content = *record.content.get_or_insert_with(|| Content::of(bytes));
        debug_assert_eq!(content, Content::of(bytes), "the content is of other bytes");
        record.bytes = bytes.len() as u64;
        let plain = path_of(content, Compression::None);
        let zstd = path_of(content, Compression::Zstd);
        let may_compress = bytes.len() >= LEAST_TO_COMPRESS;
        let existing = match self.stored(&plain)? {
            Some(length) if length == record.bytes => Some((Compression::None, length)),
            Some(_) => {
                self.report(
                    &Flaw::Foreign { name: plain.clone(), why: "its length is wrong".into() },
                    &plain,
                );
                None
            }
            None if may_compress => self.stored(&zstd)?.map(|length| (Compression::Zstd, length)),
            None => None,
        };
        if let Some((compression, length)) = existing {
            (record.compression, record.stored_bytes) = (compression, length);
            return match self.durability {
                Durability::Process => Ok(()),
                // Another process may have stored them without this.
                Durability::Power => {
                    let path = path_of(content, compression);
                    self.storage().sync(&path).map_err(|error| self.error("write", &path, error))
                }
            };
        }
        let compressed = may_compress.then(|| compress(bytes)).flatten();
        let (path, stored) = match &compressed {
            Some(compressed) => (zstd, compressed.as_slice()),
            None => (plain, bytes),
        };
        record.compression = if compressed.is_some() { Compression::Zstd } else { Compression::None };
        record.stored_bytes = stored.len() as u64;
        let put = self.storage().put_new(&path, stored, self.durability);
        if !put.map_err(|error| self.error("write", &path, error))? {
            // Another process was first, maybe with another version of zstd.
            record.stored_bytes = self.stored(&path)?.unwrap_or(record.stored_bytes);
        }
        Ok(())
    }

    /// Reads a file of at most `most` bytes, with the time of its last use in milliseconds since 1970.
    pub(super) fn read(&self, path: &str, most: u64) -> Result<Option<(Vec<u8>, u64)>, Flaw> {
        let Some(Opened { bytes: mut from, length, used_unix_ms }) = self.storage().open(path)? else {
            return Ok(None);
        };
        let damaged = |why: String| Flaw::Foreign { name: path.to_owned(), why };
        if length > most {
            return Err(damaged(format!("it has {length} bytes, and at most {most} are expected")));
        }
        let mut bytes =
            with_capacity(length).ok_or_else(|| damaged(format!("{length} bytes do not fit in memory")))?;
        from.by_ref().take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == length {
            Ok(Some((bytes, used_unix_ms)))
        } else {
            Err(damaged("it is shorter than its length".to_owned()))
        }
    }

    fn read_blob(&self, record: &Record, content: Content, path: &str) -> Result<Option<Vec<u8>>, Flaw> {
        let damaged = |why: &str| Flaw::Foreign { name: path.to_owned(), why: why.to_owned() };
        let Some((stored, _)) = self.read(path, record.stored_bytes)? else { return Ok(None) };
        if stored.len() as u64 != record.stored_bytes {
            return Err(damaged("it is shorter than its record says"));
        }
        let bytes = match record.compression {
            Compression::None => stored,
            Compression::Zstd => {
                let mut bytes =
                    with_capacity(record.bytes).ok_or_else(|| damaged("it does not fit in memory"))?;
                let length = zstd::bulk::Decompressor::new()
                    .and_then(|mut zstd| zstd.decompress_to_buffer(&stored, &mut bytes))
                    .map_err(|_| damaged("it cannot be decompressed"))?;
                debug_assert_eq!(length, bytes.len(), "invariant: a buffer has what was written");
                bytes
            }
        };
        if bytes.len() as u64 == record.bytes && Content::of(&bytes) == content {
            Ok(Some(bytes))
        } else {
            Err(damaged(HASH_IS_WRONG))
        }
    }

    /// Reads the file of a value's bytes piece by piece, and checks that it has the content that its name says. Returns
    /// `false` if it is gone.
    pub(super) fn check_blob(&self, path: &str) -> Result<bool, Flaw> {
        let damaged = |why: &str| Flaw::Foreign { name: path.to_owned(), why: why.to_owned() };
        let (content, compression) =
            named_by(path).ok_or_else(|| damaged("it is not a file of the store"))?;
        let Some(mut file) = self.storage().open(path)? else { return Ok(false) };
        let mut hash = blake3::Hasher::new();
        match compression {
            Compression::None => _ = io::copy(&mut file.bytes, &mut hash)?,
            Compression::Zstd => {
                let bytes = zstd::stream::read::Decoder::new(file.bytes);
                let read = bytes.and_then(|mut bytes| io::copy(&mut bytes, &mut hash));
                read.map_err(|_| damaged("it cannot be decompressed"))?;
            }
        }
        if Content::from(hash.finalize()) == content { Ok(true) } else { Err(damaged(HASH_IS_WRONG)) }
    }

    /// Returns the length of a file. What is there and is no file is moved away.
    pub(super) fn stored(&self, path: &str) -> Result<Option<u64>, ValueStoreError> {
        match self.storage().length(path) {
            Ok(length) => Ok(length),
            Err(Flaw::Io(error)) => Err(self.error("read", path, error)),
            Err(flaw) => {
                self.report(&flaw, path);
                Ok(None)
            }
        }
    }
}

/// Returns the path of a value's bytes in the store.
pub(super) fn path_of(content: Content, compression: Compression) -> String {
    let content = content.to_string();
    let suffix = match compression {
        Compression::None => "",
        Compression::Zstd => ".zst",
    };
    format!("{BLOBS}/{}/{content}{suffix}", &content[..2])
}

/// Returns the content and the compression that a path says; `None` if it is not the path of a value's bytes.
pub(super) fn named_by(path: &str) -> Option<(Content, Compression)> {
    let (_, file) = path.rsplit_once('/')?;
    let (content, compression) = match file.strip_suffix(".zst") {
        Some(content) => (content, Compression::Zstd),
        None => (file, Compression::None),
    };
    let content = Content::parse(content)?;
    (path_of(content, compression) == path).then_some((content, compression))
}

/// Compresses bytes; `None` if that saves less than a tenth.
fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
    let compressed = zstd::bulk::compress(bytes, LEVEL).ok()?;
    (compressed.len() < bytes.len() - bytes.len() / 10).then_some(compressed)
}

/// Returns an empty buffer of a length that a file claims; `None` if there is no memory for it.
fn with_capacity(length: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(length).ok()?).ok()?;
    Some(bytes)
}
