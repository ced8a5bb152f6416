//! The command that retries a run: this program as the user called it, for the steps that did not succeed.

use std::collections::HashSet;

use pipeline_core::frame::Status;

use super::program::program;
use crate::report::{CommandLine, RunReport, StepReport};
use crate::text::{quoted, short_id};

/// Maximum number of steps that are named; above it, the run is repeated as it was.
const MOST_TERMS: usize = 8;

/// A command, and what it runs and leaves out.
pub(super) struct Again {
    /// Ready to be typed, without values of run parameters: they may be secret and are never printed.
    pub(super) command: String,
    /// The names of the run parameters that were given on the command line, sorted.
    pub(super) values_of: Vec<String>,
    /// The steps that are left to do, and those with an output that it runs again.
    pub(super) left: Vec<String>,
    pub(super) repeated: Vec<String>,
}

/// Returns the command that runs what is left to do and what needs it, with the options of the first run.
pub(super) fn again(report: &RunReport, line: &CommandLine) -> Again {
    let line = line.clone();
    let is_left = left(report);
    // A report from a journal lacks the steps that had not begun, and that of a large run has a selection: the whole run
    // is repeated.
    let has_all = report.counts.planned == report.steps.len();
    // `step` is repeated as it was, with the inputs that it was given.
    let is_step = line.verb == "step";
    let terms = if has_all && !is_step { terms(report, &is_left, line.terms.is_empty()) } else { Vec::new() };
    let runs = if terms.is_empty() { vec![true; report.steps.len()] } else { selected_by(report, &terms) };
    let names = |of: &dyn Fn(usize) -> bool| {
        let steps = report.steps.iter().enumerate();
        steps.filter(|(index, _)| of(*index)).map(|(_, step)| step.name.clone()).collect::<Vec<_>>()
    };
    let has_output = |index: usize| report.steps[index].status.has_output();
    let (left, repeated) = (names(&|index| is_left[index]), names(&|index| runs[index] && has_output(index)));
    let terms = if terms.is_empty() { line.terms } else { terms };
    let is_like_option = |word: &String| word.starts_with('-');
    let options = line.options.into_iter().flat_map(|(name, values)| {
        let option = |value: String| {
            if is_like_option(&value) { vec![format!("{name}={value}")] } else { vec![name.clone(), value] }
        };
        if values.is_empty() { vec![name] } else { values.into_iter().flat_map(option).collect() }
    });
    let verb = if is_step { "step" } else { "run" };
    let mut words = vec![verb.to_owned()];
    if terms.iter().any(is_like_option) {
        words.extend(options.chain(["--".to_owned()]).chain(terms));
    } else {
        words.extend(terms.into_iter().chain(options));
    }
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    Again { command: format!("{} {}", program(), words.join(" ")), values_of: line.params, left, repeated }
}

/// Options that say where a run is recorded and stored: the settings of a recorded run do not have them.
const PLACES: [&str; 3] = ["--config", "--runs-dir", "--store"];

/// Returns the command that goes on with a run. It takes steps, settings and run parameters from the record of the run.
pub(super) fn resume(report: &RunReport, line: &CommandLine) -> String {
    let places = PLACES.into_iter().filter_map(|name| line.options.get_key_value(name));
    let places = places.flat_map(|(name, values)| values.iter().flat_map(move |value| [name, value]));
    let mut command = format!("{} run --resume {}", program(), short_id(&report.run_id));
    for word in places {
        command.push(' ');
        command.push_str(&quoted(word));
    }
    command
}

/// Returns whether each step is left to do: it failed or was cancelled, or was skipped because of such a step.
fn left(report: &RunReport) -> Vec<bool> {
    let has_failed = |status: Status| status.is_failure() || status == Status::Cancelled;
    let failed = report.steps.iter().filter(|step| has_failed(step.status));
    let failed: HashSet<&str> = failed.map(|step| step.name.as_str()).collect();
    let is_left = |step: &StepReport| match step.status {
        Status::Skipped => step.because.as_deref().is_some_and(|because| failed.contains(because)),
        status => has_failed(status),
    };
    report.steps.iter().map(is_left).collect()
}

/// Returns the terms that select what is left. After a run of the whole graph, `x+` selects `x` and all that needs it, so
/// only the first of several dependent steps is named. After a run of some terms, only the last ones are named: nothing
/// else was asked for.
fn terms(report: &RunReport, is_left: &[bool], whole_graph: bool) -> Vec<String> {
    let mut terms: Vec<String> = Vec::new();
    let steps = || report.steps.iter().enumerate();
    if whole_graph {
        // The dependents of a named step run again with it.
        let mut is_covered = vec![false; report.steps.len()];
        for (index, step) in steps() {
            let is_after = step.upstream.iter().any(|&earlier| is_covered.get(earlier) == Some(&true));
            let is_named = !is_after && is_left[index];
            is_covered[index] = is_after || is_named;
            if is_named && terms.len() <= MOST_TERMS {
                terms.push(format!("{}+", step.name));
            }
        }
    } else {
        let mut is_needed = vec![false; report.steps.len()];
        for (_, step) in steps().filter(|(index, _)| is_left[*index]) {
            for &earlier in &step.upstream {
                // A report file may have any numbers.
                is_needed.get_mut(earlier).into_iter().for_each(|is_needed| *is_needed = true);
            }
        }
        let last = steps().filter(|(index, _)| is_left[*index] && !is_needed[*index]);
        terms.extend(last.take(MOST_TERMS + 1).map(|(_, step)| step.name.clone()));
    }
    let can_be_read = |term: &String| match term.strip_suffix('+').filter(|_| whole_graph) {
        // A word of a command line cannot contain a zero byte.
        _ if term.contains('\0') => false,
        Some(name) => is_read_as_a_name(name),
        None => !term.is_empty(),
    };
    if terms.len() > MOST_TERMS || !terms.iter().all(can_be_read) { Vec::new() } else { terms }
}

/// Returns whether these terms run each step: the named ones, for `x+` all that need `x`, and what all these need.
fn selected_by(report: &RunReport, terms: &[String]) -> Vec<bool> {
    let (names, after): (HashSet<&str>, HashSet<&str>) = (
        terms.iter().map(String::as_str).collect(),
        terms.iter().filter_map(|term| term.strip_suffix('+')).collect(),
    );
    let mut runs = vec![false; report.steps.len()];
    let mut needs_one = vec![false; report.steps.len()];
    for (index, step) in report.steps.iter().enumerate() {
        let name = step.name.as_str();
        needs_one[index] = after.contains(&name)
            || step.upstream.iter().any(|&earlier| needs_one.get(earlier) == Some(&true));
        runs[index] = needs_one[index] || names.contains(&name);
    }
    for (index, step) in report.steps.iter().enumerate().rev() {
        if runs[index] {
            step.upstream.iter().for_each(|&earlier| _ = runs.get_mut(earlier).map(|runs| *runs = true));
        }
    }
    runs
}

/// Reports whether a term such as `x+` reads `name` as a name: no character in it has another meaning there.
pub(super) fn is_read_as_a_name(name: &str) -> bool {
    let label = |name: &str| name.replace("::", "").contains(':');
    !name.is_empty() && !name.contains(['+', ',', '*', '?', '[', ']', '{', '}', '!', '\\']) && !label(name)
}

#[cfg(test)]
mod tests {
    use pipeline_core::DagBuilder;

    use super::*;
    use crate::pipeline::Pipeline;

    /// The report of `a`, of `b` and `c` after it, of `d` after `c`, and of `e` alone; all cancelled except `ended`.
    fn stopped(ended: &[&str]) -> RunReport {
        let mut dag = DagBuilder::new();
        let a = dag.cpu("a", (), |()| 1_u64);
        dag.cpu("b", (a,), |(a,)| *a);
        let c = dag.cpu("c", (a,), |(a,)| *a);
        dag.cpu("d", (c,), |(c,)| *c);
        dag.cpu("e", (), |()| 1_u64);
        let run = dag.build().and_then(|dag| Pipeline::new(dag).run_blocking());
        let mut report = run.unwrap_or_else(|problems| panic!("{problems}")).report().clone();
        for step in report.steps.iter_mut().filter(|step| !ended.contains(&step.name.as_str())) {
            step.status = Status::Cancelled;
        }
        report
    }

    fn left_to_do(report: &RunReport, whole_graph: bool) -> Vec<String> {
        terms(report, &left(report), whole_graph)
    }

    #[test]
    fn dependents_of_a_named_step_are_not_named() {
        let terms = |ended: &[&str], whole_graph| {
            let mut terms = left_to_do(&stopped(ended), whole_graph);
            terms.sort();
            terms
        };
        assert_eq!(terms(&[], true), ["a+", "e+"]);
        assert_eq!(terms(&["a"], true), ["b+", "c+", "e+"]);
        assert_eq!(terms(&["a", "c"], true), ["b+", "d+", "e+"]);
        assert_eq!(terms(&["a", "b", "c", "d", "e"], true), Vec::<String>::new());
        assert_eq!(terms(&["a"], false), ["b", "d", "e"]);
    }

    #[test]
    fn the_command_is_made_of_the_line_that_started_the_run() {
        let mut line = CommandLine {
            verb: "run".to_owned(),
            terms: vec!["d".to_owned()],
            options: [("--set", vec!["x=a b", "y=1"]), ("--fail-fast", vec![])]
                .map(|(name, values)| (name.to_owned(), values.into_iter().map(str::to_owned).collect()))
                .into(),
            params: vec!["token".to_owned()],
        };
        let stopped = stopped(&["a", "b", "e"]);
        let made = again(&stopped, &line);
        assert!(made.command.ends_with(" run d --fail-fast --set 'x=a b' --set y=1"), "{}", made.command);
        assert_eq!(made.values_of, ["token"]);
        assert_eq!((made.left, made.repeated), (vec!["c".to_owned(), "d".to_owned()], vec!["a".to_owned()]));
        // One step is retried with the verb that has its options.
        line.verb = "step".to_owned();
        let made = again(&stopped, &line);
        assert!(made.command.ends_with(" step d --fail-fast --set 'x=a b' --set y=1"), "{}", made.command);
    }

    #[test]
    fn arguments_that_look_like_options_are_marked_as_values() {
        let line = CommandLine {
            verb: "step".to_owned(),
            terms: vec!["-x".to_owned()],
            options: [("--exclude".to_owned(), vec!["-y".to_owned(), "z".to_owned()])].into(),
            params: Vec::new(),
        };
        let made = again(&stopped(&[]), &line).command;
        assert!(made.ends_with(" step --exclude=-y --exclude z -- -x"), "{made}");
    }

    /// A name with a special character cannot be written as `x+`: the run is repeated as it was.
    #[test]
    fn a_step_whose_name_has_another_meaning_in_a_term_is_not_named() {
        for name in ["a,b", "tag:x", "+p", "3+z", "shard[3]", "part_*", "\0x", ""] {
            let mut stopped = stopped(&["b", "c", "d", "e"]);
            stopped.steps[0].name = name.to_owned();
            assert_eq!(left_to_do(&stopped, true), Vec::<String>::new(), "{name}");
        }
        let mut stopped = stopped(&["b", "c", "d", "e"]);
        for name in ["two words", "shop::load", "-x", "日本"] {
            stopped.steps[0].name = name.to_owned();
            assert_eq!(left_to_do(&stopped, true), [format!("{name}+")]);
        }
    }
}
