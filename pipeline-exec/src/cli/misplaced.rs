//! Hints for a word in the wrong place: `-p a=1 plan`, `lst`, `--list`, `--orders`, `--resume`.
//!
//! They look at all that has a name: commands, options, settings, run parameters, steps, groups and tags.

use std::collections::BTreeMap;

use pipeline_core::{InputKind, ProblemCode, closest, is_slip};

use super::args::RunArgs;
use super::exit::Refusal;
use super::program::program;
use super::wording::one_line;
use crate::pipeline::Pipeline;
use crate::settings::row::{flags, run_rows};

/// Words of other systems for running again what failed.
const AGAIN: [&str; 4] = ["continue", "restart", "rerun", "retry-failed"];

/// Something with a name: what it is, and how it is written.
struct Known {
    what: String,
    written: String,
}

/// All that has a name, by it. Of several with one name, the first counts.
struct Names(BTreeMap<String, Known>);

impl Names {
    fn add(&mut self, name: &str, what: &str, written: String) {
        let known = || Known { what: what.to_owned(), written };
        self.0.entry(name.to_owned()).or_insert_with(known);
    }

    /// Collects the options of a command, or of all others if it is `None`.
    fn of(command: &clap::Command, verb: Option<&str>, pipeline: &Pipeline) -> Self {
        let mut names = Names(BTreeMap::new());
        let program = program();
        let here = verb.and_then(|verb| command.find_subcommand(verb)).unwrap_or(command);
        for long in here.get_arguments().filter_map(clap::Arg::get_long) {
            names.add(long, "an option", format!("--{long}"));
        }
        for other in command.get_subcommands() {
            names.add(other.get_name(), "a command", format!("{program} {}", other.get_name()));
        }
        for other in command.get_subcommands() {
            for long in other.get_arguments().filter_map(clap::Arg::get_long) {
                let what = format!("an option of `{}`", other.get_name());
                names.add(long, &what, format!("{program} {} --{long}", other.get_name()));
            }
        }
        let of_steps = flags().map(|(flag, key, _)| (flag.long.to_owned(), key));
        for (name, key) in of_steps.chain(run_rows().map(|row| (row.key.to_owned(), row.key.to_owned()))) {
            names.add(&name.replace('_', "-"), "a setting", format!("--set {key}=VALUE"));
        }
        for def in pipeline.defs() {
            for input in def.inputs.iter() {
                if let InputKind::Param(param) = &input.kind {
                    names.add(&param.name, "a run parameter", format!("-p {}=VALUE", param.name));
                }
            }
            names.add(&def.name, "a step", def.name.to_string());
            for (kind, label) in def
                .group
                .iter()
                .map(|group| ("group", &**group))
                .chain(def.tags.iter().map(|tag| ("tag", *tag)))
            {
                names.add(label, &format!("a {kind}"), format!("{kind}:{label}"));
            }
        }
        names
    }

    /// Returns a hint for a word that is known elsewhere.
    fn exact(&self, word: &str) -> Option<String> {
        let dashed = word.replace('_', "-");
        let known = self.0.get_key_value(word).or_else(|| self.0.get_key_value(&dashed));
        known.map(|(word, Known { what, written })| format!("`{word}` is {what}: write `{written}`"))
    }

    /// Returns a hint for a word that is known elsewhere, or close to one that is.
    fn hint(&self, word: &str) -> Option<String> {
        let again = || {
            let prints = || {
                format!(
                    "`{} run --resume` goes on where the latest run ended that did not succeed; `run --again RUN` repeats one",
                    program()
                )
            };
            AGAIN.contains(&word).then(prints)
        };
        // Of words that are equally far away, an option is meant most often.
        let is_option = |name: &&str| self.0[*name].what == "an option";
        let keys = || self.0.keys().map(String::as_str);
        let close = || {
            let close = closest(word, keys().filter(is_option)).or_else(|| closest(word, keys()))?;
            Some(format!("did you mean `{}`?", self.0[close].written))
        };
        self.exact(word).or_else(again).or_else(close)
    }
}

/// Returns the refusal of a run, or a better one if its first term is a command or an option, or nearly one.
pub(super) fn command(
    run: &RunArgs,
    refusal: Refusal,
    command: &clap::Command,
    pipeline: &Pipeline,
) -> Refusal {
    let Refusal::Problems(problems) = &refusal else { return refusal };
    let Some(first) = run.selection.terms.first() else { return refusal };
    let unknown = format!("there is no step `{first}`");
    let problem = problems.iter().find(|problem| problem.message == unknown);
    let Some(problem) = problem.filter(|problem| problem.code == ProblemCode::UnknownTarget) else {
        return refusal;
    };
    let program = program();
    let verbs = || command.get_subcommands().map(clap::Command::get_name);
    if verbs().any(|verb| verb == first) {
        return Refusal::Usage(format!(
            "`{first}` is a command, and commands come first\nhint: write `{program} {first}`, then its options"
        ));
    }
    let names = Names::of(command, None, pipeline);
    let word = first.split_once('=').map_or(first.as_str(), |(name, _)| name);
    let says = |text| problem.hint.as_ref().is_some_and(|hint| hint.contains(text));
    let close = || match verbs().find(|verb| is_slip(first, verb)) {
        Some(verb) => Some(format!("did you mean `{program} {verb}`?")),
        None => names.hint(word),
    };
    let hint = match names.exact(word) {
        // The problem says what it is, or names something similar.
        _ if says(", not a step") => None,
        Some(exact) => Some(exact),
        None if says("did you mean") => None,
        None => close(),
    };
    let Some(hint) = hint else { return refusal };
    // What follows the sign may be a secret.
    let shown = if word == first { one_line(first) } else { format!("{}=…", one_line(word)) };
    Refusal::Usage(format!("there is no command and no step `{shown}`\nhint: {hint}"))
}

/// Returns the refusal of an option that does not exist, if the error is about one.
pub(super) fn option(error: &clap::Error, command: &clap::Command, pipeline: &Pipeline) -> Option<Refusal> {
    use clap::error::{ContextKind, ContextValue, ErrorKind};
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else { return None };
    let word = option.strip_prefix("--")?;
    let verb = std::env::args().nth(1).filter(|first| command.find_subcommand(first).is_some());
    let (option, program) = (one_line(option), program());
    let help = verb
        .as_deref()
        .map_or_else(|| format!("{program} --help"), |verb| format!("{program} {verb} --help"));
    let hint = Names::of(command, verb.as_deref(), pipeline).hint(word);
    let hint = hint.map_or_else(
        || format!("`{help}` lists the options"),
        |hint| format!("{hint} (`{help}` lists the options)"),
    );
    Some(Refusal::Usage(format!("unexpected argument `{option}`\nhint: {hint}")))
}
