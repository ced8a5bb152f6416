//! B: code that does not return, threads, and nested runtimes. Steps that never end are given up on time, and the
//! process does not wait for them.

use super::program_under_test::{Program, run};

const STILL_RUNNING: &str = "still running: 1 attempt, detached on its thread";

#[test]
fn a_step_that_computes_for_ever_times_out_and_the_process_ends() {
    run("behind_loops")
        .exits(1)
        .says(&[
            "error[PL0104]: step `loops` timed out\n    at tests/programs/faults/program/time.rs:",
            "    timed-out: it took longer than its timeout of 100ms\n",
            STILL_RUNNING,
        ])
        .step("loops", "timed-out")
        .step("behind_loops", "skipped");
}

#[test]
fn the_command_lines_timeout_applies_to_steps_without_one() {
    run("loops_without_a_timeout --timeout 200ms")
        .exits(1)
        .says(&["it took longer than its timeout of 200ms", STILL_RUNNING]);
}

#[test]
fn the_deadline_ends_the_run_whatever_its_threads_do() {
    run("loops_without_a_timeout never_stops_blocking --deadline 300ms")
        .exits(1)
        .says(&["stopped: the run took longer than its deadline of 300ms"])
        .step("loops_without_a_timeout", "timed-out")
        .step("never_stops_blocking", "timed-out");
}

#[test]
fn an_async_step_that_never_waits_times_out_with_a_hint() {
    run("loops_in_async")
        .exits(1)
        .says(&[
            "blocks the thread that runs it: it computes or waits without `.await`; make it a plain `fn`",
            STILL_RUNNING,
        ])
        .step("loops_in_async", "timed-out");
}

#[test]
fn an_async_step_that_waits_too_long_is_dropped() {
    let ended = run("waits_too_long");
    ended.exits(1).says(&["timed-out: it took longer than its timeout of 100ms"]);
    assert!(!ended.said.contains("detached"), "{}", ended.said);
}

#[test]
fn a_timeout_fires_when_every_worker_is_blocked() {
    run("blocks_all_workers").exits(1).says(&[
        "it took longer than its timeout of 200ms; no thread was free to drop it: others block the threads that run async \
         steps",
    ]);
}

#[test]
fn a_deadline_applies_if_no_worker_is_left() {
    run("backs_off waits_for_ever finds_no_worker blocks_all_workers_without_a_timeout --deadline 2s")
        .exits(1)
        .says(&["stopped: the run took longer than its deadline of 2s", "planted: not yet"])
        .step("waits_for_ever", "timed-out")
        .step("backs_off", "failed")
        .step("finds_no_worker", "cancelled");
}

#[test]
fn an_async_step_that_blocks_is_named_while_it_does() {
    run("never_stops_blocking --deadline 2s").exits(1).says(&[
        "warning   async step `never_stops_blocking` has blocked its thread for",
        "make it a plain `fn`, which runs on a separate thread",
    ]);
}

#[test]
fn too_many_detached_threads_stop_the_run() {
    Program::start("max-detached", "run group:hogs")
        .end()
        .exits(1)
        .says(&["stopped: 2 attempts that timed out still run on their threads, more than `max_detached` = 1 allows"])
        .step("hog_1", "timed-out")
        .step("hog_2", "timed-out")
        .step("behind_hogs", "cancelled");
}

#[test]
fn leaked_threads_do_not_block_the_exit() {
    run("leaks_threads").exits(0).step("leaks_threads", "succeeded");
}

#[test]
fn a_runtime_inside_async_code_is_an_error_with_a_hint() {
    run("nests_a_runtime_in_async sibling")
        .exits(1)
        .says(&["`.await` instead, or make the step a plain `fn`, which may block, at tests/programs/faults/program/time.rs:"])
        .step("nests_a_runtime_in_async", "failed")
        .step("sibling", "succeeded");
}

#[test]
fn runtimes_and_runs_inside_steps_work_with_one_worker() {
    for workers in ["", "--workers=1"] {
        run(&format!("group:nested {workers}"))
            .exits(0)
            .step("nests_a_runtime", "succeeded")
            .step("nests_a_run", "succeeded")
            .step("nests_a_run_in_async", "succeeded");
    }
}

#[test]
fn the_programs_runtime_does_not_wait_for_detached_threads() {
    Program::start("own-runtime", "").end().exits(1).says(&[STILL_RUNNING]).step("loops", "timed-out");
}

#[test]
fn retries_that_a_step_cannot_obey_are_a_warning() {
    let warning = "has no effect on `takes_it`: an input that a step takes by value is gone after an attempt";
    run("takes_it --retries 2").exits(0).says(&["warning: setting `defaults.retries` (--retries) ", warning]);
    run("takes_it --set steps.takes*.retries=2")
        .exits(0)
        .says(&["warning: setting `steps.takes*.retries` (--set) ", warning]);
    for arguments in [
        "takes_it",
        "takes_it --retries 0",
        "takes_it --retries 2 --set steps.takes*.retries=0",
        "handed_over --retries 2",
        "takes_it --retries 2 -q",
    ] {
        let ended = run(arguments);
        assert!(!ended.exits(0).said.contains("has no effect"), "{arguments}: {}", ended.said);
    }
}
