//! Steps that run in parallel only if a predicate holds.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use pipeline::prelude::*;
use pipeline::*;

use crate::support::{Clock, Slept, are_apart, nap, peak, quiet_later, spans};

/// Runs four steps with the predicate and two without; returns the duration and the run.
async fn four<S: Step<Output = Slept>>(settings: Settings) -> (u128, Run) {
    #[step]
    async fn pi_free(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    let mut dag = DagBuilder::new();
    for n in 0..4 {
        let _ = dag.add::<S>().named(format!("conditional_{n}"));
    }
    for n in 0..2 {
        let _ = dag.add::<pi_free>().named(format!("free_{n}"));
    }
    let clock = Clock::start();
    let pipeline = Pipeline::new(dag.build().unwrap()).settings(settings).resource(clock);
    let run = pipeline.run().await.unwrap();
    assert!(run.succeeded());
    (clock.now(), run)
}

/// F05: if the predicate holds, its steps run in parallel, and nothing is reported.
#[tokio::test(start_paused = true)]
async fn steps_run_in_parallel_if_the_predicate_holds() {
    fn holds() -> bool {
        true
    }
    #[step(parallel_if = holds)]
    async fn ph_step(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    let (wall, run) = four::<ph_step>(Settings::default()).await;
    assert_eq!((wall, peak(&spans(&run, ""))), (100, 6));
    assert_eq!(run.report().limited_by, Vec::<String>::new());
}

/// F05: if it does not, they run alone, and the report has their names and the reason.
#[tokio::test(start_paused = true)]
async fn steps_run_alone_if_the_predicate_does_not_hold() {
    #[step(parallel_if = || false)]
    async fn pn_step(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    let (wall, run) = four::<pn_step>(Settings::default()).await;
    assert_eq!(wall, 500, "each alone, and the free ones together");
    let free = spans(&run, "free")[0];
    assert!(are_apart(&[spans(&run, "conditional"), vec![free]].concat()));
    let said = &run.report().limited_by;
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(
        said.iter().all(|reason| reason.ends_with("ran alone: its `parallel_if` returned false")),
        "{said:?}"
    );
    assert!(run.report().to_string().contains("`conditional_0` ran alone"));
}

/// F05: the predicate is evaluated when the step could start, so its value may change during the run.
#[tokio::test(start_paused = true)]
async fn the_predicate_is_evaluated_when_the_step_could_start() {
    static QUIET: AtomicBool = AtomicBool::new(false);
    #[step]
    async fn pw_quiets(#[resource] clock: &Clock) -> Slept {
        let slept = nap(clock, 100).await;
        QUIET.store(true, Ordering::SeqCst);
        slept
    }
    #[step(parallel_if = || QUIET.load(Ordering::SeqCst))]
    async fn pw_after(#[input] from: &Slept, #[resource] clock: &Clock) -> Slept {
        let _ = from;
        nap(clock, 100).await
    }
    let mut dag = DagBuilder::new();
    let quiets = dag.add::<pw_quiets>().handle();
    for n in 0..3 {
        let _ = dag.add::<pw_after>().named(format!("after_{n}")).input("from", quiets);
    }
    let clock = Clock::start();
    let run = Pipeline::new(dag.build().unwrap()).resource(clock).run().await.unwrap();
    assert_eq!((clock.now(), run.report().limited_by.len()), (200, 0));
}

/// F05, L09: with `conditional` off the steps run alone, the predicate is not evaluated, and the report says so.
#[tokio::test(start_paused = true)]
async fn with_conditional_off_the_steps_run_alone_without_the_predicate() {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    #[step(parallel_if = || ASKED.fetch_add(1, Ordering::SeqCst) < 1000)]
    async fn po_step(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    let (wall, run) = four::<po_step>(Settings::default().conditional(false)).await;
    assert_eq!((wall, ASKED.load(Ordering::SeqCst)), (500, 0));
    let said = &run.report().limited_by;
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(said.iter().all(|reason| reason.ends_with("runs alone: the settings have `conditional` off")));
    let (wall, _) = four::<po_step>(Settings::default()).await;
    assert_eq!((wall, ASKED.load(Ordering::SeqCst)), (100, 4), "asked once for each");
}

/// F05: a predicate that panics counts as false.
#[tokio::test(start_paused = true)]
async fn a_predicate_that_panics_counts_as_false() {
    quiet_later();
    fn panics() -> bool {
        panic!("planted")
    }
    #[step(parallel_if = panics)]
    async fn pp_step(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    let (wall, run) = four::<pp_step>(Settings::default()).await;
    assert_eq!((wall, run.report().limited_by.len()), (500, 4));
}

/// F05, E02
#[test]
fn the_predicate_of_a_skipped_step_is_not_evaluated() {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    #[step]
    fn ps_fails() -> Result<u32, String> {
        Err("planted".to_owned())
    }
    #[step(parallel_if = || ASKED.fetch_add(1, Ordering::SeqCst) > 1000)]
    fn ps_skipped(ps_fails: &u32) -> u32 {
        *ps_fails
    }
    let run = Pipeline::to::<ps_skipped>().run_blocking().unwrap();
    assert_eq!((run.status("ps_skipped"), ASKED.load(Ordering::SeqCst)), (Ok(Status::Skipped), 0));
    assert_eq!(run.report().limited_by, Vec::<String>::new());
}
