//! One JSON value per line.

use std::io;
use std::path::Path;

use super::blocks::Blocks;
use super::error::{InputError, InputErrorKind};

/// Reads all lines of the file, each made into a row by `parse`.
pub(crate) fn read<T>(
    path: &Path,
    parse: impl Fn(&str) -> Result<T, serde_json::Error>,
) -> Result<Vec<T>, InputError> {
    let mut blocks = Blocks::open(path).map_err(|error| InputError::io(path, error))?;
    let mut rows = Vec::new();
    while let Some(block) = blocks.next().map_err(|error| InputError::io(path, error))? {
        // Validated for the whole block at once; a JSON reader would do so string by string.
        let block = simdutf8::compat::from_utf8(block).map_err(|error| {
            let lines_before = memchr::memchr_iter(b'\n', &block[..error.valid_up_to()]).count();
            let error = io::Error::new(io::ErrorKind::InvalidData, "not valid UTF-8");
            InputError::at(path, (rows.len() + lines_before) as u64 + 1, InputErrorKind::Io(error))
        })?;
        let mut start = 0;
        for newline in memchr::memchr_iter(b'\n', block.as_bytes()) {
            let row = parse(&block[start..newline])
                .map_err(|error| InputError::at(path, rows.len() as u64 + 1, InputErrorKind::Json(error)))?;
            rows.push(row);
            start = newline + 1;
        }
    }
    Ok(rows)
}
