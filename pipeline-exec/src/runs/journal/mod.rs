//! The journal of a run: what happened, as it happens, for a run whose process is killed.
//!
//! No step waits for it or does anything for it: a separate thread takes snapshots of the run's steps, ten to a hundred times
//! a second, and writes what is different. So it costs a run only the writing, and a killed process loses what happened since
//! the last look.
//!
//! A line is with the operating system as soon as it is written, and survives the end of the process. It is not forced onto
//! the disk, so a power failure may lose the end of the journal.

mod read;
mod write;

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub(super) use self::read::{has_begun, is_finished, report, started};
use self::write::Recorded;
use super::{StoreError, files};
use crate::event::{EVENT_SCHEMA, EventKind, EventRecord};
use crate::record::RunRecord;

/// Time between two looks at a run in which something happens.
const SHORTEST: Duration = Duration::from_millis(10);
/// Time between two looks at a run in which nothing happens.
const LONGEST: Duration = Duration::from_millis(100);
/// The time between looks is at least this many times that of a look: a run of a million steps is looked at less often.
const LEISURE: u32 = 50;

/// The journal of one run.
#[derive(Debug)]
pub(super) struct Journal {
    lines: Option<Lines>,
    keeper: Option<Keeper>,
}

/// The thread that keeps the journal of a run under way.
#[derive(Debug)]
struct Keeper {
    /// The thread ends when this is dropped.
    end: mpsc::Sender<()>,
    thread: JoinHandle<(Lines, Recorded)>,
}

/// The file, and its first error. After an error nothing more is written: a journal has no gaps.
#[derive(Debug)]
struct Lines {
    file: File,
    path: PathBuf,
    run_id: String,
    error: Option<io::Error>,
}

impl Journal {
    /// Makes the file, and writes that the run begins.
    pub(super) fn begin(dir: &Path, run_id: &str, begins: EventKind) -> Result<Self, StoreError> {
        let path = dir.join(files::JOURNAL);
        let file = files::create(&path)?;
        let mut lines = Lines { file, path, run_id: run_id.to_owned(), error: None };
        let mut text = String::new();
        lines.put(&mut text, Duration::ZERO, begins);
        lines.write(&text);
        lines.whole().map(|()| Journal { lines: Some(lines), keeper: None })
    }

    /// Starts the thread, which ends with the journal or with the run's record.
    pub(super) fn watch(&mut self, run: &Arc<RunRecord>) {
        let Some(mut lines) = self.lines.take() else { return };
        let (end, ended) = mpsc::channel();
        let (weak, mut recorded) = (Arc::downgrade(run), Recorded::new(run));
        let (path, other) = (lines.path.clone(), lines.file.try_clone());
        let keep = move || {
            keep(&weak, &ended, &mut lines, &mut recorded);
            (lines, recorded)
        };
        match std::thread::Builder::new().name("pipeline-journal".into()).spawn(keep) {
            Ok(thread) => self.keeper = Some(Keeper { end, thread }),
            // Reported at the end: the run continues without a journal.
            Err(error) => {
                self.lines = other.ok().map(|file| Lines {
                    file,
                    path,
                    run_id: run.frame.scope().run_id().to_owned(),
                    error: Some(error),
                });
            }
        }
    }

    /// Writes what has happened since the last look, and that the run has ended.
    ///
    /// # Errors
    /// Returns the first error since the run began.
    pub(super) fn end(&mut self, run: &RunRecord, wall: Duration) -> Result<(), StoreError> {
        let kept = self.keeper.take().and_then(|Keeper { end, thread }| {
            drop(end);
            thread.join().ok()
        });
        let (mut lines, mut recorded) = match (kept, self.lines.take()) {
            (Some(kept), _) => kept,
            (None, Some(lines)) => (lines, Recorded::new(run)),
            // The thread has panicked; the panic hook has printed why.
            (None, None) => return Ok(()),
        };
        let mut text = String::new();
        recorded.update(run, &lines, &mut text);
        lines.put(
            &mut text,
            wall,
            EventKind::RunFinished { seconds: wall.as_secs_f64(), succeeded: run.succeeded() },
        );
        lines.write(&text);
        lines.whole()
    }
}

/// Looks at the run again and again.
fn keep(run: &Weak<RunRecord>, ended: &mpsc::Receiver<()>, lines: &mut Lines, recorded: &mut Recorded) {
    let mut pause = SHORTEST;
    let mut text = String::new();
    while matches!(ended.recv_timeout(pause), Err(RecvTimeoutError::Timeout)) {
        let Some(run) = run.upgrade() else { return };
        let begun = Instant::now();
        text.clear();
        recorded.update(&run, lines, &mut text);
        drop(run);
        lines.write(&text);
        pause = if text.is_empty() { (pause * 2).min(LONGEST) } else { SHORTEST };
        pause = pause.max(begun.elapsed() * LEISURE);
    }
}

impl Lines {
    /// Adds a line to a text.
    fn put(&self, text: &mut String, at: Duration, kind: EventKind) {
        let record = EventRecord { v: EVENT_SCHEMA, at: at.as_secs_f64(), run_id: self.run_id.clone(), kind };
        text.push_str(&record.to_line());
        text.push('\n');
    }

    fn write(&mut self, text: &str) {
        if self.error.is_none() && !text.is_empty() {
            self.error = self.file.write_all(text.as_bytes()).err();
        }
    }

    fn whole(&mut self) -> Result<(), StoreError> {
        self.error.take().map_or(Ok(()), |error| Err(StoreError::io("write", &self.path, error)))
    }
}
