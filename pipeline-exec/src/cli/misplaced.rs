//! A command where a step was expected: `-p a=1 plan`, `lst`.

use clap::CommandFactory;
use pipeline_core::{ProblemCode, is_slip};

use super::args::Args;
use super::wording::one_line;
use super::{Refusal, again};
use crate::pipeline::Pipeline;

/// Why the first term selects nothing, where it is a command, or nearly one.
pub(super) fn command(terms: &[String], pipeline: &Pipeline) -> Option<Refusal> {
    let first = terms.first()?;
    let problems = pipeline.plan().err()?;
    if !problems.has(ProblemCode::UnknownTarget) {
        return None;
    }
    let command = Args::command();
    let is_meant = |verb: &&str| *verb == first || is_slip(first, verb);
    let verb = command.get_subcommands().map(clap::Command::get_name).find(is_meant)?;
    let program = again::program();
    if verb == first {
        return Some(Refusal::Usage(format!(
            "`{verb}` is a command, and a command comes first\nhint: write `{program} {verb}`, and its options behind that"
        )));
    }
    // Where a step is called nearly so, the problem names it.
    let is_step = problems.to_string().contains("did you mean");
    (!is_step).then(|| {
        let first = one_line(first);
        Refusal::Usage(format!(
            "there is no command and no step `{first}`\nhint: did you mean `{program} {verb}`?"
        ))
    })
}
