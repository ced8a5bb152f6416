//! The command line as data: for the record of a run, and for the command that retries it.

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches};

use super::settings::OF_PARAMS;
use crate::report::CommandLine;

/// Options that change only how a run is shown or how often: they are not recorded.
const HOW_IT_IS_SHOWN: [&str; 6] = ["json", "output", "quiet", "verbose", "report", "repeat"];

/// Returns the words of a command line, if it starts a run.
pub(super) fn of(command: &clap::Command, matches: &ArgMatches) -> Option<CommandLine> {
    let (verb, command, matches) = match matches.subcommand() {
        Some((verb @ ("run" | "step"), matches)) => (verb, command.find_subcommand(verb)?, matches),
        Some(_) => return None,
        None => ("run", command, matches),
    };
    let terms = if verb == "step" { "name" } else { "terms" };
    let mut line = CommandLine { verb: verb.to_owned(), terms: values(matches, terms), ..Default::default() };
    for arg in command.get_arguments() {
        let id = arg.get_id().as_str();
        let is_given = matches.value_source(id) == Some(ValueSource::CommandLine);
        if is_given && !HOW_IT_IS_SHOWN.contains(&id) {
            add(&mut line, arg, values(matches, id));
        }
    }
    line.params.sort();
    line.params.dedup();
    Some(line)
}

/// Adds an option as it was given. Of run parameters, it keeps only the names.
fn add(line: &mut CommandLine, arg: &clap::Arg, values: Vec<String>) {
    // A text without `=` has no name: it may be a value.
    let name = |pair: &String| Some(pair.split_once('=')?.0.to_owned());
    let id = arg.get_id();
    if id == "params" {
        line.params.extend(values.iter().filter_map(name));
        return;
    }
    let (of_params, values): (Vec<_>, Vec<_>) =
        values.into_iter().partition(|value| id == "set" && value.starts_with(OF_PARAMS));
    let of_params = of_params.iter().filter_map(name);
    line.params.extend(of_params.filter_map(|key| key.strip_prefix(OF_PARAMS).map(str::to_owned)));
    let is_flag = matches!(arg.get_action(), ArgAction::SetTrue);
    if let Some(long) = arg.get_long().filter(|_| is_flag || !values.is_empty()) {
        // clap has the value `true` for a flag.
        line.options.insert(format!("--{long}"), if is_flag { Vec::new() } else { values });
    }
}

fn values(matches: &ArgMatches, id: &str) -> Vec<String> {
    let raw = matches.try_get_raw(id).ok().flatten();
    raw.map_or_else(Vec::new, |values| values.map(|value| value.to_string_lossy().into_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::super::command::command;
    use super::*;

    fn recorded(words: &[&str]) -> Option<CommandLine> {
        let words = ["x"].iter().chain(words);
        let matches = command().try_get_matches_from(words).unwrap_or_else(|error| panic!("{error}"));
        of(&command(), &matches)
    }

    fn given(words: &[&str]) -> CommandLine {
        recorded(words).unwrap_or_else(|| panic!("it starts a run"))
    }

    #[test]
    fn options_are_kept_and_of_run_parameters_only_their_names() {
        let line = given(&[
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
            "--set",
            "params.step.pin=hunter2",
            "--set",
            "steps.a.retries=2",
            "-p",
            "token=hunter3",
        ]);
        assert_eq!((line.verb.as_str(), &line.terms[..]), ("run", &["a".to_owned(), "b+".to_owned()][..]));
        assert_eq!(line.params, ["step.pin", "token"]);
        let options: Vec<(&str, Vec<&str>)> = line
            .options
            .iter()
            .map(|(name, values)| (name.as_str(), values.iter().map(String::as_str).collect()))
            .collect();
        let wanted = [
            ("--exclude", vec!["c d"]),
            ("--fail-fast", vec![]),
            ("--set", vec!["steps.a.retries=2"]),
            ("--workers", vec!["2"]),
        ];
        assert_eq!(options, wanted);
    }

    #[test]
    fn how_a_run_is_shown_is_not_kept_and_the_verb_need_not_be_written() {
        let line = given(&["a", "--quiet", "--output", "json", "--report", "r.json", "--no-report"]);
        assert_eq!((line.verb.as_str(), line.options.len()), ("run", 1), "{line:?}");
        assert!(line.options["--no-report"].is_empty());
        let line = given(&["step", "a", "--repeat", "3", "-vv", "--io", "2"]);
        assert_eq!((line.verb.as_str(), line.terms.len(), line.options.len()), ("step", 1, 1), "{line:?}");
    }

    #[test]
    fn a_verb_that_runs_nothing_has_none() {
        assert_eq!(recorded(&["plan", "a"]), None);
    }
}
