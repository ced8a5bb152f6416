//! Priorities: higher first, whatever the length of the path, in the queue of a lane and in that of a limit.

use pipeline::prelude::*;
use pipeline::*;

use crate::support::{Clock, Recorder, Slept, many, nap, spans};

/// C12: with one worker, steps start by priority; the length of the path only decides among equals.
#[test]
fn a_higher_priority_starts_first_whatever_the_path() {
    #[step(priority = -5)]
    fn po_low() {}
    #[step(priority = -5, cost = 1000)]
    fn po_low_costly() {}
    #[step(cost = 1000)]
    fn po_long() {}
    #[step]
    fn po_long_end(#[input] po_long: &()) {
        let () = po_long;
    }
    #[step(priority = 7)]
    fn po_high() {}
    #[step(priority = 2_147_483_647)]
    fn po_highest() {}
    #[step(priority = -2_147_483_648)]
    fn po_lowest() {}
    let mut dag = DagBuilder::new();
    let _ = dag.add::<po_lowest>();
    let _ = dag.add::<po_low>();
    let _ = dag.add::<po_low_costly>();
    let long = dag.add::<po_long>().handle();
    let _ = dag.add::<po_long_end>().input("po_long", long);
    let _ = dag.add::<po_high>();
    let _ = dag.add::<po_highest>();
    let recorder = Recorder::default();
    let pipeline = Pipeline::new(dag.build().unwrap())
        .settings(Settings::default().workers(1))
        .observe(recorder.clone());
    assert!(pipeline.run_blocking().unwrap().succeeded());
    assert_eq!(
        recorder.started(),
        ["po_highest", "po_high", "po_long", "po_long_end", "po_low_costly", "po_low", "po_lowest"]
    );
}

/// C12, C16: waiting steps get a limit by priority, not by arrival.
#[tokio::test(start_paused = true)]
async fn a_limit_goes_to_the_highest_waiting_priority() {
    #[step(limit = "pl-db", priority = 9)]
    async fn pl_first(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    #[step(limit = "pl-db", priority = -1)]
    async fn pl_low(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    #[step(limit = "pl-db")]
    async fn pl_middle(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    #[step]
    async fn pl_before(#[resource] clock: &Clock) -> Slept {
        nap(clock, 150).await
    }
    #[step(limit = "pl-db", priority = 3)]
    async fn pl_high(#[input] from: &Slept, #[resource] clock: &Clock) -> Slept {
        let _ = from;
        nap(clock, 100).await
    }
    let mut dag = DagBuilder::new();
    many::<pl_low>(&mut dag, "low", 2);
    many::<pl_middle>(&mut dag, "middle", 2);
    many::<pl_first>(&mut dag, "first", 1);
    let before = dag.add::<pl_before>().handle();
    let _ = dag.add::<pl_high>().named("high").input("from", before);
    let clock = Clock::start();
    let run = Pipeline::new(dag.build().unwrap()).resource(clock).run().await.unwrap();
    let from = |prefix: &str| spans(&run, prefix).iter().map(|span| span.from).collect::<Vec<_>>();
    // `high` arrives at 150, when one of the middle ones runs, and passes all others.
    assert_eq!((from("first"), from("high")), (vec![0], vec![200]));
    assert_eq!((from("middle"), from("low")), (vec![100, 300], vec![400, 500]));
}
