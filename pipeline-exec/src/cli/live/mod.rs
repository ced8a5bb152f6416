//! Shows a run while it runs: live on a terminal, as lines elsewhere, as data for programs.
//!
//! The threads of steps only record events ([`tracker`]); a separate thread draws ten times a second ([`picture`],
//! [`screen`]). If nothing is drawn, this thread prints the running steps every half minute.

#[cfg(unix)]
mod capture;
mod expectation;
mod heartbeat;
mod picture;
#[cfg(unix)]
mod screen;
#[cfg(test)]
mod tests;
mod ticker;
mod tracker;
mod words;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

pub(super) use self::expectation::Expectation;
use self::ticker::{Canvas, Message, Ticker};
use self::tracker::{Tracked, Tracker};
use super::exit::{Refusal, to_stderr};
use super::output::{Form, Level, OutputOptions};
use super::{lines, needs};
use crate::event::{Event, EventRecord};
use crate::pipeline::Pipeline;
use crate::report::RunReport;
use crate::settings::SettingInForce;

/// Maximum number of lines that wait to be printed; a thread with another one waits.
const MOST_LINES: usize = 4096;

/// Shows a run until [`Watching::end`], or until it is dropped.
pub(super) struct Watching {
    watcher: Arc<Watcher>,
    ticker: Option<JoinHandle<()>>,
    #[cfg(unix)]
    capture: Option<capture::Capture>,
    #[cfg(unix)]
    _diverted: Option<capture::Diverted>,
}

/// The observer of the run, on the threads of its steps.
struct Watcher {
    options: OutputOptions,
    tracker: Arc<Tracker>,
    /// Receives lines that are printed above the drawing.
    above: Option<SyncSender<Message>>,
    /// Receives events as data.
    json: Option<Mutex<Box<dyn Write + Send>>>,
    /// The first error of writing them.
    unwritten: OnceLock<io::Error>,
    /// The limits with a configured capacity.
    known_limits: BTreeSet<String>,
    settings: Vec<SettingInForce>,
}

/// Returns the pipeline with an observer that shows its run.
///
/// # Errors
/// If standard output cannot be reserved for events.
pub(super) fn watch(
    pipeline: Pipeline,
    options: OutputOptions,
    expectation: Expectation,
) -> Result<(Pipeline, Watching), Refusal> {
    #[cfg(unix)]
    let (diverted, json) = options.json.then(capture::Diverted::begin).transpose()?.unzip();
    #[cfg(not(unix))]
    let json = options.json.then(std::io::stdout);
    let tracker = Arc::new(Tracker::default());
    let canvas = Canvas::of(options);
    #[cfg(unix)]
    let capture = match &canvas {
        Some(Canvas::Screen(screen)) => capture::Capture::begin(screen.clone()).ok(),
        _ => None,
    };
    let (above, ticker) = canvas
        .map(|canvas| {
            let (above, messages) = mpsc::sync_channel(MOST_LINES);
            let ticker = Ticker::new(canvas, options.paint, Arc::clone(&tracker), expectation);
            ticker.start(messages).map(|thread| (above, thread))
        })
        .transpose()?
        .unzip();
    let json = json.map(|json| Mutex::new(Box::new(json) as Box<dyn Write + Send>));
    let watcher = Arc::new(Watcher {
        options,
        tracker,
        above,
        json,
        unwritten: OnceLock::new(),
        known_limits: needs::known_limits(&pipeline),
        settings: pipeline.settings_in_force(),
    });
    let observer = Arc::clone(&watcher);
    let pipeline = pipeline.observe(move |event: &Event<'_>| observer.on_event(event));
    Ok((
        pipeline,
        Watching {
            watcher,
            ticker,
            #[cfg(unix)]
            capture,
            #[cfg(unix)]
            _diverted: diverted,
        },
    ))
}

impl Watching {
    /// Clears the drawing and writes the report as the last event. Called after the run.
    ///
    /// # Errors
    /// If an event could not be written as data.
    pub(super) fn end<'r>(mut self, report: impl FnOnce() -> &'r RunReport) -> Result<(), Refusal> {
        self.close();
        self.watcher.data(|at| EventRecord::of_report(report(), at));
        match self.watcher.unwritten.get() {
            Some(error) => {
                Err(Refusal::Environment(format!("cannot write events to standard output: {error}")))
            }
            None => Ok(()),
        }
    }

    fn close(&mut self) {
        // First the text that steps have printed.
        #[cfg(unix)]
        if let Some(capture) = self.capture.take() {
            capture.end();
        }
        if let (Some(above), Some(ticker)) = (&self.watcher.above, self.ticker.take()) {
            let _ = above.send(Message::End);
            let _ = ticker.join();
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.close();
    }
}

impl Watcher {
    fn on_event(&self, event: &Event<'_>) {
        self.tracker.note(event);
        #[cfg(unix)]
        if self.options.form == Form::Live {
            capture::on_this_thread();
        }
        self.data(|at| EventRecord::of(event, at));
        if self.options.form == Form::Nothing {
            return;
        }
        if let Some(line) =
            lines::line(event, self.tracker.run().map(|run| &run.view), &self.settings, self.options)
        {
            self.show(line);
        }
        if let Event::RunStarted { view, .. } = event
            && self.options.level > Level::Quiet
        {
            let paint = self.options.paint;
            if let Some(resumed) = view.resumed() {
                let planned = view.plan().planned();
                lines::resumed(resumed, planned, paint).into_iter().for_each(|line| self.show(line));
            }
            let warnings = needs::without_capacity(view.plan(), &self.known_limits);
            warnings.iter().for_each(|warning| self.show(lines::warning(warning, paint)));
        }
    }

    fn show(&self, line: String) {
        match (&self.above, self.options.form) {
            (Some(above), Form::Live) => drop(above.send(Message::Line(line))),
            _ => to_stderr(&line),
        }
    }

    /// Writes an event as data.
    fn data(&self, record: impl FnOnce(Duration) -> EventRecord) {
        let Some(json) = &self.json else { return };
        let at = self.tracker.run().map_or(Duration::ZERO, Tracked::elapsed);
        let line = record(at).to_line() + "\n";
        let mut json = json.lock().unwrap_or_else(PoisonError::into_inner);
        // The run continues. The reader may have closed the pipe (`| head`).
        if let Err(error) = json.write_all(line.as_bytes()).and_then(|()| json.flush())
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            let _ = self.unwritten.set(error);
        }
    }
}
