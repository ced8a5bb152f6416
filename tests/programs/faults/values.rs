//! Values that JSON would change: each arrives as it was, or is refused by name.

use std::fs;
use std::path::Path;

use super::program_under_test::{Ended, Program};
use crate::folder::Folder;

fn run_in(folder: &Path, arguments: &str) -> Ended {
    Program::start_in(folder, "", arguments).end()
}

/// The text of the step that shows all.
const SHOWN: &str = "200 127 Some(None) [None, Some(())] {\"high\": None, \"low\": Some(-inf)} (18446744073709551615, \
                     340282366920938463463374607431768211455, 0.30000000000000004)";

#[test]
fn outputs_that_json_would_change_are_not_saved_and_made_again() {
    let folder = Folder::new();
    let saved = run_in(&folder, "run tag:values -q --save-outputs");
    saved.exits(0).says(&["cannot write ", "(3 more could not be saved: see saved.txt beside it)", SHOWN]);
    let again = run_in(&folder, "step value_shown --inputs-from latest");
    again.exits(0).says(&[
        "warning: the output of `value_tree` was not saved: it is nested too deeply",
        "warning: the output of `value_answer` was not saved: JSON cannot tell a `Some` that holds nothing",
        "warning: the output of `value_done` was not saved: JSON cannot tell a `Some` that holds nothing",
        "warning: the output of `value_limits` was not saved: JSON has no infinite number",
        "value_big, value_hedge from run",
        "4 steps without a saved output will run:",
        SHOWN,
    ]);
}

#[test]
fn a_saved_output_that_is_not_as_it_was_written_is_made_again() {
    let folder = Folder::new();
    run_in(&folder, "run value_shown -q --save-outputs").exits(0);
    let runs = fs::read_dir(folder.join(".pipeline/runs")).unwrap();
    let outputs = runs.map(|run| run.unwrap().path().join("outputs")).next().unwrap();
    let (big, list) = (outputs.join("faults.values.value_big.json"), outputs.join("saved.txt"));
    let (json, listed) = (fs::read(&big).unwrap(), fs::read_to_string(&list).unwrap());
    let again = |why: &str| {
        run_in(&folder, "step value_shown --inputs-from latest").exits(0).says(&[
            &format!("warning: the output of `value_big` {why}"),
            "5 steps without a saved output will run:",
            SHOWN,
        ]);
    };
    // One bit makes another number of it, which is JSON too.
    let mut flipped = json.clone();
    flipped[3] ^= 1;
    fs::write(&big, flipped).unwrap();
    again("is damaged: ");
    fs::write(&big, &json[..json.len() - 1]).unwrap();
    again("is damaged: ");
    fs::write(&big, &json).unwrap();
    let others: Vec<&str> = listed.split_inclusive('\n').filter(|line| !line.contains("value_big")).collect();
    fs::write(&list, others.concat()).unwrap();
    again("may be damaged: ");
    fs::write(&list, listed).unwrap();
    let whole = run_in(&folder, "step value_shown --inputs-from latest");
    whole.exits(0).says(&["4 steps without a saved output will run:", SHOWN]);
    assert!(!whole.said.contains("damaged"), "{}", whole.said);
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_value() {
    let folder = Folder::new();
    let mark = "\u{feff}";
    for (file, text) in [
        ("params.json", "{\"level\": 2.5, \"name\": \"ann\"}"),
        ("params.toml", "level = 2.5\nname = \"ann\"\n"),
    ] {
        fs::write(folder.join(file), format!("{mark}{text}")).unwrap();
        let run = run_in(&folder, &format!("run value_given -q --params {file}"));
        run.exits(0).says(&["given 2.5 None Some(\"ann\")"]);
    }
    for (file, text) in [
        ("settings.json", "{\"params\": {\"level\": 2.5}}"),
        ("settings.toml", "[params]\nlevel = 2.5\n"),
        ("settings.yaml", "params:\n  level: 2.5\n"),
    ] {
        fs::write(folder.join(file), format!("{mark}{text}")).unwrap();
        let run = run_in(&folder, &format!("run value_given -q --config {file}"));
        run.exits(0).says(&["given 2.5 None None"]);
    }
    fs::write(folder.join("answer.json"), format!("{mark}7")).unwrap();
    run_in(&folder, "step value_shown -q --input value_answer=answer.json").exits(0).says(&["Some(Some(7))"]);
    run_in(&folder, "graph --format json").exits(0);
}

#[test]
fn a_number_from_a_file_that_json_does_not_have_is_refused_by_name() {
    let folder = Folder::new();
    for (text, key) in [
        ("level = inf\n", "level"),
        ("level = nan\n", "level"),
        ("levels = [1.0, -inf]\n", "levels"),
        ("[value_given]\nlevel = inf\n", "value_given.level"),
    ] {
        fs::write(folder.join("params.toml"), text).unwrap();
        let why = format!("`{key}` is infinite or NaN");
        run_in(&folder, "run value_given -q --params params.toml").exits(3).says(&[&why]);
        let text =
            if text.starts_with('[') { text.replace('[', "[params.") } else { format!("[params]\n{text}") };
        fs::write(folder.join("settings.toml"), text).unwrap();
        let why = format!("`params.{key}` is infinite or NaN");
        run_in(&folder, "run value_given -q --config settings.toml").exits(2).says(&[&why]);
    }
    for text in ["params: {level: .inf}\n", "params: {level: .nan}\n", "params: {level: 1e999}\n"] {
        fs::write(folder.join("settings.yaml"), text).unwrap();
        run_in(&folder, "run value_given -q --config settings.yaml").exits(2).says(&["settings.yaml"]);
    }
    fs::write(folder.join("params.json"), "{\"level\": 1e999}").unwrap();
    run_in(&folder, "run value_given -q --params params.json").exits(3).says(&["number out of range"]);
    for value in ["inf", "NaN", "1e999"] {
        run_in(&folder, &format!("run value_given -q -p level={value}"))
            .exits(2)
            .says(&["PL0011", "`level`"]);
    }
}
