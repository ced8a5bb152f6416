//! Runs the program, collects its output, and makes sure that it ends.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::folder::Folder;
use crate::process::LIMIT;
use crate::support::command;

/// The running program.
pub(crate) struct Program {
    child: Child,
    said: Arc<Said>,
    /// Disconnected once both streams are closed.
    is_closed: mpsc::Receiver<()>,
    begun: Instant,
    /// Removed with the program.
    _folder: Option<Folder>,
}

/// The output so far, of both streams.
#[derive(Default)]
struct Said {
    text: Mutex<String>,
    more: Condvar,
}

/// The program after its end.
pub(crate) struct Ended {
    status: ExitStatus,
    pub(crate) said: String,
}

/// Runs `faults run TERMS…` to its end.
pub(crate) fn run(arguments: &str) -> Ended {
    Program::start("", &format!("run {arguments}")).end()
}

fn spawn(folder: &Path, mode: &str, arguments: &str) -> Child {
    let mut command = command("faults", folder);
    command.args(arguments.split_whitespace()).env("FAULTS", mode);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

impl Program {
    /// Starts the program in a new folder; `mode` selects what its `main` does.
    pub(crate) fn start(mode: &str, arguments: &str) -> Self {
        let folder = Folder::new();
        Program::of(spawn(&folder, mode, arguments), Some(folder))
    }

    /// Starts the program in `folder`.
    pub(crate) fn start_in(folder: &Path, mode: &str, arguments: &str) -> Self {
        Program::of(spawn(folder, mode, arguments), None)
    }

    fn of(mut child: Child, folder: Option<Folder>) -> Self {
        let said = Arc::<Said>::default();
        let (open, is_closed) = mpsc::channel();
        said.listen(child.stdout.take().unwrap(), open.clone());
        said.listen(child.stderr.take().unwrap(), open);
        Program { child, said, is_closed, begun: Instant::now(), _folder: folder }
    }

    /// Waits until it has printed `wanted`.
    pub(crate) fn wait_for(&self, wanted: &str) {
        let text = self.said.text.lock().unwrap();
        let (text, waited) =
            self.said.more.wait_timeout_while(text, LIMIT, |text| !text.contains(wanted)).unwrap();
        assert!(!waited.timed_out(), "it never said {wanted:?}:\n{text}");
    }

    pub(crate) fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it has ended.
    pub(crate) fn end(mut self) -> Ended {
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(self.begun.elapsed() < LIMIT, "it hangs:\n{}", self.said.text.lock().unwrap());
            std::thread::sleep(Duration::from_millis(2));
        };
        let closed = self.is_closed.recv_timeout(LIMIT);
        assert_eq!(closed, Err(RecvTimeoutError::Disconnected), "another process keeps its output open");
        Ended { status, said: self.said.text.lock().unwrap().clone() }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It is still alive only if a test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Said {
    /// Reads a stream until it is closed; `open` is dropped then.
    fn listen(self: &Arc<Self>, stream: impl Read + Send + 'static, open: mpsc::Sender<()>) {
        let said = Arc::clone(self);
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines() {
                let line = line.unwrap();
                let mut text = said.text.lock().unwrap();
                text.push_str(&line);
                text.push('\n');
                said.more.notify_all();
            }
            drop(open);
        });
    }
}

impl Ended {
    /// The JSON that it printed.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        self.exits(0);
        serde_json::from_str(&self.said).unwrap_or_else(|error| panic!("{error}:\n{}", self.said))
    }

    /// Asserts this exit code.
    #[track_caller]
    pub(crate) fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.status.code(), Some(code), "{}\n{}", self.status, self.said);
        self
    }

    /// Asserts that the signal itself ended it.
    #[track_caller]
    pub(crate) fn was_killed_by(&self, signal: Signal) -> &Self {
        assert_eq!(self.status.signal(), Some(signal.as_raw()), "{}\n{}", self.status, self.said);
        self
    }

    /// Asserts that it printed all of this.
    #[track_caller]
    pub(crate) fn says(&self, wanted: &[&str]) -> &Self {
        for wanted in wanted {
            assert!(self.said.contains(wanted), "it did not say {wanted:?}:\n{}", self.said);
        }
        self
    }

    /// Asserts that the table of steps has this step with this status.
    #[track_caller]
    pub(crate) fn step(&self, name: &str, status: &str) -> &Self {
        let is_row = |line: &str| {
            let mut words = line.split_whitespace();
            words.next() == Some(name) && words.next() == Some(status)
        };
        assert!(self.said.lines().any(is_row), "`{name}` is not {status}:\n{}", self.said);
        self
    }
}
