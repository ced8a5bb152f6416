//! D: a wrong request ends with code 2, and no step has run.

use super::program_under_test::{Program, run};

#[test]
fn an_empty_selection_is_wrong_use_with_a_hint() {
    for terms in ["sibbling", "tag:none", "no_such_*"] {
        let ended = run(terms);
        ended.exits(2).says(&["no step was run", "error[PL00", "hint: "]);
        assert!(!ended.said.contains("started"), "{}", ended.said);
    }
}

#[test]
fn a_wrong_flag_is_wrong_use() {
    for (flag, text) in [
        ("--timeout 5", "`defaults.timeout` is `5`, but takes a time above zero, such as `\"30s\"`"),
        ("--timeout 0s", "`defaults.timeout` is `0s`, but takes a time above zero"),
        ("--deadline 0s", "`deadline` is `0s`, but takes a time above zero"),
        ("--retries many", "`defaults.retries` is `many`"),
        ("--memory-limit much", "`memory_limit` is `much`"),
        ("--workers 0", "`workers` is `0`"),
    ] {
        let ended = run(&format!("sibling {flag}"));
        ended.exits(2).says(&[text]);
        assert!(!ended.said.contains("started"), "{}", ended.said);
    }
    run("sibling --timeout 5").says(&["hint: did you mean `5s`?"]);
}

#[test]
fn a_refusal_of_the_environment_is_code_3_before_anything_runs() {
    let ended = run("sibling --report no-such-folder/report.json");
    ended.exits(3).says(&["cannot write the report to no-such-folder/report.json"]);
    assert!(!ended.said.contains("started"), "{}", ended.said);
}

/// Flags do not change what the program's code sets, but change the rest.
#[test]
fn a_setting_of_the_programs_code_wins_over_flags() {
    let ended = Program::start("max-detached", "info --set max_detached=9 --io 9").end();
    ended.exits(0);
    let row = |key: &str| {
        let row = ended.said.lines().find(|line| line.trim_start().starts_with(key));
        row.unwrap_or_else(|| panic!("{}", ended.said))
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(row("max_detached"), ["max_detached", "1", "code"]);
    ended.says(&["setting `max_detached` (--set) has no effect: the program's code sets it"]);
    assert_eq!(row("io "), ["io", "9", "--io"]);
}
