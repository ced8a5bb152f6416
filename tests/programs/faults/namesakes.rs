//! Two steps with one short name, on the command line.

use std::fs;

use super::program_under_test::{Ended, Program};
use crate::folder::Folder;

const AMBIGUOUS: [&str; 3] = [
    "`namesake` fits 2 steps",
    "`faults::namesakes::orders::namesake` at ",
    "`faults::namesakes::users::namesake` at ",
];

fn in_folder(folder: &Folder, arguments: &str) -> Ended {
    Program::start_in(folder, "", arguments).end()
}

#[test]
fn a_short_name_that_fits_two_steps_is_refused_by_every_verb_and_option() {
    let folder = Folder::new();
    fs::write(folder.join("by-name.toml"), "[steps.namesake]\nretries = 2\n").unwrap();
    fs::write(folder.join("answer.json"), "7").unwrap();
    for arguments in [
        "run namesake",
        "step namesake",
        "plan namesake",
        "run reads_namesakes --set steps.namesake.enabled=false",
        "run reads_namesakes --config by-name.toml",
        "plan reads_namesakes --set steps.namesake.retries=1",
        "step reads_namesakes --input namesake=answer.json",
        "run reads_namesakes -p namesake.size=1",
    ] {
        in_folder(&folder, arguments).exits(2).says(&AMBIGUOUS);
    }
    in_folder(&folder, "info --set steps.namesake.enabled=false")
        .exits(0)
        .says(&["warning: setting `steps.namesake`: `namesake` fits 2 steps"]);
    in_folder(&folder, "run reads_namesakes -v --set steps.\"orders::namesake\".enabled=false")
        .exits(0)
        .says(&["skipped"]);
}

#[test]
fn the_history_and_saved_outputs_of_a_namesake_are_found_by_its_identity() {
    let folder = Folder::new();
    in_folder(&folder, "run orders::namesake -q").exits(0);
    in_folder(&folder, "run reads_namesakes -q --save-outputs").exits(0);
    in_folder(&folder, "runs orders::namesake").exits(0).says(&["orders::namesake     2  "]);
    in_folder(&folder, "runs users::namesake").exits(0).says(&["users::namesake     1  "]);
    in_folder(&folder, "runs namesake").exits(2).says(&["`namesake` names several recorded steps: "]);
    in_folder(&folder, "step reads_namesakes --inputs-from latest")
        .exits(0)
        .says(&["faults::namesakes::users::namesake from run "]);
}
