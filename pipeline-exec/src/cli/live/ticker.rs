//! The thread that shows a run: it draws regularly, and prints the lines of other threads.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{io, thread};

use super::expectation::{Expectation, TimeLeft};
use super::heartbeat;
use super::picture::{Moment, Picture};
#[cfg(unix)]
use super::screen::Screen;
use super::tracker::{Ended, Snapshot, Tracked, Tracker};
use crate::cli::exit::to_stderr;
use crate::cli::lines;
use crate::cli::output::{Form, Level, OutputOptions};
use crate::cli::paint::Paint;

/// Interval of drawing on a terminal.
const FRAME: Duration = Duration::from_millis(100);
/// Interval of lines that name the running steps.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// Pause after drawing, as a multiple of the time that it took: large runs are drawn less often.
const REST: u32 = 20;
/// Maximum number of lines printed in one piece.
const MOST_AT_ONCE: usize = 1024;
/// Maximum number of steps whose progress is read.
const MOST_ASKED: usize = 64;

/// A message to the ticker.
pub(super) enum Message {
    /// A line to print above the drawing.
    Line(String),
    /// The run has ended.
    End,
}

/// Where the ticker shows the run.
pub(super) enum Canvas {
    #[cfg(unix)]
    Screen(Screen),
    Lines,
}

/// A change of this is progress: what has ended, how many steps run, and the sum of their progress.
type Seen = (Ended, usize, u64);

/// The state of the thread.
pub(super) struct Ticker {
    canvas: Canvas,
    paint: Paint,
    tracker: Arc<Tracker>,
    time_left: TimeLeft,
    picture: Picture,
    /// The last progress, and when it was.
    last: (Seen, Instant),
}

impl Canvas {
    /// Returns where a run is shown; `None` if nothing is shown regularly.
    pub(super) fn of(options: OutputOptions) -> Option<Self> {
        match options.form {
            Form::Nothing => None,
            Form::Lines => (options.level > Level::Quiet).then_some(Canvas::Lines),
            #[cfg(unix)]
            Form::Live => super::capture::terminal().and_then(Screen::open).ok().map(Canvas::Screen),
            #[cfg(not(unix))]
            Form::Live => None,
        }
    }
}

impl Ticker {
    pub(super) fn new(canvas: Canvas, paint: Paint, tracker: Arc<Tracker>, expectation: Expectation) -> Self {
        let last = (Seen::default(), Instant::now());
        let (time_left, picture) = (TimeLeft::new(expectation), Picture::new(paint));
        Ticker { canvas, paint, tracker, time_left, picture, last }
    }

    /// Starts the thread; it ends with [`Message::End`].
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub(super) fn start(mut self, messages: Receiver<Message>) -> io::Result<JoinHandle<()>> {
        let name = "pipeline-shows-run".to_owned();
        thread::Builder::new().name(name).spawn(move || {
            self.go(&messages);
            self.close();
        })
    }

    fn go(&mut self, messages: &Receiver<Message>) {
        let every = if matches!(self.canvas, Canvas::Lines) { HEARTBEAT } else { FRAME };
        let mut next = Instant::now() + every;
        loop {
            match messages.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(Message::Line(first)) => {
                    if self.print_with(first, messages) {
                        return;
                    }
                }
                Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = Instant::now();
            if now >= next {
                self.tick("");
                next = now + every.max(now.elapsed() * REST);
            }
        }
    }

    /// Prints a line and the waiting ones after it. Returns whether the run has ended.
    fn print_with(&mut self, first: String, messages: &Receiver<Message>) -> bool {
        let (mut lines, mut is_over) = (vec![first], false);
        for message in messages.try_iter().take(MOST_AT_ONCE) {
            match message {
                Message::Line(line) => lines.push(line),
                Message::End => is_over = true,
            }
        }
        let lines = lines.join("\n");
        match &self.canvas {
            // Redraws too, so that a step is not shown as running beside the line of its end.
            #[cfg(unix)]
            Canvas::Screen(_) => self.tick(&lines),
            Canvas::Lines => to_stderr(&lines),
        }
        is_over
    }

    /// Takes a snapshot and draws it, below lines that stay.
    fn tick(&mut self, above: &str) {
        let tracker = Arc::clone(&self.tracker);
        let Some(run) = tracker.run() else { return };
        let snapshot = run.snapshot();
        let (now, seen) = (Instant::now(), seen(run, &snapshot));
        if seen != self.last.0 {
            self.last = (seen, now);
        }
        let left = self.time_left.of(run, &snapshot);
        let moment = Moment { time_left: &self.time_left, left, still_for: now - self.last.1 };
        match &self.canvas {
            #[cfg(unix)]
            Canvas::Screen(screen) => {
                screen.draw(above, self.picture.draw(run, &snapshot, &moment, screen.size()));
            }
            Canvas::Lines => to_stderr(&lines::heartbeat(&heartbeat::text(run, &snapshot, left), self.paint)),
        }
    }

    fn close(&self) {
        match &self.canvas {
            #[cfg(unix)]
            Canvas::Screen(screen) => screen.close(),
            Canvas::Lines => {}
        }
    }
}

/// Takes the progress of running steps into account.
fn seen(run: &Tracked, snapshot: &Snapshot) -> Seen {
    let progress =
        |step: usize| run.view.activity(run.name(step)).progress.map_or(0, |progress| progress.done);
    let steps = snapshot.running.iter().take(MOST_ASKED).map(|running| progress(running.step));
    (snapshot.ended, snapshot.running.len(), steps.fold(0, u64::wrapping_add))
}
