//! Runs the program, listens to it, and sees to it that it ends.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// What takes longer hangs.
const LIMIT: Duration = Duration::from_secs(30);

static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
    // This program is TARGET/PROFILE/deps/faults-…
    let program = std::env::current_exe().unwrap();
    let profile = program.ancestors().nth(2).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--example", "faults", "--features", "cli", "--target-dir"]);
    cargo.arg(profile.parent().unwrap());
    if !profile.ends_with("debug") {
        cargo.arg("--profile").arg(profile.file_name().unwrap());
    }
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    profile.join("examples/faults")
});

/// The program, running.
pub(crate) struct Program {
    child: Child,
    said: Arc<Said>,
    readers: Vec<JoinHandle<()>>,
    begun: Instant,
}

/// What it has said so far, on both of its streams.
#[derive(Default)]
struct Said {
    text: Mutex<String>,
    more: Condvar,
}

/// The program, ended.
pub(crate) struct Ended {
    status: ExitStatus,
    pub(crate) said: String,
    pub(crate) elapsed: Duration,
}

/// Runs `faults run TERMS…` to its end.
pub(crate) fn run(arguments: &str) -> Ended {
    Program::start("", &format!("run {arguments}")).end()
}

/// Where the program is.
pub(crate) fn path() -> &'static Path {
    &BUILT
}

impl Program {
    /// Starts the program in the way that `mode` names, with arguments in one text.
    pub(crate) fn start(mode: &str, arguments: &str) -> Self {
        Program::start_in(&std::env::temp_dir(), mode, arguments)
    }

    /// The same in a folder.
    pub(crate) fn start_in(folder: &Path, mode: &str, arguments: &str) -> Self {
        let mut command = Command::new(&*BUILT);
        command
            .args(arguments.split_whitespace())
            .env("FAULTS", mode)
            .env_remove("RUST_BACKTRACE")
            .env_remove("COLUMNS");
        // Runs are recorded out of the way.
        command.env("PIPELINE_RUNS_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/faults-runs"));
        let begun = Instant::now();
        let mut child = command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::<Said>::default();
        let readers =
            vec![said.listen(child.stdout.take().unwrap()), said.listen(child.stderr.take().unwrap())];
        Program { child, said, readers, begun }
    }

    /// Waits until it has said this.
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
        let elapsed = self.begun.elapsed();
        self.readers.drain(..).for_each(|reader| reader.join().unwrap());
        Ended { status, said: self.said.text.lock().unwrap().clone(), elapsed }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Only where a test has failed is there anything to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Said {
    fn listen(self: &Arc<Self>, stream: impl Read + Send + 'static) -> JoinHandle<()> {
        let said = Arc::clone(self);
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines() {
                let line = line.unwrap();
                let mut text = said.text.lock().unwrap();
                text.push_str(&line);
                text.push('\n');
                said.more.notify_all();
            }
        })
    }
}

impl Ended {
    /// The JSON that it printed.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        self.exits(0);
        serde_json::from_str(&self.said).unwrap_or_else(|error| panic!("{error}:\n{}", self.said))
    }

    /// It exited with this code, and did not wait for a thread that never ends.
    #[track_caller]
    pub(crate) fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.status.code(), Some(code), "{}\n{}", self.status, self.said);
        assert!(self.elapsed < Duration::from_secs(15), "{:?}\n{}", self.elapsed, self.said);
        self
    }

    /// The signal itself ended it.
    #[track_caller]
    pub(crate) fn was_killed_by(&self, signal: Signal) -> &Self {
        assert_eq!(self.status.signal(), Some(signal.as_raw()), "{}\n{}", self.status, self.said);
        self
    }

    /// It said all of this.
    #[track_caller]
    pub(crate) fn says(&self, wanted: &[&str]) -> &Self {
        for wanted in wanted {
            assert!(self.said.contains(wanted), "it did not say {wanted:?}:\n{}", self.said);
        }
        self
    }

    /// A line of the table of steps: this step ended so.
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
