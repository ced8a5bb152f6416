//! B: code that does not come back, threads, and runtimes in runtimes. Steps that never end are given up on time, and the
//! process does not wait for them.

use crate::program_under_test::{Program, run};

const LEFT_BEHIND: &str = "still running: 1 attempt, left behind on its thread";

#[test]
fn a_step_that_computes_for_ever_times_out_and_the_process_ends() {
    run("behind_loops")
        .exits(1)
        .says(&[
            "error[PL0104]: step `loops` timed out\n    at tests/faults/program/time.rs:",
            "    timed-out: it took longer than its timeout of 100ms\n",
            LEFT_BEHIND,
        ])
        .step("loops", "timed-out")
        .step("behind_loops", "skipped");
}

#[test]
fn the_timeout_of_the_command_line_holds_for_steps_that_say_none() {
    run("loops_without_a_timeout --timeout 200ms")
        .exits(1)
        .says(&["it took longer than its timeout of 200ms", LEFT_BEHIND]);
}

#[test]
fn the_deadline_of_the_run_ends_it_whatever_its_threads_do() {
    run("loops_without_a_timeout never_stops_blocking --deadline 300ms")
        .exits(1)
        .says(&["stopped: the run took longer than its deadline of 300ms"])
        .step("loops_without_a_timeout", "timed-out")
        .step("never_stops_blocking", "timed-out");
}

#[test]
fn an_async_step_that_never_waits_times_out_and_is_told_what_to_do() {
    run("loops_in_async")
        .exits(1)
        .says(&[
            "blocks the thread that runs it: it computes or waits without `.await`; make it a plain `fn`",
            LEFT_BEHIND,
        ])
        .step("loops_in_async", "timed-out");
}

#[test]
fn an_async_step_that_waits_too_long_is_dropped() {
    let ended = run("waits_too_long");
    ended.exits(1).says(&["timed-out: it took longer than its timeout of 100ms"]);
    assert!(!ended.said.contains("left behind"), "{}", ended.said);
}

#[test]
fn a_timeout_is_seen_when_every_worker_is_blocked() {
    run("blocks_all_workers").exits(1).says(&[
        "it took longer than its timeout of 200ms; no thread was free to drop it: others block the threads that run async \
         steps",
    ]);
}

#[test]
fn a_deadline_holds_when_no_worker_is_left_for_what_waits_for_one() {
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
        "warning   async step `never_stops_blocking` has kept its thread for",
        "make it a plain `fn`, which runs on a thread of its own",
    ]);
}

#[test]
fn too_many_threads_left_behind_stop_the_run_with_that_reason() {
    Program::start("max-detached", "run group:hogs")
        .end()
        .exits(1)
        .says(&["stopped: 2 attempts that timed out still run on their threads, more than `max_detached` = 1 allows"])
        .step("hog_1", "timed-out")
        .step("hog_2", "timed-out")
        .step("behind_hogs", "cancelled");
}

#[test]
fn threads_that_a_step_leaks_do_not_hold_the_process() {
    run("leaks_threads").exits(0).step("leaks_threads", "succeeded");
}

#[test]
fn a_runtime_inside_of_async_code_is_told_what_to_do_instead() {
    run("nests_a_runtime_in_async sibling")
        .exits(1)
        .says(&["`.await` instead, or make the step a plain `fn`, which may block, at tests/faults/program/time.rs:"])
        .step("nests_a_runtime_in_async", "failed")
        .step("sibling", "succeeded");
}

#[test]
fn runtimes_and_runs_inside_of_steps_work_with_one_worker_too() {
    for workers in ["", "--sequential"] {
        run(&format!("group:nested {workers}"))
            .exits(0)
            .step("nests_a_runtime", "succeeded")
            .step("nests_a_run", "succeeded")
            .step("nests_a_run_in_async", "succeeded");
    }
}

#[test]
fn a_runtime_of_the_program_does_not_wait_at_its_end_for_threads_left_behind() {
    Program::start("own-runtime", "").end().exits(1).says(&[LEFT_BEHIND]).step("loops", "timed-out");
}
