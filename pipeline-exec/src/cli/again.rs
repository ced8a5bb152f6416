//! The command to go on with: this program as the user called it, for what is left to do.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, CommandFactory};
use pipeline_core::frame::Status;

use super::args::Args;
use crate::report::RunReport;

/// More steps than this are not named one by one: the run is repeated as it was.
const MOST_TERMS: usize = 8;

/// A command, and what it does not tell.
pub(super) struct Again {
    /// To be typed as it is, but for values of run parameters: they may be secret, and are never printed.
    pub(super) command: String,
    /// The names of the run parameters that were given on the command line.
    pub(super) values_of: Vec<String>,
}

/// Runs again what did not succeed, with what needs it, and otherwise as before.
pub(super) fn command(report: &RunReport) -> Again {
    let command = Args::command();
    let given = command.clone().try_get_matches().ok();
    let (options, terms) = given.as_ref().map_or_else(Default::default, |matches| {
        let (command, matches) = match matches.subcommand() {
            Some((name, matches)) => (command.find_subcommand(name).unwrap_or(&command), matches),
            None => (&command, matches),
        };
        (options(command, matches), values(matches, "terms"))
    });
    let left = left_to_do(report, terms.is_empty());
    let terms = if left.is_empty() { terms } else { left };
    let words = std::iter::once("run".to_owned()).chain(terms).chain(options.words);
    let words: Vec<String> = words.map(|word| quoted(&word)).collect();
    Again { command: format!("{} {}", program(), words.join(" ")), values_of: options.params }
}

/// The same for a run of which only the report is known, not its command line.
pub(super) fn command_of_recorded(report: &RunReport) -> Again {
    // A report that was made of a journal does not have the steps that had not begun: all is run again.
    let has_all = report.counts.planned == report.steps.len();
    let left = if has_all { left_to_do(report, true) } else { Vec::new() };
    let words = std::iter::once("run".to_owned()).chain(left.iter().map(|word| quoted(word)));
    Again { command: format!("{} {}", program(), words.collect::<Vec<_>>().join(" ")), values_of: Vec::new() }
}

/// Where the pages of these codes are; `None` for no code.
pub(super) fn explain(codes: &[&str]) -> Option<String> {
    let (first, others) = codes.split_first()?;
    let also = if others.is_empty() { String::new() } else { format!(" (and {})", others.join(", ")) };
    Some(format!("more: `{} explain {first}`{also}", program()))
}

/// The terms that select what did not succeed. Where the whole graph was run, `x+` takes all that needs `x`; otherwise only
/// what was asked for is, so its last steps are named.
fn left_to_do(report: &RunReport, whole_graph: bool) -> Vec<String> {
    let failed = |status: Status| status.is_failure() || status == Status::Cancelled;
    let mut terms: Vec<String> = Vec::new();
    if whole_graph {
        let failed = report.steps.iter().filter(|step| failed(step.status) && !step.optional);
        terms.extend(failed.take(MOST_TERMS + 1).map(|step| format!("{}+", step.name)));
    } else {
        let mut is_needed = vec![false; report.steps.len()];
        let is_left = |status| failed(status) || status == Status::Skipped;
        for step in report.steps.iter().filter(|step| is_left(step.status)) {
            step.upstream.iter().for_each(|&earlier| is_needed[earlier] = true);
        }
        let left = report.steps.iter().zip(is_needed);
        let last = left.filter(|(step, needed)| is_left(step.status) && !needed && !step.optional);
        terms.extend(last.take(MOST_TERMS + 1).map(|(step, _)| step.name.clone()));
    }
    if terms.len() > MOST_TERMS { Vec::new() } else { terms }
}

#[derive(Default)]
struct Options {
    words: Vec<String>,
    params: Vec<String>,
}

/// The options as they were given on the command line, but for run parameters, of which only the names are kept.
fn options(command: &clap::Command, matches: &ArgMatches) -> Options {
    let mut options = Options::default();
    for arg in command.get_arguments() {
        let id = arg.get_id().as_str();
        if id == "terms" || matches.value_source(id) != Some(ValueSource::CommandLine) {
            continue;
        }
        let values = values(matches, id);
        let name = |pair: &String| pair.split_once('=').map_or(pair.clone(), |(name, _)| name.to_owned());
        if id == "params" {
            options.params.extend(values.iter().map(name));
            continue;
        }
        let (of_params, values): (Vec<_>, Vec<_>) =
            values.into_iter().partition(|value| id == "set" && value.starts_with("params."));
        options.params.extend(of_params.iter().map(name));
        let Some(flag) = arg.get_long().map(|long| format!("--{long}")) else { continue };
        match arg.get_action() {
            ArgAction::SetTrue | ArgAction::SetFalse => options.words.push(flag),
            ArgAction::Count => {
                options.words.extend(std::iter::repeat_n(flag, usize::from(matches.get_count(id))));
            }
            _ => options.words.extend(values.into_iter().flat_map(|value| [flag.clone(), value])),
        }
    }
    options
}

fn values(matches: &ArgMatches, id: &str) -> Vec<String> {
    let raw = matches.try_get_raw(id).ok().flatten();
    raw.map_or_else(Vec::new, |values| values.map(|value| value.to_string_lossy().into_owned()).collect())
}

/// This program as the user called it: through cargo where cargo says so, else by the path that was typed.
fn program() -> String {
    let called = std::env::args_os().next().unwrap_or_default();
    let package = std::env::var_os("CARGO").and_then(|_| std::env::var("CARGO_PKG_NAME").ok());
    let by_cargo = package.and_then(|package| through_cargo(Path::new(&called), &package));
    by_cargo.unwrap_or_else(|| quoted(&called.to_string_lossy()))
}

/// `cargo run … --` for a program in cargo's target folder.
fn through_cargo(called: &Path, package: &str) -> Option<String> {
    let name = called.file_stem()?.to_str()?;
    let folder = called.parent()?;
    let is_example = folder.file_name() == Some(OsStr::new("examples"));
    let profile = if is_example { folder.parent()? } else { folder };
    let profile = match profile.file_name().map(OsStr::to_os_string).map(OsString::into_string) {
        Some(Ok(profile)) if profile == "debug" => String::new(),
        Some(Ok(profile)) if profile == "release" => " --release".to_owned(),
        _ => return None,
    };
    let what = match (is_example, name == package) {
        (true, _) => format!(" --example {}", quoted(name)),
        (false, true) => String::new(),
        (false, false) => format!(" --bin {}", quoted(name)),
    };
    Some(format!("cargo run{profile}{what} --"))
}

/// A word as a shell reads it as one.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%,+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_read_something_else() {
        for (word, wanted) in [
            ("a::b+", "a::b+"),
            ("tag:x", "tag:x"),
            ("shard_*", "'shard_*'"),
            ("two words", "'two words'"),
            ("it's", r"'it'\''s'"),
            ("$(rm x)", "'$(rm x)'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(word), wanted);
        }
    }

    #[test]
    fn a_program_that_cargo_started_is_called_through_cargo() {
        let through = |path: &str| through_cargo(Path::new(path), "shop");
        assert_eq!(through("target/debug/shop").as_deref(), Some("cargo run --"));
        assert_eq!(through("target/release/shop").as_deref(), Some("cargo run --release --"));
        assert_eq!(through("/x/debug/other").as_deref(), Some("cargo run --bin other --"));
        assert_eq!(through("target/debug/examples/cli").as_deref(), Some("cargo run --example cli --"));
        assert_eq!(through("./shop"), None);
    }

    #[test]
    fn options_are_kept_and_of_run_parameters_only_their_names() {
        let words = [
            "x",
            "run",
            "a",
            "b+",
            "--workers",
            "2",
            "--fail-fast",
            "-p",
            "token=hunter2",
            "--exclude",
            "c d",
        ];
        let command = Args::command();
        let matches = command.clone().try_get_matches_from(words).unwrap_or_else(|error| panic!("{error}"));
        let Some(("run", of_run)) = matches.subcommand() else { panic!("no `run`") };
        let Some(run) = command.find_subcommand("run") else { panic!("no `run`") };
        let options = options(run, of_run);
        assert_eq!(values(of_run, "terms"), ["a", "b+"]);
        assert_eq!(options.params, ["token"]);
        let mut words = options.words;
        words.sort();
        assert_eq!(words, ["--exclude", "--fail-fast", "--workers", "2", "c d"]);
    }
}
