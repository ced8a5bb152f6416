//! `kill -9` at random instants.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{Runs, undisturbed};
use crate::process;

/// How often; `PIPELINE_KILLS` sets another number.
const KILLS: u64 = 30;

#[test]
fn a_run_killed_at_any_instant_goes_on_where_it_was() {
    let kills = std::env::var("PIPELINE_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let (answer, took) = undisturbed();
    let mut unfinished = 0;
    for kill in 0..kills {
        // Spread over the run, in no order.
        let part = (kill * 7919 + 13) % kills;
        let instant = Duration::from_micros(took * 1000 * part / kills);
        let runs = Runs::new();
        let mut command = runs.command("killed");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begin = Instant::now();
        while begin.elapsed() < instant {
            std::thread::yield_now();
        }
        let _ = child.kill();
        let ended = process::end(&mut child, Instant::now() + process::LIMIT);
        unfinished += u64::from(!ended.success());
        runs.check_after_a_kill(&answer, &format!("killed after {instant:?} of {took} ms"));
    }
    assert!(unfinished * 2 > kills, "only {unfinished} of {kills} were killed before their end");
}
