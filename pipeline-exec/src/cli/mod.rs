//! The command line behind `pipeline::main()`.
//!
//! ```text
//! run [TERMS…]     run the selected steps and everything they need (the default)
//! plan [TERMS…]    show what would run, without running it
//! list             show every registered step
//! graph            draw the graph as text, dot, mermaid, svg, html or json
//! info             show the settings in force, and what machine and build support
//! step NAME        run one step and what it needs, with full detail
//! completions      print a completion script for a shell
//! runs [STEP]      show the recorded runs, and trends
//! report [RUN]     show the report of a recorded run
//! diff [A] [B]     show the differences between two recorded runs
//! cache VERB       list, show, check, remove or export stored values, or say why a step is not found
//! lineage NAME     show what a stored value was made of, and what was made of it
//! explain [CODE]   explain an error code and how to fix it
//! ```
//! Exit codes: 0 every step succeeded (optional ones aside), 1 a step failed or timed out, 2 wrong use or an invalid graph
//! (nothing ran), 3 the environment failed, 130 and 143 after SIGINT and SIGTERM (`signals`).

mod again;
mod args;
mod cache;
mod caching;
mod columns;
mod command;
mod command_line;
mod completions;
mod diff;
mod exit;
mod explain;
mod forecast;
mod graph;
mod info;
mod inputs;
mod lineage;
mod lines;
mod list;
mod live;
mod misplaced;
mod needs;
mod output;
mod paint;
mod params;
mod pipelines;
mod plan;
mod program;
mod repeat;
mod report;
mod run;
mod runs;
mod runs_dir;
mod settings;
mod step;
mod summary;
mod wording;

use std::error::Error;
use std::process::ExitCode;

pub use self::pipelines::Program;
use crate::pipeline::Pipeline;

/// Runs the command line over every step registered in this program: the `main` of a pipeline binary.
///
/// `fn main() -> std::process::ExitCode { pipeline::main() }`
pub fn main() -> ExitCode {
    main_with(async |pipeline| Ok(pipeline))
}

/// Like [`main`], but `prepare` first gives the pipeline resources, run parameters or settings. It may wait and fail.
///
/// It is called for the verbs that need the whole pipeline: `run`, `step`, `plan`, `info`. [`Program::pipeline_with`]
/// says what its failure means. A [`Program`] has several pipelines, or one with a name.
///
/// What code sets, run parameter or setting, wins over flags, environment and file: set only what a user must not
/// change. A setting counts as set if a method of [`Settings`](crate::Settings) or of the pipeline was called for it,
/// with any value, or if its field differs from the default. The user can set the others. Steps that the command line
/// names replace the targets that code has set.
///
/// ```no_run
/// # struct Database;
/// # impl Database { async fn connect() -> std::io::Result<Self> { Ok(Database) } }
/// fn main() -> std::process::ExitCode {
///     pipeline_exec::main_with(async |pipeline| Ok(pipeline.resource(Database::connect().await?)))
/// }
/// ```
pub fn main_with(
    prepare: impl AsyncFnOnce(Pipeline) -> Result<Pipeline, Box<dyn Error + Send + Sync>> + Send + 'static,
) -> ExitCode {
    Program::of_one(prepare).main()
}
