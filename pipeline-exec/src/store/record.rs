//! The record of a stored value: what made it, and what its bytes are.

use std::path::PathBuf;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::framed::unframed;
use super::{Content, HASH_IS_WRONG, Key};
use crate::timing::unix_ms;

/// The format that this version writes, and the only one it reads.
pub(super) const FORMAT: u32 = 1;

/// Maximum length of a record in bytes.
pub(super) const MOST_BYTES: u64 = 1 << 20;

/// What made a stored value, and what its bytes are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The version of this format.
    pub format: u32,
    /// What the value was made of.
    pub key: Key,
    /// The [identity](pipeline_core::StepSpec::identity) of the step.
    pub step: String,
    /// The id of the run that made the value.
    pub run: String,
    /// When it was made, in milliseconds since 1970.
    pub made_unix_ms: u64,
    /// How long the step took, in milliseconds.
    pub took_ms: u64,
    /// The name of the program.
    pub program: String,
    /// The code of the step.
    pub code: RecordedCode,
    /// The type of the value.
    pub output: RecordedType,
    /// The name of the form in which the value was encoded.
    pub codec: String,
    /// The hash of the encoded bytes. A mark, which only says that the step succeeded, has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// Length of the encoded bytes.
    #[serde(default)]
    pub bytes: u64,
    /// Length of the stored bytes, after compression.
    #[serde(default)]
    pub stored_bytes: u64,
    /// How the stored bytes are compressed.
    #[serde(default)]
    pub compression: Compression,
    /// The contents of files that the value refers to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Content>,
    /// Where the step placed files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub placed: Vec<RecordedPlace>,
    /// The inputs of the step, in order.
    #[serde(default)]
    pub inputs: Vec<RecordedInput>,
    /// The run parameters that the step reads.
    #[serde(default)]
    pub params: Vec<RecordedParam>,
    /// The hash of the step's own key (`key = expr`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_key: Option<Content>,
    /// The partition of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    /// The item of a map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
}

/// What the code of a step is known by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedCode {
    /// The kind of identity.
    pub by: CodeBy,
    /// The hash of the program or of the traced source, or the declared version.
    pub hash: String,
}

/// A path at which a step placed a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedPlace {
    /// The path, as the step gave it.
    pub path: PathBuf,
    /// The content of the file.
    pub content: Content,
}

/// A kind of code identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CodeBy {
    /// The bytes of the program.
    Program,
    /// The source that the step can reach.
    Trace,
    /// The step's own version (`version = "…"`).
    Version,
}

/// The type of a stored value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedType {
    /// Its name.
    #[serde(rename = "type")]
    pub name: String,
    /// A digest of its fields.
    pub shape: String,
}

/// An input of the step that made a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedInput {
    /// The name of the parameter.
    pub name: String,
    /// The steps whose outputs it reads, in order.
    pub steps: Vec<RecordedSource>,
}

/// A step whose output was an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedSource {
    /// The identity of the step.
    pub step: String,
    /// The content of its output, if it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// The key of its output, if the content was not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
}

/// A run parameter that a step read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedParam {
    /// Its name.
    pub name: String,
    /// The hash of its value.
    pub digest: Content,
}

/// How stored bytes are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// By zstd.
    Zstd,
}

/// What the bytes of a record's file are.
#[derive(Debug)]
pub(super) enum Reading {
    Record(Box<Record>),
    /// Whole, but of another version of the framework; with the contents it refers to, if these can be read.
    OtherFormat(Option<Vec<Content>>),
    /// Damaged, for this reason.
    Damaged(String),
}

impl Record {
    /// Makes a record without a value.
    pub(super) fn new(key: Key, step: String, run: String) -> Self {
        Record {
            format: FORMAT,
            key,
            step,
            run,
            made_unix_ms: unix_ms(SystemTime::now()),
            took_ms: 0,
            program: String::new(),
            code: RecordedCode { by: CodeBy::Program, hash: String::new() },
            output: RecordedType { name: String::new(), shape: String::new() },
            codec: String::new(),
            content: None,
            bytes: 0,
            stored_bytes: 0,
            compression: Compression::None,
            files: Vec::new(),
            placed: Vec::new(),
            inputs: Vec::new(),
            params: Vec::new(),
            own_key: None,
            partition: None,
            item: None,
        }
    }

    /// Reads the bytes of a record's file.
    pub(super) fn read(bytes: &[u8]) -> Reading {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Some(text) = unframed(bytes) else { return Reading::Damaged(HASH_IS_WRONG.to_owned()) };
        match serde_json::from_slice::<Record>(text) {
            Ok(record) if record.format == FORMAT => Reading::Record(Box::new(record)),
            read => match serde_json::from_slice(text) {
                Ok(Format { format }) if format != FORMAT => Reading::OtherFormat(refers_to(text)),
                _ => Reading::Damaged(read.err().map_or_else(String::new, |error| error.to_string())),
            },
        }
    }
}

/// Returns the contents that a record of another version refers to, if it names them as this version does.
fn refers_to(text: &[u8]) -> Option<Vec<Content>> {
    #[derive(Deserialize)]
    struct Contents {
        content: Option<Content>,
        #[serde(default)]
        files: Vec<Content>,
    }
    let Contents { content, files } = serde_json::from_slice(text).ok()?;
    Some(content.into_iter().chain(files).collect())
}
