//! What a person sees during a run: the live view on a terminal, lines elsewhere, events as data.

use std::process::Stdio;

use pipeline::Status;
use pipeline::event::{EventKind, EventRecord};

use super::program_under_test::run;
use super::screen::on_terminal;
use crate::folder::Folder;
use crate::support::{Ran, command, ran};

/// Runs the program with pipes for its streams.
fn piped(mode: &str, arguments: &str, environment: &[(&str, &str)]) -> Ran {
    let folder = Folder::new();
    let mut command = command("faults", &folder);
    command.args(arguments.split_whitespace()).env("FAULTS", mode).envs(environment.iter().copied());
    ran(&mut command)
}

/// I22: rows and bar while steps run; afterwards only permanent lines remain.
#[test]
fn the_terminal_is_clean_in_the_end_and_steps_print_whole_lines() {
    let awaited = ["3/4  75%", "attempt 2", "planted: shown 1", "told by the step", "printed by its child"];
    let Some(shown) = on_terminal("", "run shown shown_again +shown_panics -p seen=SEEN", &[], &awaited)
    else {
        return;
    };
    let rows = ["shown        ", "shown_again  ", "2/8  25%", "/4 steps", "1 failed"];
    for wanted in rows {
        assert!(shown.written.contains(wanted), "{wanted:?} was never drawn: {:?}", shown.written);
    }
    let (lines, column) = shown.in_the_end();
    let end = lines.join("\n");
    assert_eq!(column, 0, "the cursor is at the start of a line:\n{end}");
    for whole in ["printed by the step", "told by the step", "printed by its child", "without an end"] {
        assert!(lines.iter().any(|line| line == whole), "{whole:?} is not a separate line:\n{end}");
    }
    assert!(lines.iter().any(|line| line == "planted: shown 1"), "the panic is shown:\n{end}");
    let failed = "planted: shown 1, at tests/programs/faults/program/shown.rs:";
    assert!(end.contains(" failed    shown_panics in ") && lines.concat().contains(failed), "{end}");
    for gone in ["3/4  75%", "2/8  25%", "/4 steps", "[="] {
        assert!(!end.contains(gone), "{gone:?} remained:\n{end}");
    }
}

/// L: with `NO_COLOR` there are no colours; the view stays.
#[test]
fn no_color_removes_colours_and_keeps_the_view() {
    let coloured = on_terminal("", "run shown -p seen=SEEN", &[], &["3/4  75%"]);
    let plain = on_terminal("", "run shown -p seen=SEEN", &[("NO_COLOR", "1")], &["3/4  75%"]);
    let (Some(coloured), Some(plain)) = (coloured, plain) else { return };
    let is_coloured = |text: &str| {
        text.split('\x1b').skip(1).any(|rest| {
            rest.trim_start_matches(|c: char| c == '[' || c == ';' || c.is_ascii_digit()).starts_with('m')
        })
    };
    assert!(is_coloured(&coloured.written) && !is_coloured(&plain.written), "{:?}", plain.written);
    plain.in_the_end();
}

#[test]
fn pipes_and_dumb_terminals_get_escape_sequences_only_on_request() {
    let lines = piped("", "run +shown_panics", &[]);
    assert!(!lines.err.contains('\x1b'), "{}", lines.err);
    let forced = piped("", "run +shown_panics", &[("CLICOLOR_FORCE", "1")]);
    assert!(forced.err.contains('\x1b'), "{}", forced.err);
    for (arguments, environment) in [
        ("run +shown_panics", [("TERM", "dumb"), ("CI", "")]),
        // A build server, which some libraries take for a terminal with colours.
        ("run +shown_panics", [("TERM", "dumb"), ("CI", "true")]),
        ("run +shown_panics --output plain", [("NO_COLOR", "1"), ("CI", "true")]),
    ] {
        let Some(shown) = on_terminal("", arguments, &environment, &[]) else { return };
        assert!(!shown.written.contains('\x1b'), "{arguments}: {:?}", shown.written);
        assert!(shown.written.contains("started   shown_source [cpu]"), "{:?}", shown.written);
    }
}

/// Names, errors and notes of users cannot control a terminal or fill it.
#[test]
fn hostile_names_and_errors_are_harmless_on_a_terminal_in_lines_and_in_events() {
    let cleaned = r"evil\u{1b}[2J\u{1b}]0;title\u{7}\u{d}back\u{202e}desrever next";
    for arguments in ["run", "run -v", "run --output plain"] {
        let Some(shown) = on_terminal("hostile-live", arguments, &[], &[]) else { return };
        let (lines, _) = shown.in_the_end();
        let end = lines.concat();
        assert!(end.contains(cleaned), "{arguments}: {end}");
        assert!(!shown.written.contains('\u{202e}'), "{arguments}");
    }
    let lines = piped("hostile-live", "run --quiet", &[]).err;
    let first = lines.lines().next().unwrap();
    assert!(first.contains("failed") && first.contains(cleaned) && first.len() < 2_000, "{first}");
    let events = piped("hostile-live", "run --output json", &[]).out;
    assert!(events.lines().all(|line| serde_json::from_str::<EventRecord>(line).is_ok()), "{events}");
    assert!(!events.contains(['\x1b', '\r', '\x07']), "{events}");
}

/// I17: one form for every line, with the time of day; I26: the run's id.
#[test]
fn lines_have_a_time_a_word_and_a_step() {
    let output = piped("", "run shown_source +shown_panics -p seen=/", &[]);
    let told = output.err;
    let is_time = |word: &str| word.len() == 8 && word.chars().filter(|c| *c == ':').count() == 2;
    let line = |wanted: &str| {
        let line = told.lines().find(|line| line.get(9..).is_some_and(|rest| rest.starts_with(wanted)));
        assert!(line.is_some_and(|line| is_time(&line[..8])), "no line {wanted:?}:\n{told}");
    };
    for wanted in [
        "run       ",
        "started   shown_source [cpu]",
        "succeeded shown_source in ",
        "failed    shown_panics in ",
    ] {
        line(wanted);
    }
}

#[test]
fn a_skipped_step_has_its_reason() {
    let told = piped("", "run panics+ --retries 0", &[]).err;
    assert!(told.contains(" skipped   behind_panics because panics failed\n"), "{told}");
}

/// A name that is misspelt or has no capacity is a mutex: a warning before anything runs, unless `--quiet`.
#[test]
fn a_limit_without_a_capacity_is_a_warning() {
    let run = |more: &str| piped("", &format!("run shown_prints shown_prints_again {more}"), &[]).err;
    let warning =
        "warning   limit `shown_press` has no capacity set; using 1, so its 2 steps run one at a time";
    let told = run("");
    let (before, _) = told.split_once("started").unwrap_or_default();
    assert!(before.contains(warning), "{told}");
    for silent in [run("--set limits.shown_press.capacity=1"), run("--quiet")] {
        assert!(!silent.contains("has no capacity set"), "{silent}");
    }
}

/// I16: one flag for settings, plan, each step, and its counters.
#[test]
fn verbose_shows_settings_plan_and_steps_and_quiet_only_failures() {
    let told = piped("", "run shown shown_again -p seen=/ -vv --cpu 3", &[]).err;
    for wanted in [
        "2 steps, 0 edges",
        "started   shown [blocking]",
        "retry     attempt 1 of shown_again failed, retrying in 1.0 ms: not yet",
        "; rows_in 12\n",
    ] {
        assert!(told.contains(wanted), "{wanted:?} is not shown:\n{told}");
    }
    let has = |told: &str, words: &[&str]| {
        told.lines().any(|line| line.split_whitespace().eq(words.iter().copied()))
    };
    let (set, unset) = (["cpu", "3", "--cpu"], ["fail_fast", "false", "default"]);
    assert!(has(&told, &set) && has(&told, &unset), "{told}");
    let told = piped("", "run sibling -v --cpu 3", &[]).err;
    assert!(has(&told, &set) && !has(&told, &unset), "the defaults need -vv: {told}");
    let quiet = piped("", "run shown_again sibling -p seen=/ --quiet", &[]).err;
    assert_eq!(quiet, "");
    let quiet = piped("", "run shown_source shown_panics --quiet", &[]).err;
    assert!(quiet.contains(" failed    shown_panics in ") && !quiet.contains("started"), "{quiet}");
}

/// Standard output has events, one per line, whatever steps print; the report is the last.
#[test]
fn json_lines_are_alone_on_standard_output() {
    let output = piped("", "run shown shown_again +shown_panics -p seen=/ --output json", &[]);
    let (events, told) = (output.out, output.err);
    assert_eq!(output.code, 1, "{told}");
    let records: Vec<EventRecord> = events
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let id = &records[0].run_id;
    assert!(records.iter().all(|record| record.v == 1 && &record.run_id == id));
    let names: Vec<&str> = records.iter().map(|record| record.kind.name()).collect();
    assert_eq!((names[0], &names[names.len() - 2..]), ("run_started", &["run_finished", "run_reported"][..]));
    assert_eq!(names.iter().filter(|name| **name == "attempt_failed").count(), 1, "{names:?}");
    let EventKind::RunReported { report } = &records[records.len() - 1].kind else { panic!("{names:?}") };
    assert_eq!((report.counts.succeeded, report.counts.failed), (3, 1));
    assert_eq!(report.step("shown").unwrap().activity.counters["rows_in"], 12);
    assert_eq!(report.step("shown_panics").unwrap().status, Status::Failed);
    assert!(told.contains("printed by the step") && told.contains("printed by its child"), "{told}");
}

#[test]
fn an_unknown_output_form_is_wrong_use() {
    run("sibling --output yaml").exits(2).says(&["text, plain, json"]);
    let output = piped("", "run sibling", &[("PIPELINE_OUTPUT", "yaml")]);
    assert_eq!(output.code, 2);
    let told = output.err;
    assert!(told.contains("PIPELINE_OUTPUT is \"yaml\"; it must be text, plain or json"), "{told}");
    let plain = piped("", "run sibling", &[("PIPELINE_OUTPUT", "json")]);
    assert!(plain.out.starts_with("{\"v\":1,"), "{}", plain.out);
}

/// The program exits although a detached step holds standard output for ever.
#[test]
fn a_step_that_locks_standard_output_for_ever_does_not_block_the_exit() {
    let Some(shown) = on_terminal("", "run shown_keeps_stdout --no-report", &[], &[]) else { return };
    let (lines, _) = shown.in_the_end();
    assert!(lines.concat().contains("detached on its thread"), "{}", lines.join("\n"));
}

/// The same with standard error, to which all messages of the program go; also without a live view.
#[test]
fn a_step_that_locks_standard_error_for_ever_blocks_neither_exit_nor_messages() {
    for arguments in ["run shown_keeps_stderr sibling", "run shown_keeps_stderr sibling --output plain -v"] {
        let Some(shown) = on_terminal("", &format!("{arguments} --no-report"), &[], &[]) else { return };
        let end = shown.in_the_end().0.join("\n");
        for said in ["detached on its thread", "timed-out shown_keeps_stderr", "to retry: "] {
            assert!(end.contains(said), "{arguments}: {said:?} is missing:\n{end}");
        }
    }
    let ended = run("shown_keeps_stderr sibling --no-report -v");
    ended.exits(1).says(&["succeeded sibling in ", "timed-out shown_keeps_stderr", "to retry: "]);
    let ended = run("shown_keeps_stderr --quiet --no-report");
    ended.exits(1).says(&["error[PL0104]: step `shown_keeps_stderr` timed out", "to retry: "]);
}

/// What a step prints before it exits the process still reaches the screen.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn the_last_lines_before_an_exit_in_a_step_are_shown() {
    for _ in 0..20 {
        let Some(shown) = on_terminal("", "run shown_exits --no-report", &[], &[]) else { return };
        for words in ["last words to standard output", "last words to standard error"] {
            assert!(shown.in_the_end().0.iter().any(|line| line == words), "{words}: {:?}", shown.written);
        }
    }
}

/// If no message can be written, the exit code says so, except where it already says that nothing ran.
#[test]
fn a_full_standard_error_is_exit_code_3() {
    for (arguments, code) in [("run sibling --no-report", 3), ("run sibling", 3), ("run no_such_step", 2)] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let folder = Folder::new();
        let mut command = command("faults", &folder);
        command.args(arguments.split_whitespace()).stdout(Stdio::null()).stderr(full);
        assert_eq!(command.status().unwrap().code(), Some(code), "{arguments}");
    }
}

#[test]
fn on_a_terminal_the_graph_is_drawn_with_lines() {
    if let Some(shown) = on_terminal("hostile-live", "graph", &[], &[]) {
        assert!(shown.written.contains("● ") && !shown.written.contains("widest level"), "{}", shown.written);
    }
}
