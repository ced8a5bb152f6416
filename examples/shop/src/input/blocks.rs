//! Streams a file as blocks of whole lines, so that a file is never in memory as a whole.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Small enough to stay in a core's own cache between the read and the parsing.
const BLOCK: usize = 256 * 1024;

pub(crate) struct Blocks {
    file: File,
    buffer: Vec<u8>,
    /// `buffer[..handed_out]` was the last block; up to `filled` the start of the next one follows.
    handed_out: usize,
    filled: usize,
    file_len: u64,
}

impl Blocks {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let file_len = file.metadata()?.len();
        Ok(Self { file, buffer: vec![0; BLOCK], handed_out: 0, filled: 0, file_len })
    }

    pub(crate) fn file_len(&self) -> u64 {
        self.file_len
    }

    /// The next block: one or more whole lines, each with its `\n` (added to the file's last line if it has none).
    pub(crate) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        self.buffer.copy_within(self.handed_out..self.filled, 0);
        self.filled -= self.handed_out;
        self.handed_out = 0;
        loop {
            if self.filled == self.buffer.len() {
                self.buffer.resize(2 * self.filled, 0); // a line longer than the buffer
            }
            let read = match self.file.read(&mut self.buffer[self.filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if read == 0 {
                if self.filled == 0 {
                    return Ok(None);
                }
                self.buffer[self.filled] = b'\n';
                self.filled += 1;
                self.handed_out = self.filled;
                return Ok(Some(&self.buffer[..self.filled]));
            }
            let fresh = self.filled..self.filled + read;
            self.filled = fresh.end;
            if let Some(newline) = memchr::memrchr(b'\n', &self.buffer[fresh.clone()]) {
                self.handed_out = fresh.start + newline + 1;
                return Ok(Some(&self.buffer[..self.handed_out]));
            }
        }
    }
}
