//! A: panics and errors end in a report that names step, location and cause, and in exit code 1.

use super::program_under_test::{Program, run};

#[test]
fn a_panic_fails_its_step_and_skips_only_its_dependents() {
    run("panics+ sibling")
        .exits(1)
        .says(&[
            "panic: planted: sync, at tests/programs/faults/program/panics.rs:",
            "because `panics` failed",
        ])
        .step("panics", "failed")
        .step("behind_panics", "skipped")
        .step("sibling", "succeeded");
}

#[test]
fn a_panic_of_an_async_step_is_reported_wherever_it_happens() {
    for (step, text) in [
        ("panics_at_first_poll", "planted: first poll, at tests/programs/faults/program/panics.rs:"),
        ("panics_after_wait", "planted: after wait, at tests/programs/faults/program/panics.rs:"),
        ("panics_in_select", "planted: in select, at tests/programs/faults/program/panics.rs:"),
    ] {
        run(&format!("{step} sibling"))
            .exits(1)
            .says(&[text])
            .step(step, "failed")
            .step("sibling", "succeeded");
    }
}

#[test]
fn an_error_is_printed_with_one_line_per_cause() {
    run("fails_with_causes").exits(1).says(&[
        "error[PL0101]: step `fails_with_causes` failed\n    at tests/programs/faults/program/panics.rs:",
        "    error: cannot save\n    because cannot write the file\n    because the disk is full\n",
    ]);
}

#[test]
fn a_panic_in_the_drop_of_an_output_fails_the_step_that_made_it() {
    run("reads_bomb")
        .exits(1)
        .says(&["drop-panic: planted: in the drop of an output, at tests/programs/faults/program/panics.rs:"])
        .step("makes_bomb", "failed")
        .step("reads_bomb", "succeeded");
}

/// Also if nothing reads it but the command line could.
#[test]
fn a_panic_in_the_drop_of_an_unread_output_fails_the_step_that_made_it() {
    run("makes_unread_bomb")
        .exits(1)
        .says(&["drop-panic: planted: in the drop of an unread output, at tests/programs/faults/program/"])
        .step("makes_unread_bomb", "failed");
}

#[test]
fn an_error_that_is_its_own_cause_has_a_bounded_chain() {
    let ended = run("fails_endlessly");
    ended.exits(1).step("fails_endlessly", "failed").says(&["because endless\n    … and 25 further causes"]);
}

/// E: every method of an error, a filter, a hook and a condition is user code; the report names which one panicked.
#[test]
fn a_panic_in_a_hook_is_attributed_to_its_step_and_hook() {
    run("fails_sourcelessly").exits(1).step("fails_sourcelessly", "failed").says(&[
        "panic: sourceless; its `retry_if` panicked: planted: in retry_if, at tests/programs/faults/program/",
        "; its `on_failure` hook panicked: planted: in on_failure, at tests/programs/faults/program/",
        "(the error's own source() panicked: planted: in source, at tests/programs/faults/program/",
    ]);
    run("fails_in_its_condition")
        .exits(1)
        .step("fails_in_its_condition", "failed")
        .says(&["panic: its condition panicked: planted: in when, at tests/programs/faults/program/"]);
    run("chooses_badly").exits(0).step("chooses_badly", "succeeded").says(&[
        "warning: `parallel_if` of step `chooses_badly` panicked: planted: in parallel_if, at tests/programs/faults/program/",
    ]);
}

#[test]
fn a_panic_in_the_drop_of_a_cancelled_future_is_a_note() {
    let text = "took longer than its timeout of 50ms; dropping the step's future panicked: planted: in the drop of a";
    run("cancelled_with_bomb").exits(1).says(&[text]).step("cancelled_with_bomb", "timed-out");
}

#[test]
fn a_panic_in_a_drop_while_the_run_is_stopped_is_reported_and_not_lost() {
    let program = Program::start("", "run stopped_with_bomb");
    program.wait_for("started   stopped_with_bomb");
    program.send(rustix::process::Signal::TERM);
    let ended = program.end();
    ended.exits(143).says(&["stopped: SIGTERM was received"]).step("stopped_with_bomb", "cancelled");
    // The signal may have arrived before the step's first poll made the bomb.
    if ended.said.contains("planted: ") {
        ended.says(&["dropping the step's future panicked: planted: in the drop of a stopped future"]);
    }
}

#[test]
fn a_payload_whose_drop_panics_fails_its_step_at_the_first_location() {
    let ended = run("panics_with_bomb sibling");
    ended.exits(1).step("panics_with_bomb", "failed").step("sibling", "succeeded");
    let line_after = |text: &str| -> u32 {
        let place = ended.said.lines().find_map(|line| line.split(text).nth(1)).unwrap();
        place.split([':', ',']).nth(1).unwrap().parse().unwrap()
    };
    let (panic, step) = (line_after("panic: a panic without a text, at "), line_after("    at tests/"));
    assert_eq!(
        panic,
        step + 1,
        "the location of the step's own panic, a line below its name: {}",
        ended.said
    );
}

#[test]
fn an_error_that_cannot_be_printed_is_reported_as_such() {
    run("fails_unprintably").exits(1).says(&[
        "error: (the error's own Display panicked: planted: in Display, at tests/programs/faults/program/panics.rs:",
        "; its type is `faults::panics::",
    ]);
}

#[test]
fn the_programs_panic_hook_still_runs() {
    let ended = Program::start("hook", "run panics").end();
    ended.exits(1).says(&[
        "the user's hook: panicked at tests/programs/faults/program/panics.rs:",
        "panic: planted: sync, at",
    ]);
}

#[test]
fn a_poisoned_mutex_fails_only_the_step_that_locks_it() {
    run("group:poison")
        .exits(1)
        .says(&["panic: the shared number: PoisonError { .. }, at tests/programs/faults/program/panics.rs:"])
        .step("poisons", "failed")
        .step("never_meets_poison", "skipped")
        .step("trips_over_poison", "failed")
        .step("recovers_from_poison", "succeeded");
}

#[test]
fn an_optional_failure_is_reported_and_does_not_count() {
    run("group:optional").exits(0).says(&["planted: optional"]).step("optional_panics", "failed");
}
