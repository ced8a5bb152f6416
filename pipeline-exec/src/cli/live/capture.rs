//! What steps print themselves, while the terminal is drawn on.
//!
//! A step's `println!`, a panic's message, the output of a child process: whatever is written to standard output or standard
//! error while lines are drawn would land among them. So, where these go to the terminal, they are led through a pipe for as
//! long as the run goes on, and what comes out is printed above the lines, whole line by whole line, in order.
//!
//! What follows from that: code that asks whether standard output is a terminal is told no meanwhile, and of a process that
//! ends from within (`abort`, a stack overflow) the last text may be lost in the pipe. A panic's message is not: it is written
//! to the terminal itself. Nor are the last lines before `exit`, where the system then drops what belongs to the thread that
//! calls it, as glibc does: see [`on_this_thread`].

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

/// A child process that outlives the run may keep the pipe open: nobody waits longer for its end.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// What is printed without an end of the line is a line at this length.
const LONGEST_LINE: usize = 1 << 20;

/// Standard output and standard error lead to the screen, until this is ended.
pub(super) struct Capture {
    ended: Receiver<()>,
}

/// Where standard output and standard error lead otherwise.
struct Streams {
    screen: Screen,
    pipe: io::PipeWriter,
    /// The other end of the pipe, to see whether anything is left in it.
    other_end: PipeReader,
    /// `None` where standard output is no terminal, and is left alone.
    stdout: Option<File>,
    stderr: File,
}

static STREAMS: Mutex<Option<Streams>> = Mutex::new(None);

/// Whether all whole lines that have left the pipe are on the screen.
static IS_SHOWN: AtomicBool = AtomicBool::new(true);

thread_local! {
    static LAST_LINES: LastLines = const { LastLines };
}

/// Dropped with its thread, and where the thread calls `exit`: what was printed before is on the screen then.
struct LastLines;

impl Drop for LastLines {
    fn drop(&mut self) {
        wait_until_shown();
    }
}

/// Sees to it that what is printed is shown where this thread, one that runs steps, ends the process.
pub(super) fn on_this_thread() {
    let _ = LAST_LINES.try_with(|_| ());
}

/// The terminal behind standard error, whatever standard error leads to later.
///
/// # Errors
/// Where the system gives no second handle to it.
pub(super) fn terminal() -> io::Result<File> {
    Ok(io::stderr().as_fd().try_clone_to_owned()?.into())
}

/// Standard output leads to where standard error goes, until this is dropped: for a format that must stand alone there.
pub(super) struct Diverted(File);

impl Diverted {
    /// Leads standard output elsewhere, and gives what it was, too.
    ///
    /// # Errors
    /// Where the system refuses.
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
    /// Leads what is printed to the screen, from now on.
    ///
    /// # Errors
    /// Where the system refuses; then everything is as before.
    pub(super) fn begin(screen: Screen) -> io::Result<Self> {
        let (reader, pipe) = io::pipe()?;
        let stderr = terminal()?;
        let leads_to_terminal = io::stdout().is_terminal();
        let stdout = leads_to_terminal.then(|| io::stdout().as_fd().try_clone_to_owned()).transpose()?;
        let (stdout, other_end) = (stdout.map(File::from), reader.try_clone()?);
        let streams = Streams { screen: screen.clone(), pipe, other_end, stdout, stderr };
        let (tell_end, ended) = mpsc::channel();
        let read = move || {
            forward(reader, &screen);
            let _ = tell_end.send(());
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

    /// Leads it back, and waits until everything that was printed is on the screen.
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

/// Flushes standard output. A step that was left behind on its thread may hold it for ever: nobody waits for that.
fn flush_unless_held() {
    let (tell, flushed) = mpsc::channel();
    let flush = move || {
        let _ = io::stdout().flush();
        let _ = tell.send(());
    };
    if std::thread::Builder::new().name("pipeline-flushes".to_owned()).spawn(flush).is_ok() {
        let _ = flushed.recv_timeout(LAST_WORDS);
    }
}

/// Waits until what is in the pipe is on the screen, but not for long.
fn wait_until_shown() {
    let begun = Instant::now();
    // Whoever has it leads the streams back, and waits itself.
    let Ok(streams) = STREAMS.try_lock() else { return };
    let Some(streams) = &*streams else { return };
    // First the pipe: what has left it is told to be on its way before it does.
    let is_shown = || {
        ioctl_fionread(&streams.other_end).map_or(true, |left| left == 0) && IS_SHOWN.load(Ordering::SeqCst)
    };
    while !is_shown() && begun.elapsed() < LAST_WORDS {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Prints whole lines as they come; a line without an end, when nothing comes any more.
fn forward(mut reader: PipeReader, screen: &Screen) {
    let (mut buffer, mut rest) = (vec![0; 1 << 16], Vec::new());
    loop {
        IS_SHOWN.store(true, Ordering::SeqCst);
        // Where waiting fails, reading waits.
        let _ = poll(&mut [PollFd::new(&reader, PollFlags::IN)], None);
        IS_SHOWN.store(false, Ordering::SeqCst);
        let read = match reader.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        let before = rest.len();
        rest.extend_from_slice(&buffer[..read]);
        // Only what is new is searched.
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

/// Printed lines as they look once they are whole: what a carriage return overwrote is gone.
fn whole(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.split('\n').map(|line| {
        let line = line.trim_end_matches('\r');
        line.rsplit('\r').next().unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Has the messages of panics written to the terminal itself: the process may end with one.
fn note_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let earlier = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // A panic while another is told, or at the run's end, goes the usual way.
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
    fn a_line_is_what_is_left_of_it() {
        assert_eq!(whole(b"one\r\ntwo 10%\rtwo 99%\nthree\xff"), "one\ntwo 99%\nthree\u{fffd}");
    }
}
