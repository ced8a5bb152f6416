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
//! explain [CODE]   explain an error code and how to fix it
//! ```
//! Exit codes: 0 every step succeeded (optional ones aside), 1 a step failed or timed out, 2 wrong use or an invalid graph
//! (nothing ran), 3 the environment failed, 130 and 143 after SIGINT and SIGTERM (`signals`).

mod again;
mod args;
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
mod lines;
mod list;
mod live;
mod misplaced;
mod needs;
mod output;
mod paint;
mod params;
mod plan;
mod program;
mod report;
mod run;
mod runs;
mod settings;
mod step;
mod store;
mod summary;
mod wording;

use std::process::ExitCode;

use clap::FromArgMatches;

use self::command::{Args, command};
use self::exit::{INVALID, OK};
use crate::pipeline::Pipeline;

/// Runs the command line over every step registered in this program: the `main` of a pipeline binary.
///
/// `fn main() -> std::process::ExitCode { pipeline::main() }`
pub fn main() -> ExitCode {
    main_with(|pipeline| pipeline)
}

/// Like [`main`], but `prepare` first gives the pipeline resources, parameters or settings.
///
/// What code sets, run parameter or setting, wins over flags, environment and file: set only what a user must not
/// change. A setting counts as set if a method of [`Settings`](crate::Settings) or of the pipeline was called for it,
/// with any value, or if its field differs from the default. The user can set the others.
pub fn main_with(prepare: impl FnOnce(Pipeline) -> Pipeline) -> ExitCode {
    paint::no_colours_on_a_dumb_terminal();
    let command = command();
    let read = command
        .clone()
        .try_get_matches()
        .and_then(|matches| Ok((Args::from_arg_matches(&matches)?, command_line::of(&command, &matches))));
    let (args, line) = match read {
        Ok(read) => read,
        Err(error) => {
            // Help and version are errors of clap, too: they go to standard output, with code 0.
            let code = if error.use_stderr() { INVALID } else { OK };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let mut pipeline = prepare(Pipeline::all());
    if let Some(line) = line {
        pipeline = pipeline.started_by(line);
    }
    ExitCode::from(command::execute(args, pipeline).unwrap_or_else(|refusal| refusal.print()))
}
