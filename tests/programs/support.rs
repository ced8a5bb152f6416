//! The examples as programs: built once for all tests, and started in a clean environment.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use crate::process::{self, LIMIT, LIMIT_OF_A_BUILD};

pub(crate) const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The folder of the built examples. Cargo holds no lock while it runs tests, so this build does not wait for it.
static EXAMPLES: LazyLock<PathBuf> = LazyLock::new(|| {
    // This program is TARGET/PROFILE/deps/programs-…
    let program = std::env::current_exe().unwrap();
    let profile = program.ancestors().nth(2).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--examples", "--features", "cli", "--target-dir"]);
    cargo.arg(profile.parent().unwrap());
    if !profile.ends_with("debug") {
        cargo.arg("--profile").arg(profile.file_name().unwrap());
    }
    ran_within(cargo.current_dir(ROOT), LIMIT_OF_A_BUILD).exits(0);
    profile.join("examples")
});

/// The path of a built example.
pub(crate) fn path(example: &str) -> PathBuf {
    EXAMPLES.join(example).with_extension(std::env::consts::EXE_EXTENSION)
}

/// A command that runs an example in a folder, in which its runs are recorded too.
pub(crate) fn command(example: &str, folder: &Path) -> Command {
    let mut command = Command::new(path(example));
    // Messages call a program by the name it was started with.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::arg0(&mut command, example);
    clean(&mut command);
    command.current_dir(folder).stdin(Stdio::null());
    command
}

/// Removes the variables that change what a program does or prints.
pub(crate) fn clean(command: &mut Command) {
    let names = std::env::vars_os().map(|(name, _)| name);
    for name in names.filter(|name| name.to_string_lossy().starts_with("PIPELINE_")) {
        command.env_remove(name);
    }
    for name in ["CARGO", "RUST_BACKTRACE", "COLUMNS", "NO_COLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
}

/// A program that has ended: its exit code, standard output and standard error.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a command to its end.
#[track_caller]
pub(crate) fn ran(command: &mut Command) -> Ran {
    ran_within(command, LIMIT)
}

/// The same with standard output and standard error as given.
#[track_caller]
pub(crate) fn ran_with(command: &mut Command, streams: [Stdio; 2]) -> Ran {
    Ran::of(process::output_to(command, streams, LIMIT))
}

#[track_caller]
fn ran_within(command: &mut Command, limit: Duration) -> Ran {
    Ran::of(process::output(command, limit))
}

impl Ran {
    fn of(output: std::process::Output) -> Self {
        let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        Ran { code: output.status.code().unwrap(), out, err }
    }

    /// Asserts this exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}:\n{}", self.out))
    }
}
