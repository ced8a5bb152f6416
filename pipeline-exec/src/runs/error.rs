//! Errors of the runs directory.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use pipeline_core::ProblemCode;

use crate::text::clean;

/// Maximum number of matching runs or steps that are named.
pub(super) const MOST_CANDIDATES: usize = 5;

/// Why a run could not be recorded, or a record could not be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// A file or folder could not be written, read or created.
    Io {
        /// What was tried: "write", "read", "make".
        tried: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// No run of this directory matches.
    UnknownRun {
        /// What was asked for.
        asked: String,
        /// The directory.
        dir: PathBuf,
        /// The pipeline, if only its runs were counted back.
        pipeline: Option<String>,
        /// Number of the runs that were looked at.
        runs: usize,
    },
    /// Several runs match.
    AmbiguousRun {
        /// What was asked for.
        asked: String,
        /// The ids of the first few.
        candidates: Vec<String>,
    },
    /// Several recorded steps match.
    AmbiguousStep {
        /// What was asked for.
        asked: String,
        /// The identities of the first few.
        candidates: Vec<String>,
    },
    /// The run was to be the only one of its pipeline, and this one is under way.
    AlreadyRunning {
        /// The id of the run under way.
        run_id: String,
        /// When it began, in milliseconds since 1970.
        started_unix_ms: u64,
        /// The directory.
        dir: PathBuf,
    },
    /// The history has the run, but its files were removed.
    FilesGone {
        /// The id of the run.
        run_id: String,
    },
    /// The file was written by a later version of the framework.
    Newer {
        /// The file.
        path: PathBuf,
        /// The version of its schema.
        found: u32,
        /// The latest version that this program reads.
        known: u32,
    },
    /// The file is damaged.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The database of the history failed.
    Database {
        /// Its file.
        path: PathBuf,
        /// Its error.
        why: String,
    },
}

impl StoreError {
    pub(super) fn io(tried: &'static str, path: impl AsRef<Path>, source: io::Error) -> Self {
        StoreError::Io { tried, path: path.as_ref().to_owned(), source }
    }

    /// `candidates` are identities of steps.
    #[cfg(any(feature = "outputs", feature = "cli"))]
    pub(crate) fn ambiguous_step(asked: &str, candidates: &[&str]) -> Self {
        let candidates = candidates.iter().take(MOST_CANDIDATES).map(|&step| step.to_owned()).collect();
        StoreError::AmbiguousStep { asked: asked.to_owned(), candidates }
    }

    /// Returns the reason without the file, for a list that names it.
    pub(super) fn reason(&self) -> String {
        match self {
            StoreError::Io { source, .. } => source.to_string(),
            other => other.to_string(),
        }
    }

    /// Reports whether another run is the reason.
    pub(crate) fn is_of_another_run(&self) -> bool {
        matches!(self, StoreError::AlreadyRunning { .. })
    }

    /// The code of the problem of a run that cannot be recorded.
    pub(crate) const PROBLEM: ProblemCode = ProblemCode::Environment;

    /// Reports whether the request is wrong, rather than the files.
    #[cfg(feature = "cli")]
    pub(crate) fn is_wrong_use(&self) -> bool {
        matches!(
            self,
            StoreError::UnknownRun { .. }
                | StoreError::AmbiguousRun { .. }
                | StoreError::AmbiguousStep { .. }
                | StoreError::FilesGone { .. }
        )
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Io { tried, path, source } => write!(f, "cannot {tried} {}: {source}", shown(path)),
            StoreError::UnknownRun { dir, pipeline, runs: 0, .. } => {
                write!(
                    f,
                    "no run of {} is recorded in {}\nhint: runs are recorded as they run: run one first",
                    whose(pipeline.as_deref()),
                    shown(dir)
                )
            }
            StoreError::UnknownRun { asked, dir, pipeline, runs } => write!(
                f,
                "no run of {} in {} is named `{}`; there are {runs}\n\
                 hint: name one by the first or last characters of its id, or as `latest`, `-1`, `-2`; `runs` lists them",
                whose(pipeline.as_deref()),
                shown(dir),
                shortened(asked)
            ),
            StoreError::AmbiguousRun { asked, candidates } => write!(
                f,
                "`{}` names several runs: {}\nhint: give more characters of the id",
                shortened(asked),
                candidates.iter().map(|id| clean(id)).collect::<Vec<_>>().join(", ")
            ),
            StoreError::AmbiguousStep { asked, candidates } => write!(
                f,
                "`{}` names several recorded steps: {}\nhint: use one of these names",
                shortened(asked),
                candidates.iter().map(|step| clean(step)).collect::<Vec<_>>().join(", ")
            ),
            StoreError::AlreadyRunning { run_id, dir, .. } => write!(
                f,
                "run {} of the same pipeline is under way, and records in {}",
                clean(run_id),
                shown(dir)
            ),
            StoreError::FilesGone { run_id } => write!(
                f,
                "run {} is no longer there: its files were removed, and only its rows in the history are left\n\
                 hint: `keep_runs` says of how many runs the files are kept",
                clean(run_id)
            ),
            StoreError::Newer { path, found, known } => write!(
                f,
                "{} was written by a later version: its schema is {found}, and this program reads up to {known}\n\
                 hint: read it with a program that uses the later version",
                shown(path)
            ),
            StoreError::Damaged { path, why } => write!(f, "{} cannot be read: {}", shown(path), clean(why)),
            StoreError::Database { path, why } => {
                write!(f, "the history {} does not answer: {}", shown(path), clean(why))
            }
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            StoreError::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Returns a path without control characters.
pub(super) fn shown(path: &Path) -> String {
    clean(&path.display().to_string())
}

/// Says of what the runs are: of a pipeline, or of the whole program.
pub(crate) fn whose(pipeline: Option<&str>) -> String {
    pipeline.map_or_else(|| "this program".to_owned(), |name| format!("pipeline `{}`", shortened(name)))
}

/// Shortens what a user typed.
fn shortened(text: &str) -> String {
    const MOST: usize = 60;
    let mut short = clean(&text.chars().take(MOST).collect::<String>()).replace('\n', "\\n");
    if text.chars().nth(MOST).is_some() {
        short.push('…');
    }
    short
}
