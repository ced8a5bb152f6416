//! Standard error, from which no step can keep the program.
//!
//! A step may hold its lock (`stderr().lock()`) for as long as it likes, and one that was left behind on its thread holds it
//! for ever. So what the framework says is written by a thread of its own, which takes the lock as everybody does: no line
//! gets into another. Where that thread does not get it in time, whoever has something to say writes past the lock.

use std::fs::File;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// Somebody who prints a line has the lock for much less.
const PATIENCE: Duration = Duration::from_millis(200);

/// The thread that writes; `None` where the system gives none.
static WRITER: LazyLock<Option<Sender<Piece>>> = LazyLock::new(|| {
    let (pieces, waiting) = mpsc::channel();
    let thread = std::thread::Builder::new().name("pipeline-stderr".to_owned());
    thread.spawn(move || serve(&waiting)).ok().map(|_| pieces)
});

/// Whether somebody has had the lock for too long, and still has it as far as is known.
static IS_HELD: AtomicBool = AtomicBool::new(false);

/// Something to be written, once.
struct Piece {
    text: Arc<[u8]>,
    /// Whoever sets it writes.
    is_taken: Arc<AtomicBool>,
    /// Dropped, it tells that the text is written.
    _written: Sender<()>,
}

/// Writes whole lines in one piece. Where standard error takes nothing any more (closed, a full disk), there is nobody left
/// to tell.
pub(crate) fn write(text: &str) {
    let Some(writer) = WRITER.as_ref().filter(|_| !IS_HELD.load(Ordering::SeqCst)) else {
        return write_past_the_lock(text.as_bytes());
    };
    let (tell, written) = mpsc::channel();
    let is_taken = Arc::<AtomicBool>::default();
    let piece = Piece { text: text.as_bytes().into(), is_taken: Arc::clone(&is_taken), _written: tell };
    if writer.send(piece).is_err() {
        return write_past_the_lock(text.as_bytes());
    }
    if written.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Disconnected) {
        return;
    }
    // Before the piece is taken: the thread takes this back when it finds that out.
    IS_HELD.store(true, Ordering::SeqCst);
    if is_taken.swap(true, Ordering::SeqCst) {
        // It has the lock after all, and writes.
        IS_HELD.store(false, Ordering::SeqCst);
        let _ = written.recv();
    } else {
        write_past_the_lock(text.as_bytes());
    }
}

fn serve(pieces: &Receiver<Piece>) {
    for piece in pieces {
        let mut stderr = io::stderr().lock();
        if !piece.is_taken.swap(true, Ordering::SeqCst) {
            let _ = stderr.write_all(&piece.text);
        }
        IS_HELD.store(false, Ordering::SeqCst);
    }
}

/// Another handle to the same has no lock.
fn write_past_the_lock(text: &[u8]) {
    #[cfg(unix)]
    let other = std::os::fd::AsFd::as_fd(&io::stderr()).try_clone_to_owned();
    #[cfg(windows)]
    let other = std::os::windows::io::AsHandle::as_handle(&io::stderr()).try_clone_to_owned();
    #[cfg(any(unix, windows))]
    if let Ok(other) = other {
        let _ = File::from(other).write_all(text);
    }
}
