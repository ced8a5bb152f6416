//! Rates of limits, in virtual time.

use std::time::Duration;

use pipeline::limits::{LimitSettings, RateLimit};
use pipeline::prelude::*;
use pipeline::*;

use crate::support::{Clock, Slept, many, nap, spans};

#[step(limit = "rt-api")]
async fn rt_call(#[resource] clock: &Clock) -> Slept {
    nap(clock, 30).await
}

/// When ten calls start under a rate, with a capacity of two.
async fn starts(rate: RateLimit) -> Vec<u128> {
    let mut dag = DagBuilder::new();
    many::<rt_call>(&mut dag, "call", 10);
    let clock = Clock::start();
    let settings = Settings::default().limit("rt-api", LimitSettings::new(2).rate(rate));
    let run = Pipeline::new(dag.build().unwrap()).settings(settings).resource(clock).run().await.unwrap();
    let mut starts: Vec<u128> = spans(&run, "").iter().map(|span| span.from).collect();
    starts.sort_unstable();
    starts
}

/// G12: one every 100 ms, never two within less.
#[tokio::test(start_paused = true)]
async fn a_rate_spaces_the_starts_evenly() {
    let starts = starts("10/s".parse().unwrap()).await;
    for (n, start) in starts.iter().enumerate() {
        // The runtime's timer has millisecond resolution.
        let due = 100 * n as u128;
        assert!((due..due + 10).contains(start), "{starts:?}");
    }
}

/// G12: after a pause a burst starts at once, then the rate applies.
#[tokio::test(start_paused = true)]
async fn a_burst_comes_first_and_the_capacity_still_holds() {
    let starts = starts(RateLimit::new(10, Duration::from_secs(1)).burst(4)).await;
    // Two at once by the capacity, and two more when these have ended.
    assert_eq!(&starts[..2], [0, 0], "{starts:?}");
    assert!(starts[2..4].iter().all(|start| (30..40).contains(start)), "{starts:?}");
    for pair in starts[4..].windows(2) {
        assert!((90..=110).contains(&(pair[1] - pair[0])), "{starts:?}");
    }
    assert!((90..110).contains(&starts[4]), "{starts:?}");
}

/// G12, E14: steps that wait for the rate end with the run, and hold nothing afterwards.
#[tokio::test(start_paused = true)]
async fn steps_that_wait_for_a_rate_are_cancelled_with_the_run() {
    let limits = Limits::new();
    let hourly = LimitSettings::new(5).rate("1/h".parse().unwrap());
    let limits = limits.limit("rt-api", hourly);
    let mut dag = DagBuilder::new();
    many::<rt_call>(&mut dag, "call", 3);
    let clock = Clock::start();
    let handle = Pipeline::new(dag.build().unwrap()).limits(&limits).resource(clock).start().unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    handle.stop();
    let run = handle.wait().await;
    assert_eq!(clock.now(), 500);
    let counts = run.report().counts;
    assert_eq!((counts.succeeded, counts.cancelled), (1, 2));
    let snapshot = limits.snapshot();
    assert_eq!((snapshot[0].in_use, snapshot[0].waiting), (0, 0));
}
