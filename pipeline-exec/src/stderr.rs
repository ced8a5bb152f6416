//! Writes to standard error, even while a step holds its lock.
//!
//! A step may hold the lock (`stderr().lock()`) for any time, and a step on a detached thread for ever. So a separate thread
//! writes the framework's texts. It takes the lock, so that lines do not mix. If it does not get the lock in time, the caller
//! writes without the lock.

use std::fs::File;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

/// Time to wait for the lock; printing a line holds it for much less.
const PATIENCE: Duration = Duration::from_millis(200);

/// The thread that writes; `None` if the system refuses a thread.
static WRITER: LazyLock<Option<Sender<Piece>>> = LazyLock::new(|| {
    let (pieces, waiting) = mpsc::channel();
    let thread = std::thread::Builder::new().name("pipeline-stderr".to_owned());
    thread.spawn(move || serve(&waiting)).ok().map(|_| pieces)
});

/// Whether the lock has been held for too long, and was not released since.
static IS_HELD: AtomicBool = AtomicBool::new(false);

/// Something to be written, once.
struct Piece {
    text: Arc<[u8]>,
    /// The thread that sets it writes.
    is_taken: Arc<AtomicBool>,
    /// Dropped once the text is written.
    _written: Sender<()>,
}

/// The first error that something could not be written for.
static FAILED: OnceLock<io::Error> = OnceLock::new();

/// Returns the first error of writing to standard error. A reader that has closed the pipe is not one.
#[cfg(feature = "cli")]
pub(crate) fn failed() -> Option<&'static io::Error> {
    FAILED.get()
}

fn note(written: io::Result<()>) {
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        let _ = FAILED.set(error);
    }
}

/// Writes whole lines in one piece. An error (the disk is full) is kept for the exit code: it cannot be reported anywhere
/// else.
pub(crate) fn write(text: &str) {
    let Some(writer) = WRITER.as_ref().filter(|_| !IS_HELD.load(Ordering::SeqCst)) else {
        return write_without_the_lock(text.as_bytes());
    };
    let (done, written) = mpsc::channel();
    let is_taken = Arc::<AtomicBool>::default();
    let piece = Piece { text: text.as_bytes().into(), is_taken: Arc::clone(&is_taken), _written: done };
    if writer.send(piece).is_err() {
        return write_without_the_lock(text.as_bytes());
    }
    if written.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Disconnected) {
        return;
    }
    // Set before the piece is taken: the thread resets it once it has the lock.
    IS_HELD.store(true, Ordering::SeqCst);
    if is_taken.swap(true, Ordering::SeqCst) {
        // The thread has the lock after all, and writes.
        IS_HELD.store(false, Ordering::SeqCst);
        let _ = written.recv();
    } else {
        write_without_the_lock(text.as_bytes());
    }
}

fn serve(pieces: &Receiver<Piece>) {
    for piece in pieces {
        let mut stderr = io::stderr().lock();
        if !piece.is_taken.swap(true, Ordering::SeqCst) {
            note(stderr.write_all(&piece.text));
        }
        IS_HELD.store(false, Ordering::SeqCst);
    }
}

/// Writes to a duplicate of the handle, which has no lock.
fn write_without_the_lock(text: &[u8]) {
    #[cfg(unix)]
    let other = std::os::fd::AsFd::as_fd(&io::stderr()).try_clone_to_owned();
    #[cfg(windows)]
    let other = std::os::windows::io::AsHandle::as_handle(&io::stderr()).try_clone_to_owned();
    #[cfg(any(unix, windows))]
    if let Ok(other) = other {
        note(File::from(other).write_all(text));
    }
}
