//! A terminal of 80 columns, as far as the live view uses one, and the program on it.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::program_under_test::path;

/// What takes longer hangs.
const LIMIT: Duration = Duration::from_secs(30);

/// A program that has ended, and what it wrote to its terminal.
pub(crate) struct Shown {
    pub(crate) written: String,
}

/// Runs the program on a pseudo-terminal of 80 by 24, by `script` of util-linux. As soon as it has written all of `awaited`,
/// the file is made for which its steps wait, `SEEN` in the arguments. `None` where there is no such `script`.
pub(crate) fn on_terminal(
    mode: &str,
    arguments: &str,
    environment: &[(&str, &str)],
    awaited: &[&str],
) -> Option<Shown> {
    let is_there = Command::new("script").arg("--version").output();
    if !is_there.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("util-linux")) {
        eprintln!("there is no `script` of util-linux: not tested");
        return None;
    }
    let seen = Seen::new(arguments);
    let program = path().display();
    let line = format!(
        "stty cols 80 rows 24; exec {program} {}",
        arguments.replace("SEEN", &seen.0.display().to_string())
    );
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    command.env("FAULTS", mode).env("TERM", "xterm").env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command.env_remove("PIPELINE_OUTPUT").env_remove("RUST_BACKTRACE").envs(environment.iter().copied());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    let (tell, chunks) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = output.read(&mut buffer) {
            let _ = tell.send(buffer[..read].to_vec());
        }
    });
    let mut bytes = Vec::new();
    loop {
        match chunks.recv_timeout(LIMIT) {
            Ok(chunk) => bytes.extend(chunk),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let _ = child.kill();
                panic!("it never wrote all of {awaited:?}:\n{}", String::from_utf8_lossy(&bytes));
            }
        }
        let so_far = String::from_utf8_lossy(&bytes);
        if awaited.iter().all(|awaited| so_far.contains(awaited)) {
            seen.make();
        }
    }
    reader.join().unwrap();
    child.wait().unwrap();
    Some(Shown { written: String::from_utf8(bytes).unwrap() })
}

impl Shown {
    /// The lines that are on the terminal in the end, and in which column the cursor is.
    ///
    /// # Panics
    /// Where the program wrote a sequence that it has no business to write.
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
                    // A full line goes on in the next.
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

/// The file that says that enough was seen.
struct Seen(PathBuf);

impl Seen {
    fn new(arguments: &str) -> Self {
        let name: String = arguments.chars().filter(char::is_ascii_alphanumeric).collect();
        let thread = format!("{:?}", std::thread::current().id()).replace(['(', ')'], "");
        Seen(std::env::temp_dir().join(format!("pipeline-seen-{name}-{}-{thread}", std::process::id())))
    }

    fn make(&self) {
        std::fs::File::create(&self.0).and_then(|mut file| file.write_all(b"seen")).unwrap();
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(Path::new(&self.0));
    }
}
