//! The output of steps while the terminal is drawn on.
//!
//! A step's `println!`, a panic's message or the output of a child process would land among the drawn lines. So
//! standard output and standard error, if they are the terminal, lead into a pipe during the run. Its text is printed
//! above the drawn lines, in whole lines and in order.
//!
//! Consequences: standard output is no terminal during the run, and if the process aborts (`abort`, a stack overflow),
//! the last text in the pipe may be lost. A panic's message is not lost: it is written to the terminal directly. The
//! last lines before `exit` are not lost on systems that drop the thread locals of the calling thread, as glibc does:
//! see [`on_this_thread`].

use std::fs::File;
use std::io::{self, IsTerminal, PipeReader, Read, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::ioctl_fionread;
use rustix::stdio::{dup2_stderr, dup2_stdout};

use super::screen::Screen;

/// Maximum wait for the end of the pipe: a child process that outlives the run may keep it open.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Text without a line break is printed as a line at this length.
const LONGEST_LINE: usize = 1 << 20;

/// Standard output and standard error lead to the screen, until [`Capture::end`].
pub(super) struct Capture {
    ended: Receiver<()>,
}

/// Where standard output and standard error lead without a capture.
struct Streams {
    screen: Screen,
    pipe: io::PipeWriter,
    /// The other end of the pipe, to check whether it is empty.
    other_end: PipeReader,
    /// `None` if standard output is not a terminal; then it stays as it is.
    stdout: Option<File>,
    stderr: File,
}

static STREAMS: Mutex<Option<Streams>> = Mutex::new(None);

/// Whether all whole lines read from the pipe are on the screen.
static IS_SHOWN: AtomicBool = AtomicBool::new(true);

thread_local! {
    static LAST_LINES: LastLines = const { LastLines };
}

/// Dropped when its thread ends or calls `exit`: waits until the printed text is on the screen.
struct LastLines;

impl Drop for LastLines {
    fn drop(&mut self) {
        wait_until_shown();
    }
}

/// Makes sure that printed text is shown if this thread, which runs steps, ends the process.
pub(super) fn on_this_thread() {
    let _ = LAST_LINES.try_with(|_| ());
}

/// Returns the terminal behind standard error, which stays the same when standard error is redirected later.
///
/// # Errors
/// If the system refuses a second handle.
pub(super) fn terminal() -> io::Result<File> {
    Ok(io::stderr().as_fd().try_clone_to_owned()?.into())
}

/// Redirects standard output to standard error until this is dropped: for a format that must be alone on standard
/// output.
pub(super) struct Diverted(File);

impl Diverted {
    /// Redirects standard output. Returns the original, too.
    ///
    /// # Errors
    /// If the system refuses.
    pub(super) fn begin() -> io::Result<(Self, File)> {
        io::stdout().flush()?;
        let stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let diverted = Diverted(stdout.try_clone()?);
        dup2_stdout(io::stderr())?;
        Ok((diverted, stdout))
    }
}

impl Drop for Diverted {
    fn drop(&mut self) {
        flush_unless_held();
        let _ = dup2_stdout(&self.0);
    }
}

impl Capture {
    /// Redirects printed text to the screen.
    ///
    /// # Errors
    /// If the system refuses; then nothing has changed.
    pub(super) fn begin(screen: Screen) -> io::Result<Self> {
        let (reader, pipe) = io::pipe()?;
        let stderr = terminal()?;
        let leads_to_terminal = io::stdout().is_terminal();
        let stdout = leads_to_terminal.then(|| io::stdout().as_fd().try_clone_to_owned()).transpose()?;
        let (stdout, other_end) = (stdout.map(File::from), reader.try_clone()?);
        let streams = Streams { screen: screen.clone(), pipe, other_end, stdout, stderr };
        let (send_end, ended) = mpsc::channel();
        let read = move || {
            forward(reader, &screen);
            let _ = send_end.send(());
        };
        std::thread::Builder::new().name("pipeline-printed".to_owned()).spawn(read)?;
        note_panics();
        let _ = io::stdout().flush();
        if streams.stdout.is_some() {
            dup2_stdout(&streams.pipe)?;
        }
        dup2_stderr(&streams.pipe)?;
        *STREAMS.lock().unwrap_or_else(PoisonError::into_inner) = Some(streams);
        Ok(Capture { ended })
    }

    /// Restores the streams, and waits until all printed text is on the screen.
    pub(super) fn end(self) {
        let streams = STREAMS.lock().unwrap_or_else(PoisonError::into_inner).take();
        flush_unless_held();
        if let Some(streams) = streams {
            if let Some(stdout) = &streams.stdout {
                let _ = dup2_stdout(stdout);
            }
            let _ = dup2_stderr(&streams.stderr);
        }
        let _ = self.ended.recv_timeout(LAST_WORDS);
    }
}

/// Flushes standard output, with a time limit: a detached step may hold it forever.
fn flush_unless_held() {
    let (done, flushed) = mpsc::channel();
    let flush = move || {
        let _ = io::stdout().flush();
        let _ = done.send(());
    };
    if std::thread::Builder::new().name("pipeline-flushes".to_owned()).spawn(flush).is_ok() {
        let _ = flushed.recv_timeout(LAST_WORDS);
    }
}

/// Waits until the pipe's text is on the screen, with a time limit.
fn wait_until_shown() {
    let begun = Instant::now();
    // The thread that holds it restores the streams, and waits itself.
    let Ok(streams) = STREAMS.try_lock() else { return };
    let Some(streams) = &*streams else { return };
    // First the pipe: the reader clears `IS_SHOWN` before it reads.
    let is_shown = || {
        ioctl_fionread(&streams.other_end).map_or(true, |left| left == 0) && IS_SHOWN.load(Ordering::SeqCst)
    };
    while !is_shown() && begun.elapsed() < LAST_WORDS {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Prints whole lines as they arrive, and an unfinished line at the end.
fn forward(mut reader: PipeReader, screen: &Screen) {
    let (mut buffer, mut rest) = (vec![0; 1 << 16], Vec::new());
    loop {
        IS_SHOWN.store(true, Ordering::SeqCst);
        // If waiting fails, reading waits.
        let _ = poll(&mut [PollFd::new(&reader, PollFlags::IN)], None);
        IS_SHOWN.store(false, Ordering::SeqCst);
        let read = match reader.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        let before = rest.len();
        rest.extend_from_slice(&buffer[..read]);
        // Searches only the new bytes.
        if let Some(end) = rest[before..].iter().rposition(|&byte| byte == b'\n').map(|end| before + end) {
            screen.print(&whole(&rest[..end]));
            rest.drain(..=end);
        } else if rest.len() > LONGEST_LINE {
            screen.print(&whole(&rest));
            rest.clear();
        }
    }
    if !rest.is_empty() {
        screen.print(&whole(&rest));
    }
    IS_SHOWN.store(true, Ordering::SeqCst);
}

/// Returns lines as a terminal shows them: text overwritten after a carriage return is removed.
fn whole(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.split('\n').map(|line| {
        let line = line.trim_end_matches('\r');
        line.rsplit('\r').next().unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Installs a panic hook that writes to the terminal directly: the process may end with a panic.
fn note_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let earlier = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // A panic during another panic's message, or at the end of the run, takes the usual way.
            let streams = STREAMS.try_lock().ok();
            let Some(streams) = streams.as_deref().and_then(Option::as_ref) else { return earlier(info) };
            streams.screen.aside(|| {
                let _ = dup2_stderr(&streams.stderr);
                earlier(info);
                let _ = dup2_stderr(&streams.pipe);
            });
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn overwritten_parts_of_a_line_are_removed() {
        assert_eq!(whole(b"one\r\ntwo 10%\rtwo 99%\nthree\xff"), "one\ntwo 99%\nthree\u{fffd}");
    }
}
