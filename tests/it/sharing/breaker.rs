//! Circuit breakers of limits, in virtual time.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pipeline::limits::{Breaker, BreakerState, LimitSettings};
use pipeline::prelude::*;
use pipeline::report::StepReport;
use pipeline::*;

use crate::support::{Clock, many};

/// A service that is down or up, and the number of calls to it.
#[derive(Default)]
struct Service {
    is_up: AtomicBool,
    calls: AtomicU32,
    times: Mutex<Vec<u128>>,
}

impl Service {
    async fn call(&self, clock: &Clock) -> Result<u128, String> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.times.lock().unwrap().push(clock.now());
        tokio::time::sleep(Duration::from_millis(10)).await;
        if self.is_up.load(Ordering::SeqCst) { Ok(clock.now()) } else { Err("planted: down".to_owned()) }
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }
}

/// Opens for ten seconds after this many failures.
fn limits(capacity: u64, failures: u32) -> Limits {
    let breaker = Breaker::new(failures, Duration::from_secs(10));
    Limits::new().limit("br-api", LimitSettings::new(capacity).breaker(breaker))
}

fn state(limits: &Limits) -> Option<BreakerState> {
    limits.snapshot()[0].breaker
}

#[step(limit = "br-api")]
async fn br_call(#[resource] service: &Arc<Service>, #[resource] clock: &Clock) -> Result<u128, String> {
    service.call(clock).await
}

#[step(limit = "br-api", retries = 3, backoff = "6s")]
async fn br_patient(#[resource] service: &Arc<Service>, #[resource] clock: &Clock) -> Result<u128, String> {
    service.call(clock).await
}

fn calls(count: usize, limits: &Limits, service: &Arc<Service>, clock: Clock) -> Pipeline {
    let mut dag = DagBuilder::new();
    many::<br_call>(&mut dag, "call", count);
    Pipeline::new(dag.build().unwrap()).limits(limits).resource(Arc::clone(service)).resource(clock)
}

/// E11: a breaker opens after this many failures in a row, refuses steps, lets one probe through after its time, and
/// closes if that succeeds.
#[tokio::test(start_paused = true)]
async fn a_breaker_opens_refuses_probes_and_closes() {
    let (limits, service, clock) = (limits(1, 3), Arc::new(Service::default()), Clock::start());
    let run = calls(8, &limits, &service, clock).run().await.unwrap();
    assert_eq!((service.calls(), run.report().counts.failed), (3, 8), "five were not tried");
    assert_eq!(state(&limits), Some(BreakerState::Open));
    let refused: Vec<&StepReport> =
        run.report().steps.iter().filter(|step| kind(step) == Some(FailureKind::CircuitOpen)).collect();
    assert_eq!(refused.len(), 5);
    let message = &refused[0].error.as_ref().unwrap().message;
    assert!(message.contains("br-api"), "{message}");
    assert_eq!(run.report().limits[0].breaker, Some(BreakerState::Open));

    let run = calls(1, &limits, &service, clock).run().await.unwrap();
    assert_eq!((service.calls(), run.report().counts.failed), (3, 1), "still open in another run");

    tokio::time::sleep(Duration::from_secs(10)).await;
    calls(1, &limits, &service, clock).run().await.unwrap();
    assert_eq!(
        (service.calls(), state(&limits)),
        (4, Some(BreakerState::Open)),
        "a probe that fails opens it"
    );

    tokio::time::sleep(Duration::from_secs(10)).await;
    service.is_up.store(true, Ordering::SeqCst);
    let run = calls(1, &limits, &service, clock).run().await.unwrap();
    assert!(run.succeeded(), "{}", run.report());
    assert_eq!(state(&limits), Some(BreakerState::Closed));
    let run = calls(5, &limits, &service, clock).run().await.unwrap();
    assert_eq!((run.report().counts.succeeded, service.calls()), (5, 10));
}

/// E11: after its time the breaker lets exactly its number of probes through, and no other step until they have ended.
#[tokio::test(start_paused = true)]
async fn a_half_open_breaker_lets_only_its_probes_through() {
    let breaker = Breaker::new(1, Duration::from_secs(10)).probes(2);
    let limits = Limits::new().limit("br-api", LimitSettings::new(4).breaker(breaker));
    let (service, clock) = (Arc::new(Service::default()), Clock::start());
    calls(1, &limits, &service, clock).run().await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    service.is_up.store(true, Ordering::SeqCst);
    let run = calls(6, &limits, &service, clock).run().await.unwrap();
    assert_eq!((run.report().counts.succeeded, run.report().counts.failed), (2, 4));
    assert_eq!((service.calls(), state(&limits)), (3, Some(BreakerState::Closed)));
}

fn kind(step: &StepReport) -> Option<FailureKind> {
    step.error.as_ref().map(|error| error.kind)
}

/// E11: concurrent runs share the breaker: failures in one refuse steps in the other.
#[tokio::test(start_paused = true)]
async fn a_breaker_is_shared_by_concurrent_runs() {
    let (limits, service, clock) = (limits(1, 3), Arc::new(Service::default()), Clock::start());
    let (one, two) = (calls(4, &limits, &service, clock), calls(4, &limits, &service, clock));
    let (one, two) = tokio::join!(one.run(), two.run());
    let (one, two) = (one.unwrap(), two.unwrap());
    let refused = |run: &Run| {
        run.report().steps.iter().filter(|step| kind(step) == Some(FailureKind::CircuitOpen)).count()
    };
    assert_eq!((service.calls(), refused(&one) + refused(&two)), (3, 5));
    assert!(refused(&one) > 0 && refused(&two) > 0);
}

/// E05, E11: a refused attempt is a failed one: a step with retries waits until the breaker closes.
#[tokio::test(start_paused = true)]
async fn retries_wait_out_an_open_breaker() {
    let (limits, service, clock) = (limits(1, 1), Arc::new(Service::default()), Clock::start());
    let mut dag = DagBuilder::new();
    let _ = dag.add::<br_patient>();
    let pipeline =
        Pipeline::new(dag.build().unwrap()).limits(&limits).resource(Arc::clone(&service)).resource(clock);
    let up = async {
        tokio::time::sleep(Duration::from_secs(8)).await;
        service.is_up.store(true, Ordering::SeqCst);
    };
    let (run, ()) = tokio::join!(pipeline.run(), up);
    let run = run.unwrap();
    assert!(run.succeeded(), "{}", run.report());
    let step = run.report().step("br_patient").unwrap();
    let kinds: Vec<FailureKind> = step.failed_attempts.iter().map(|attempt| attempt.error.kind).collect();
    // At 0 it fails, at 6 s it is refused, at 12 s it is the probe.
    assert_eq!(kinds, [FailureKind::Error, FailureKind::CircuitOpen]);
    assert_eq!((step.attempts, service.calls()), (3, 2));
    assert_eq!(state(&limits), Some(BreakerState::Closed));
}

/// E09, E11
#[tokio::test(start_paused = true)]
async fn a_refused_step_has_its_fallback() {
    #[step(limit = "br-api", fallback = |error| error.kind().name().len() as u128)]
    async fn bf_call(#[resource] service: &Arc<Service>, #[resource] clock: &Clock) -> Result<u128, String> {
        service.call(clock).await
    }
    let (limits, service, clock) = (limits(1, 1), Arc::new(Service::default()), Clock::start());
    let mut dag = DagBuilder::new();
    many::<bf_call>(&mut dag, "call", 2);
    let pipeline =
        Pipeline::new(dag.build().unwrap()).limits(&limits).resource(Arc::clone(&service)).resource(clock);
    let run = pipeline.run().await.unwrap();
    assert!(run.succeeded());
    let kinds = run.report().steps.iter().map(|step| step.fallback_for.as_ref().unwrap().kind);
    assert_eq!(kinds.collect::<Vec<_>>(), [FailureKind::Error, FailureKind::CircuitOpen]);
    assert_eq!((run.output_named::<u128>("call_1"), service.calls()), (Ok(&12), 1));
}

/// E11, F01: a step that its condition skips is no sign of a healthy service: it does not close the breaker.
#[tokio::test(start_paused = true)]
async fn a_skipped_step_is_not_a_probe() {
    #[step(limit = "br-api", when = |service, _clock| service.is_up.load(Ordering::SeqCst))]
    async fn bs_call(#[resource] service: &Arc<Service>, #[resource] clock: &Clock) -> Result<u128, String> {
        service.call(clock).await
    }
    let (limits, service, clock) = (limits(1, 1), Arc::new(Service::default()), Clock::start());
    calls(1, &limits, &service, clock).run().await.unwrap();
    assert_eq!(state(&limits), Some(BreakerState::Open));
    tokio::time::sleep(Duration::from_secs(10)).await;
    let mut dag = DagBuilder::new();
    let _ = dag.add::<bs_call>();
    let pipeline =
        Pipeline::new(dag.build().unwrap()).limits(&limits).resource(Arc::clone(&service)).resource(clock);
    let run = pipeline.run().await.unwrap();
    assert_eq!((service.calls(), run.report().counts.skipped), (1, 1));
    assert_ne!(state(&limits), Some(BreakerState::Closed), "nothing was tried");
    let run = calls(1, &limits, &service, clock).run().await.unwrap();
    assert_eq!((service.calls(), run.report().counts.failed), (2, 1), "the probe is still to come");
    assert_eq!(state(&limits), Some(BreakerState::Open));
}

/// E11, E14: the same for a step that was cancelled with its run.
#[tokio::test(start_paused = true)]
async fn a_cancelled_step_is_not_a_probe() {
    #[step(limit = "br-api")]
    async fn bc_hangs() {
        std::future::pending::<()>().await;
    }
    let (limits, service, clock) = (limits(1, 1), Arc::new(Service::default()), Clock::start());
    calls(1, &limits, &service, clock).run().await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let mut dag = DagBuilder::new();
    let _ = dag.add::<bc_hangs>();
    let handle = Pipeline::new(dag.build().unwrap()).limits(&limits).start().unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    handle.stop();
    let run = handle.wait().await;
    assert_eq!(run.report().counts.cancelled, 1);
    assert_eq!(state(&limits), Some(BreakerState::HalfOpen), "not a success and not a failure");
    assert_eq!(limits.snapshot()[0].in_use, 0);
}
