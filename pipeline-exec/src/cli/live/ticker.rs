//! The thread that shows a run: it looks now and then, and prints what others hand it.

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
use super::tracker::{Ended, Look, Tracked, Tracker};
use crate::cli::exit::tell;
use crate::cli::lines;
use crate::cli::output::{Form, Level, OutputOptions};
use crate::cli::paint::Paint;

/// How often the terminal is drawn.
const FRAME: Duration = Duration::from_millis(100);
/// How often lines say what runs.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// So many times as long as a look takes, there is none: of a large run there are fewer.
const REST: u32 = 20;
/// So many lines are printed at once.
const MOST_AT_ONCE: usize = 1024;
/// So many steps are asked how far they are.
const MOST_ASKED: usize = 64;

/// What the ticker is handed.
pub(super) enum Message {
    /// A line to print above what is drawn.
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

/// What tells that something has happened: what has ended, how many steps run, and how far they say they are.
type Seen = (Ended, usize, u64);

/// What the thread has.
pub(super) struct Ticker {
    canvas: Canvas,
    paint: Paint,
    tracker: Arc<Tracker>,
    time_left: TimeLeft,
    picture: Picture,
    /// What was seen when something last happened, and when that was.
    last: (Seen, Instant),
}

impl Canvas {
    /// Where a run is shown with these options; `None` where nothing is to be shown now and then.
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
    /// Where the system gives no thread.
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

    /// Prints a line and those that wait behind it. True where the run has ended.
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
            // A step whose end is printed is not to be seen running beside that.
            #[cfg(unix)]
            Canvas::Screen(_) => self.tick(&lines),
            Canvas::Lines => tell(&lines),
        }
        is_over
    }

    /// Looks, and shows what there is to see, below lines that are to stay.
    fn tick(&mut self, above: &str) {
        let tracker = Arc::clone(&self.tracker);
        let Some(run) = tracker.run() else { return };
        let look = run.look();
        let (now, seen) = (Instant::now(), seen(run, &look));
        if seen != self.last.0 {
            self.last = (seen, now);
        }
        let left = self.time_left.of(run, &look);
        let moment = Moment { time_left: &self.time_left, left, still_for: now - self.last.1 };
        match &self.canvas {
            #[cfg(unix)]
            Canvas::Screen(screen) => {
                screen.draw(above, self.picture.draw(run, &look, &moment, screen.size()));
            }
            Canvas::Lines => tell(&lines::heartbeat(&heartbeat::text(run, &look, left), self.paint)),
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

/// Asks the steps that run how far they are, too.
fn seen(run: &Tracked, look: &Look) -> Seen {
    let progress =
        |step: usize| run.view.activity(run.name(step)).progress.map_or(0, |progress| progress.done);
    let steps = look.running.iter().take(MOST_ASKED).map(|running| progress(running.step));
    (look.ended, look.running.len(), steps.fold(0, u64::wrapping_add))
}
