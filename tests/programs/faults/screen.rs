//! A terminal of 80 columns, with the features that the live view uses, and the program on it.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use crate::folder::Folder;
use crate::process::{self, LIMIT};
use crate::support::{clean, path};

/// What a program wrote to its terminal.
pub(crate) struct Shown {
    pub(crate) written: String,
}

/// Runs the program on a pseudo-terminal of 80 by 24, by util-linux's `script`. When it has written all of `awaited`,
/// makes the file `SEEN` in its folder, for which its steps wait. `None` without such a `script`.
pub(crate) fn on_terminal(
    mode: &str,
    arguments: &str,
    environment: &[(&str, &str)],
    awaited: &[&str],
) -> Option<Shown> {
    let is_there = Command::new("script").arg("--version").output();
    if !is_there.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("util-linux")) {
        process::missing(arguments, "`script` of util-linux");
        return None;
    }
    let folder = Folder::new();
    let line = format!("stty cols 80 rows 24; exec {} {arguments}", path("faults").display());
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    clean(&mut command);
    command.env("FAULTS", mode).env("TERM", "xterm").envs(environment.iter().copied());
    command.current_dir(&*folder).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    let (tell, chunks) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = output.read(&mut buffer) {
            let _ = tell.send(buffer[..read].to_vec());
        }
    });
    let mut bytes = Vec::new();
    let until = Instant::now() + LIMIT;
    loop {
        // Also for one that writes for ever.
        match chunks.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(chunk) => bytes.extend(chunk),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let _ = child.kill();
                panic!(
                    "it has not ended, or never wrote all of {awaited:?}:\n{}",
                    String::from_utf8_lossy(&bytes)
                );
            }
        }
        let so_far = String::from_utf8_lossy(&bytes);
        if awaited.iter().all(|awaited| so_far.contains(awaited)) {
            std::fs::write(folder.join("SEEN"), "").unwrap();
        }
    }
    reader.join().unwrap();
    process::end(&mut child, until);
    Some(Shown { written: String::from_utf8(bytes).unwrap() })
}

impl Shown {
    /// The lines on the terminal in the end, and the column of the cursor.
    ///
    /// # Panics
    /// If the program wrote an unexpected escape sequence.
    pub(crate) fn in_the_end(&self) -> (Vec<String>, usize) {
        let mut lines: Vec<Vec<char>> = vec![Vec::new()];
        let (mut row, mut column) = (0, 0);
        let mut chars = self.written.chars();
        while let Some(c) = chars.next() {
            match c {
                '\n' => {
                    row += 1;
                    lines.resize_with(lines.len().max(row + 1), Vec::new);
                }
                '\r' => column = 0,
                '\x1b' => {
                    let (number, last) = sequence(&mut chars);
                    match last {
                        'A' => row -= number,
                        'J' => {
                            lines.truncate(row + 1);
                            lines[row].truncate(column);
                        }
                        'm' => {}
                        other => panic!("an escape sequence that ends in {other:?}"),
                    }
                }
                c => {
                    assert!(!c.is_control(), "a control character, {c:?}");
                    // A full line continues in the next.
                    if column == 80 {
                        (row, column) = (row + 1, 0);
                        lines.resize_with(lines.len().max(row + 1), Vec::new);
                    }
                    let width = lines[row].len().max(column + 1);
                    lines[row].resize(width, ' ');
                    lines[row][column] = c;
                    column += 1;
                }
            }
        }
        (lines.into_iter().map(|line| line.into_iter().collect()).collect(), column)
    }
}

/// `[12A`: the number and the last letter.
fn sequence(chars: &mut std::str::Chars<'_>) -> (usize, char) {
    assert_eq!(chars.next(), Some('['), "no sequence of the kind that is used");
    let mut text = String::new();
    for c in chars {
        if c.is_ascii_alphabetic() {
            return (text.parse().unwrap_or(0), c);
        }
        text.push(c);
    }
    panic!("a sequence without an end: {text:?}")
}
