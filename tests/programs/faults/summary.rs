//! I: the end of a run's output, for very many steps and for hostile names and messages.

use std::process::Stdio;

use super::program_under_test::{Program, run};
use crate::folder::Folder;
use crate::support::command;

#[test]
fn the_failures_of_ten_thousand_steps_are_grouped_and_the_rest_is_counted() {
    let ended = Program::start("many", "run").end();
    ended.exits(1).says(&[
        "error[PL0101]: step `shard_00` failed, and 99 more like it: shard_01,",
        "    error: no route to host\n",
        "    1 step was skipped because of these: behind_shard\n",
        "9899 of 10000 steps succeeded, 100 failed, 1 skipped",
        "9,889 more succeeded, 80 more failed, 1 more skipped (-v shows all)",
        "to retry: ",
        " explain PL0101`\n",
    ]);
    // Each step has its line when it fails; the summary has one block for all.
    let (_, summary) = ended.said.split_once("\nstep ").unwrap();
    assert!(summary.lines().count() < 80, "{summary}");
    assert_eq!(summary.matches("no route to host").count(), 1, "{summary}");
}

#[test]
fn a_quiet_run_shows_only_failures_and_how_to_retry() {
    let ended = run("panics+ sibling --retries 0 --quiet");
    ended.exits(1).says(&["error[PL0102]: step `panics` panicked", "1 failed", "to resume: "]);
    for noise in ["attempts", "on the critical path", "speed-up", "what to do next", "sibling in"] {
        assert!(!ended.said.contains(noise), "{noise}: {}", ended.said);
    }
}

#[test]
fn a_closed_pipe_does_not_change_the_exit_code() {
    for arguments in [["run", "sibling"], ["run", "no_such_step"], ["info", "--nonsense"]] {
        let with = |stderr: Stdio| {
            let folder = Folder::new();
            let mut command = command("faults", &folder);
            command.args(arguments).stdout(Stdio::null()).stderr(stderr).status().unwrap().code()
        };
        let (reader, gone) = std::io::pipe().unwrap();
        drop(reader);
        assert_eq!(with(gone.into()), with(Stdio::null()), "{arguments:?}");
    }
}

#[test]
fn help_fits_the_terminal_and_an_unknown_drawing_is_refused() {
    let ended = Program::start("", "run --help").end();
    ended.exits(0).says(&["\nOptions:\n  -p, --param", "\nSelection:\n", "\nSettings:\n", "Exit codes:"]);
    assert!(ended.said.lines().all(|line| line.chars().count() <= 120), "{}", ended.said);
    let ended = Program::start("", "graph -o no-such-folder/drawing.png").end();
    ended.exits(2).says(&["no format is named `.png`", ".svg", "--format"]);
    Program::start("", "runs --limit 0").end().exits(2).says(&["at least 1"]);
}

#[test]
fn verbose_shows_all_of_ten_thousand_steps() {
    let ended = Program::start("many", "run part_0001 part_9898 shard_00 --verbose").end();
    ended.exits(1).step("part_0001", "succeeded").step("part_9898", "succeeded").step("shard_00", "failed");
}

#[test]
fn names_and_messages_are_escaped_on_a_terminal_and_complete_in_the_report() {
    let folder = Folder::new();
    let ended = Program::start_in(&folder, "hostile", "run --report report.json").end();
    let json = std::fs::read_to_string(folder.join("report.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    ended.exits(1).says(&["\\u{1b}]0;owned\\u{7}\\u{1b}[2J", "日本語の名前", "🦀 crab", "more characters"]);
    let steers =
        |c: char| c != '\n' && c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || c == '\u{2066}';
    assert!(!ended.said.chars().any(steers), "{:?}", ended.said);
    let steps = json["steps"].as_array().unwrap();
    let longest = steps.iter().filter_map(|step| step["name"].as_str()).map(str::len).max();
    assert_eq!(longest, Some(10_000), "whole names are in the report");
    let message = steps.iter().find_map(|step| step["error"]["message"].as_str()).unwrap();
    assert!(
        message.starts_with("\u{1b}]0;owned") && message.len() > 10_000,
        "the whole message is in the report"
    );
}

#[test]
fn the_retry_command_selects_what_is_left_and_reveals_no_value() {
    let ended = run("panics+ sibling --retries 0 -p nothing=canary-1 --quiet");
    // No step has such a parameter: refused, without its value.
    ended.exits(2).says(&["error[PL0012]: no step has a run parameter `nothing`", "explain PL0012`"]);
    assert!(!ended.said.contains("canary"), "{}", ended.said);
    let ended = run("panics+ sibling --retries 0 --quiet --set resume=off");
    ended.exits(1).says(&[" run behind_panics --retries 0 --set resume=off\n"]);
}

#[test]
fn a_code_is_explained_in_any_case_and_an_unknown_one_is_wrong_use() {
    for asked in ["pl0104", "104"] {
        let ended = Program::start("", &format!("explain {asked}")).end();
        ended.exits(0).says(&["# PL0104: a step took too long", "## How to fix it"]);
    }
    let ended = Program::start("", "explain").end();
    ended.exits(0).says(&["PL0001  ", "PL0301  a file could not be read or written"]);
    Program::start("", "explain PL0999").end().exits(2).says(&["there is no error code `PL0999`", "hint: "]);
}
