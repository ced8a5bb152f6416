//! What a person sees of the store in a run: before it, while it runs, at its end, and in its record.

use crate::folder::Folder;
use crate::support::{Ran, command, ran};

fn run_in(folder: &Folder, arguments: &str) -> Ran {
    ran(command("cached_runs", folder).args(arguments.split_whitespace()))
}

#[track_caller]
fn has(text: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(text.contains(wanted), "`{wanted}` in:\n{text}");
    }
}

/// The id in the last line of a summary.
fn id_of(ran: &Ran) -> &str {
    let (_, rest) = ran.err.rsplit_once("\nrun ").unwrap();
    rest.split_whitespace().next().unwrap()
}

#[test]
fn lines_table_and_outcome_name_what_came_from_the_store() {
    let folder = Folder::new();
    let first = run_in(&folder, "run").exits(0);
    has(&first.err, &["0 of 2 outputs found (0 %), 2 stored (", ": 4 of 4 steps succeeded\n"]);
    let second = run_in(&folder, "run").exits(0);
    has(
        &second.err,
        &[
            "2 of 2 outputs found (100 %)\n",
            ": 4 of 4 steps succeeded (2 from the store)\n",
            "(…) time of the run that made the stored output\n",
        ],
    );
    let line = second.err.lines().find(|line| line.contains("cached    source, made in ")).unwrap();
    has(line, &[&format!(" by run {}, ", id_of(&first)), " ago"]);
    // The record says the same.
    let report = run_in(&folder, "report").exits(0).out;
    has(&report, &["2 of 2 outputs found (100 %)\n", "(2 from the store)\n"]);
    let runs = run_in(&folder, "runs").exits(0).out;
    has(runs.lines().next().unwrap(), &["failed  cached  compared"]);
    let failed = "       -";
    assert!(runs.lines().nth(1).unwrap().contains(&format!("{failed}       2  ")), "{runs}");
}

#[test]
fn a_resumed_run_says_what_it_takes_over_and_what_runs_again_and_why_before_its_first_step() {
    let folder = Folder::new();
    let failed = run_in(&folder, "run -p fail=true --no-cache").exits(1);
    let id = id_of(&failed).to_owned();
    let resumed = run_in(&folder, &format!("run --resume {id} -p fail=false --no-cache")).exits(0).err;
    let at = |text: &str| resumed.find(text).unwrap_or_else(|| panic!("`{text}` in:\n{resumed}"));
    assert!(
        at(&format!("resumes   run {id}: 2 of 4 steps are done\n")) < at("cached    source"),
        "{resumed}"
    );
    assert!(!resumed.contains("again     "), "{resumed}");

    let failed = run_in(&folder, "run -p fail=true --no-cache").exits(1);
    let id = id_of(&failed).to_owned();
    let resumed =
        run_in(&folder, &format!("run --resume {id} -p fail=false -p rows=4 --no-cache")).exits(0).err;
    let at = |text: &str| resumed.find(text).unwrap_or_else(|| panic!("`{text}` in:\n{resumed}"));
    assert!(
        at(&format!("resumes   run {id}: 0 of 4 steps are done\n")) < at("started   source"),
        "{resumed}"
    );
    assert!(
        at("again     cached_runs::halves: something before it changed\n") < at("started   source"),
        "{resumed}"
    );
    let events = run_in(&folder, &format!("run --resume {id} -p fail=false -p rows=4 --output json"));
    has(events.out.lines().next().unwrap_or_default(), &["\"resumed\":{\"run\":\""]);
}

#[test]
fn the_record_of_a_run_that_failed_has_the_command_that_resumes_it_while_its_values_are_stored() {
    let folder = Folder::new();
    let failed = run_in(&folder, "run -p fail=true").exits(1);
    let to_resume = format!("to resume: cached_runs run --resume {}\n", id_of(&failed));
    has(&failed.err, &[&to_resume]);
    has(&run_in(&folder, "report").exits(0).out, &[&to_resume]);
    std::fs::remove_dir_all(folder.join(".pipeline/store")).unwrap();
    let without = run_in(&folder, "report").exits(0).out;
    has(&without, &["to retry: cached_runs run "]);
    assert!(!without.contains("to resume"), "{without}");
}

#[test]
fn a_plan_says_which_steps_are_cached_and_which_cannot_be_and_why() {
    let folder = Folder::new();
    let plan = run_in(&folder, "plan").exits(0).out;
    let cached = plan.lines().filter(|line| line.contains("cached")).count();
    assert_eq!(cached, 2, "{plan}");
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let plan = run_in(&folder, "plan --pipeline refused").exits(0).out;
    has(
        &flat(&plan),
        &[
            "warning: `opaque` is not cached: ",
            "warning: `plain_path` is cached, and the content of the file that its parameter `table` names does not count: \
             give the parameter the type `InputFile`, `InputDir` or `InputGlob`",
        ],
    );
    let plan = run_in(&folder, "plan --pipeline refused --no-cache").exits(0).out;
    assert!(!plan.contains("cached"), "{plan}");
    assert!(!folder.join(".pipeline/store").exists(), "a plan makes no store");
}
