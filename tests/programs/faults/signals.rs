//! B and C: SIGINT, SIGTERM and SIGKILL.

use std::time::Duration;

use rustix::process::Signal;

use super::program_under_test::{Program, run};
use crate::folder::Folder;

/// E14, E16
#[test]
fn the_first_signal_cancels_waiting_steps_and_leaves_a_report() {
    for (signal, code, name) in [(Signal::INT, 130, "SIGINT"), (Signal::TERM, 143, "SIGTERM")] {
        let program = Program::start("", "run waits+");
        program.wait_for("waiting");
        program.send(signal);
        let ended = program.end();
        ended
            .exits(code)
            .says(&[
                &format!("stopped: {name} was received"),
                &format!("note: waits: cancelled: {name} was received\n"),
            ])
            .step("waits", "cancelled")
            .step("behind_waits", "cancelled");
        assert!(!ended.said.contains("started   behind_waits"), "{}", ended.said);
    }
}

#[test]
fn a_step_that_checks_for_cancellation_ends_within_the_grace_time() {
    let program = Program::start("", "run looks_for_the_end");
    program.wait_for("looking");
    program.send(Signal::TERM);
    program.end().exits(143).step("looks_for_the_end", "succeeded");
}

#[test]
fn a_step_that_never_ends_is_detached_after_the_grace_time() {
    let program = Program::start("", "run stuck sibling --grace 200ms");
    program.wait_for("stuck");
    program.wait_for("succeeded sibling");
    program.send(Signal::INT);
    program
        .end()
        .exits(130)
        .says(&[
            "SIGINT was received: no further step starts",
            "have at most 200ms to end; a second signal ends the process",
        ])
        .says(&[
            "the step did not end within the grace time of 200ms",
            "still running: 1 attempt, detached on its thread",
        ])
        .step("stuck", "cancelled")
        .step("sibling", "succeeded");
}

#[test]
fn a_grace_time_holds_for_an_async_step_that_blocks() {
    let program = Program::start("", "run never_stops_blocking --grace 200ms");
    program.wait_for("warning   async step `never_stops_blocking`");
    program.send(Signal::TERM);
    program.end().exits(143).step("never_stops_blocking", "cancelled");
}

#[test]
fn a_grace_time_holds_when_every_worker_is_blocked() {
    let steps = "waits_for_ever finds_no_worker backs_off stuck";
    let program = Program::start("", &format!("run {steps} --grace 200ms"));
    program.wait_for("attempt 1 of backs_off failed");
    ["waiting", "blocked", "stuck"].iter().for_each(|said| program.wait_for(&format!("{said}\n")));
    program.send(Signal::TERM);
    program
        .end()
        .exits(143)
        .step("waits_for_ever", "cancelled")
        .step("stuck", "cancelled")
        .step("finds_no_worker", "cancelled");
}

#[test]
fn a_process_whose_run_cannot_end_exits_after_the_grace_time() {
    let program = Program::start("observer", "run sibling --grace 200ms");
    program.wait_for("the observer blocks");
    program.send(Signal::INT);
    program.end().exits(130).says(&["the run has not ended after its grace time", "ends without a report"]);
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    for (step, ready) in [("stuck", "stuck"), ("never_stops_blocking", "warning   async step")] {
        for (second, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
            let program = Program::start("", &format!("run {step} --grace 1h"));
            program.wait_for(ready);
            program.send(Signal::INT);
            program.wait_for("SIGINT was received");
            // A signal within 100 ms of the first counts as part of it.
            std::thread::sleep(Duration::from_millis(300));
            program.send(second);
            let ended = program.end();
            ended.exits(code);
            assert!(!ended.said.contains("was stopped"), "there is no report: {}", ended.said);
        }
    }
}

#[test]
fn two_signals_at_once_are_one() {
    let program = Program::start("", "run looks_for_the_end waits");
    program.wait_for("looking");
    program.send(Signal::TERM);
    program.send(Signal::TERM);
    program.end().exits(143).says(&["stopped: SIGTERM was received"]).step("waits", "cancelled");
}

#[test]
fn a_signal_ends_the_wait_between_attempts() {
    let program = Program::start("", "run backs_off");
    program.wait_for("attempt 1 of backs_off failed");
    program.send(Signal::TERM);
    program.end().exits(143).says(&["stopped: SIGTERM was received", "planted: not yet"]);
}

#[test]
fn a_signal_at_any_moment_of_a_run_gives_a_report_and_its_code() {
    for moment in 0..20 {
        let (signal, code, name) =
            if moment % 2 == 0 { (Signal::INT, 130, "SIGINT") } else { (Signal::TERM, 143, "SIGTERM") };
        let program = Program::start("", "run group:busy");
        program.wait_for(": 4 steps");
        std::thread::sleep(Duration::from_millis(moment));
        program.send(signal);
        program
            .end()
            .exits(code)
            .says(&[&format!("stopped: {name} was received"), "was stopped in"])
            .step("busy_3", "cancelled");
    }
}

#[test]
fn a_signal_ends_a_program_as_usual_while_no_run_is_active() {
    for signal in [Signal::INT, Signal::TERM] {
        let program = Program::start("after-a-run", "");
        program.wait_for("after");
        program.send(signal);
        program.end().was_killed_by(signal);
    }
}

#[test]
fn a_program_can_handle_signals_without_the_command_line() {
    let program = Program::start("library", "");
    program.wait_for("waiting");
    program.send(Signal::INT);
    program
        .end()
        .exits(130)
        .says(&["stopped by Some(Interrupt): Some(\"SIGINT was received\"); the next by Some(Interrupt)"])
        .says(&["steps on threads are waited for until they end"]);
}

/// C: the framework keeps nothing outside the process.
#[test]
fn a_killed_run_leaves_no_other_files() {
    let folder = Folder::new();
    for moment in 0..5 {
        let program = Program::start_in(&folder, "", "run group:busy --report report.json --runs-dir runs");
        program.wait_for(": 4 steps");
        std::thread::sleep(Duration::from_millis(4 * moment));
        program.send(Signal::KILL);
        program.end().was_killed_by(Signal::KILL);
    }
    let mut left: Vec<_> =
        std::fs::read_dir(&*folder).unwrap().map(|file| file.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["runs"], "the report is written at the end, whole");
    run("sibling").exits(0);
}
