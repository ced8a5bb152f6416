//! A command in the place of a step: `-p a=1 plan`, `lst`.

use pipeline_core::{ProblemCode, is_slip};

use super::args::RunArgs;
use super::exit::Refusal;
use super::program::program;
use super::wording::one_line;

/// Returns the refusal of a run, or a better one if its first term is a command, or nearly one.
pub(super) fn command(run: &RunArgs, refusal: Refusal, command: &clap::Command) -> Refusal {
    let Refusal::Problems(problems) = &refusal else { return refusal };
    let Some(first) = run.selection.terms.first() else { return refusal };
    let is_meant = |verb: &&str| *verb == first || is_slip(first, verb);
    let verb = command.get_subcommands().map(clap::Command::get_name).find(is_meant);
    let Some(verb) = verb.filter(|_| problems.has(ProblemCode::UnknownTarget)) else { return refusal };
    let program = program();
    if verb == first {
        return Refusal::Usage(format!(
            "`{verb}` is a command, and commands come first\nhint: write `{program} {verb}`, then its options"
        ));
    }
    // The problem names a step with a similar name.
    if problems.to_string().contains("did you mean") {
        return refusal;
    }
    let first = one_line(first);
    Refusal::Usage(format!(
        "there is no command and no step `{first}`\nhint: did you mean `{program} {verb}`?"
    ))
}
