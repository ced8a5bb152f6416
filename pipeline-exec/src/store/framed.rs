//! JSON with its hash: a line with the BLAKE3 hash of the rest, then the rest.

use serde::Serialize;

use super::Content;

/// Length in bytes of the first line, with its line feed.
const HASH_LINE: usize = 65;

/// Returns the bytes of a file with a value. Its maps must have strings as keys.
pub(super) fn framed(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = vec![b'\n'; HASH_LINE];
    serde_json::to_writer(&mut bytes, value).expect("invariant: every key is a string");
    bytes.push(b'\n');
    let hash = Content::of(&bytes[HASH_LINE..]).to_string();
    bytes[..HASH_LINE - 1].copy_from_slice(hash.as_bytes());
    bytes
}

/// Returns the JSON of a file; `None` if its hash is wrong.
pub(super) fn unframed(bytes: &[u8]) -> Option<&[u8]> {
    let (line, json) = bytes.split_at_checked(HASH_LINE)?;
    let hash = Content::parse(str::from_utf8(line).ok()?.strip_suffix('\n')?)?;
    (hash == Content::of(json)).then_some(json)
}
