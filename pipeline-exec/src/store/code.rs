//! What the code of a step is known by.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::OnceLock;

use pipeline_core::Plan;

use super::files::{self, Memo};
use super::key::Content;
use super::record::{CodeBy, RecordedCode};

/// Start of a trace that says why it does not know what the step can reach.
const UNKNOWN: char = '!';

/// Returns what the code of a step is known by: its own version, or else the trace of what it can reach, or else the whole
/// program.
///
/// # Errors
/// Why the program cannot be read.
pub(crate) fn code_of(plan: &Plan, step: usize, memo: &Memo) -> Result<RecordedCode, String> {
    let policy = plan.policy(step);
    if let Some(version) = policy.version {
        return Ok(RecordedCode { by: CodeBy::Version, hash: version.to_owned() });
    }
    match plan.spec(step).def().trace.filter(|trace| !trace.starts_with(UNKNOWN)) {
        Some(trace) => Ok(RecordedCode { by: CodeBy::Trace, hash: trace.to_owned() }),
        None => program(memo).map(|hash| RecordedCode { by: CodeBy::Program, hash: hash.to_owned() }),
    }
}

/// Returns the hash of this program's file. It is read once in a process, and not at all if its hash is remembered.
fn program(memo: &Memo) -> Result<&'static str, String> {
    static PROGRAM: OnceLock<Result<String, String>> = OnceLock::new();
    let hash = PROGRAM.get_or_init(|| {
        let content = hash_of_program(memo);
        content
            .map(|content| content.to_string())
            .map_err(|error| format!("the program's own file cannot be read: {error}"))
    });
    hash.as_deref().map_err(Clone::clone)
}

fn hash_of_program(memo: &Memo) -> io::Result<Content> {
    let path = std::env::current_exe()?;
    // The name may be that of another file by now.
    let running = if cfg!(target_os = "linux") { Path::new("/proc/self/exe") } else { &path };
    if is_same_file(&path, running) {
        return files::content_of_file(&path, memo);
    }
    let mut hash = blake3::Hasher::new();
    hash.update_reader(File::open(running)?)?;
    Ok(hash.finalize().into())
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let id = |path: &Path| std::fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
        id(one).is_some_and(|one| Some(one) == id(other))
    }
    #[cfg(not(unix))]
    {
        one == other
    }
}
