//! Listens for signals.
//!
//! One thread for the whole process handles the first signal. A runtime does not, because all its workers may be blocked.
//! The second signal ends the process in the signal handler itself, so that nothing can hold it up: not this thread, which
//! may wait for a terminal that takes no more text, and no exit handler that waits for a lock.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, iterator::Signals, low_level};

use super::Signal;
use crate::stopper::Stopper;

/// Signals within this time after the first are part of it: some programs send one to a process, and again to its process
/// group.
const TWINS: Duration = Duration::from_millis(100);

/// Time that a run has to end after its grace time.
const OVERDUE: Duration = Duration::from_secs(1);

const SIGNALS: [(Signal, i32); 2] = [(Signal::Interrupt, SIGINT), (Signal::Terminate, SIGTERM)];

/// A guard of a run that a signal stops. It also holds the signal that did.
#[derive(Debug)]
pub(crate) struct Listening {
    number: u64,
    stopped_by: Arc<OnceLock<Signal>>,
}

#[derive(Debug)]
struct Listener {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Whether the handlers are installed and the thread runs.
    is_ready: bool,
    /// The first signal. It is never cleared: the process is about to end.
    received: Option<Signal>,
    runs: Vec<Listed>,
    number: u64,
}

#[derive(Clone, Debug)]
struct Listed {
    number: u64,
    /// How to stop it, and its grace time, once it has started.
    run: Option<(Stopper, Option<Duration>)>,
    stopped_by: Arc<OnceLock<Signal>>,
}

static LISTENER: Listener =
    Listener { state: Mutex::new(State { is_ready: false, received: None, runs: Vec::new(), number: 0 }) };

/// Stops a run when a signal comes, until the guard is dropped: see [`Listening::attach`].
///
/// # Errors
/// If the operating system refuses a handler, a pipe or a thread.
pub(crate) fn listen() -> io::Result<Listening> {
    let mut state = LISTENER.lock();
    if !state.is_ready {
        install()?;
        state.is_ready = true;
    }
    state.number += 1;
    let (number, stopped_by) = (state.number, Arc::default());
    state.runs.push(Listed { number, run: None, stopped_by: Arc::clone(&stopped_by) });
    Ok(Listening { number, stopped_by })
}

/// Installs the handlers and starts the thread.
fn install() -> io::Result<()> {
    // The order matters: the action that ends the process comes first. The thread arms it after the first signal.
    let leaves = Arc::new(AtomicBool::new(false));
    for (signal, number) in SIGNALS {
        flag::register_conditional_shutdown(number, i32::from(signal.exit_code()), Arc::clone(&leaves))?;
    }
    let mut signals = Signals::new(SIGNALS.map(|(_, number)| number))?;
    let thread = std::thread::Builder::new().name("pipeline-signals".to_owned());
    thread.spawn(move || {
        let known = |came| SIGNALS.into_iter().find(|(_, number)| *number == came);
        let mut came = signals.forever().filter_map(known);
        let Some(stopping) = came.find_map(|(signal, number)| LISTENER.receive(signal, number)) else {
            return;
        };
        std::thread::sleep(TWINS);
        // From here on the handlers end the process.
        leaves.store(true, Ordering::SeqCst);
        stopping.enforce_grace();
    })?;
    Ok(())
}

impl Listener {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops the runs that listen, and returns them. Called by the thread only.
    fn receive(&self, signal: Signal, number: i32) -> Option<Stopping> {
        let mut state = self.lock();
        if state.runs.is_empty() {
            drop(state);
            // No run listens: do what happens without a handler. It ends the process, so there is no error to handle.
            let _ = low_level::emulate_default_handler(number);
            return None;
        }
        state.received = Some(signal);
        let runs = state.runs.clone();
        drop(state);
        let graces: Vec<_> = runs.iter().filter_map(|run| Some(run.run.as_ref()?.1)).collect();
        let grace = if graces.contains(&None) { None } else { graces.into_iter().flatten().max() };
        runs.iter().for_each(|run| run.stop(signal));
        let waits = match grace {
            Some(grace) => format!("have at most {} to end", humantime::format_duration(grace)),
            None => "are waited for until they end".to_owned(),
        };
        print(format!(
            "{signal} was received: no further step starts, async steps are cancelled, steps on threads \
             {waits}; a second signal ends the process at once"
        ));
        Some(Stopping { signal, grace, runs })
    }
}

/// The runs that a signal has stopped.
struct Stopping {
    signal: Signal,
    grace: Option<Duration>,
    runs: Vec<Listed>,
}

impl Stopping {
    /// Ends the process if a run with a grace time does not end after it, because code that is no step holds its threads.
    fn enforce_grace(self) {
        let Some(grace) = self.grace else { return };
        std::thread::sleep(grace.saturating_add(OVERDUE));
        let state = LISTENER.lock();
        if !self.runs.iter().any(|run| state.runs.iter().any(|left| left.number == run.number)) {
            return;
        }
        print(format!(
            "the run has not ended after its grace time: an observer blocks, or something else that is no step. The process \
             ends without a report, because of {}",
            self.signal
        ));
        std::thread::sleep(TWINS);
        low_level::exit(i32::from(self.signal.exit_code()));
    }
}

impl Listed {
    /// Stops the run, if it has started and not ended.
    fn stop(&self, signal: Signal) {
        if let Some(run) = self.run.as_ref().and_then(|(stopper, _)| stopper.run()) {
            let _ = self.stopped_by.set(signal);
            run.stop(Some(&format!("{signal} was received")));
        }
    }
}

/// Writes to standard error. It may be closed, or take no more text for now, so nothing waits for it.
fn print(text: String) {
    let thread = std::thread::Builder::new().name("pipeline-signal-text".to_owned());
    let _ = thread.spawn(move || {
        let _ = io::stderr().write_all((text + "\n").as_bytes());
    });
}

impl Listening {
    /// Adds how to stop the run, once it has started. If a signal has come before, the run is stopped at once.
    pub(crate) fn attach(&self, stopper: Stopper, grace: Option<Duration>) {
        let mut state = LISTENER.lock();
        let received = state.received;
        let Some(listed) = state.runs.iter_mut().find(|run| run.number == self.number) else { return };
        listed.run = Some((stopper, grace));
        let listed = listed.clone();
        drop(state);
        if let Some(signal) = received {
            listed.stop(signal);
        }
    }

    /// Returns the signal that stopped the run.
    pub(crate) fn stopped_by(&self) -> Option<Signal> {
        self.stopped_by.get().copied()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        LISTENER.lock().runs.retain(|run| run.number != self.number);
    }
}
