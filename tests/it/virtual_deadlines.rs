//! Timeouts and deadlines where time is paused: to the millisecond, whatever the machine does meanwhile.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pipeline::StepDefaults;
use pipeline::prelude::*;
use pipeline::*;
use tokio::time::sleep;

use crate::deadlines::MS;
use crate::support::{Clock, error_of, step_report};

/// How and when each step ended, in virtual milliseconds, and when the run did.
type Ends = (BTreeMap<String, (Status, u128)>, u128);

async fn ends(pipeline: Pipeline) -> (Run, Ends) {
    let (clock, ends) = (Clock::start(), Arc::new(Mutex::new(BTreeMap::new())));
    let write = Arc::clone(&ends);
    let pipeline = pipeline.observe(move |event: &Event<'_>| {
        if let Event::StepFinished { step, status, .. } = *event {
            write.lock().unwrap().insert(step.to_owned(), (status, clock.now()));
        }
    });
    let run = pipeline.run().await.unwrap();
    let ended = ends.lock().unwrap().clone();
    (run, (ended, clock.now()))
}

fn of(ends: &Ends, step: &str) -> (Status, u128) {
    ends.0[step]
}

#[step(timeout = "50ms")]
async fn vd_hangs() {
    std::future::pending::<()>().await;
}

#[step(timeout = "50ms")]
async fn vd_in_time() -> u32 {
    sleep(MS(49)).await;
    1
}

#[step(timeout = "2h")]
async fn vd_takes_hours() {
    sleep(Duration::from_hours(3)).await;
}

#[step(timeout = "20ms", retries = 2, backoff = "10ms")]
async fn vd_hangs_thrice() {
    std::future::pending::<()>().await;
}

#[step(timeout = "20ms", deadline = "45ms", retries = 9, backoff = "10ms")]
async fn vd_hangs_until_its_deadline() {
    sleep(MS(1000)).await;
}

#[step(deadline = "35ms", retries = 9, backoff = "10ms")]
async fn vd_fails_until_its_deadline() -> Result<u32, String> {
    Err("no".to_owned())
}

#[step(timeout = "20ms", no_cancel)]
async fn vd_is_not_dropped() {
    sleep(MS(60)).await;
}

#[step]
async fn vd_plain() {
    sleep(MS(70)).await;
}

/// E07, E08: each step ends at its deadline exactly, after its last attempt that could begin, or in time.
#[tokio::test(start_paused = true)]
async fn steps_end_at_their_deadlines_exactly() {
    for settings in [Settings::default(), Settings::default().timings(false).fallback(false)] {
        let pipeline = Pipeline::to::<vd_hangs>().and::<vd_in_time>().and::<vd_takes_hours>();
        let pipeline = pipeline.and::<vd_hangs_thrice>().and::<vd_hangs_until_its_deadline>();
        let pipeline = pipeline.and::<vd_fails_until_its_deadline>().and::<vd_is_not_dropped>();
        let timed = settings.timings;
        let (run, ends) = ends(pipeline.settings(settings)).await;
        assert_eq!((run.output::<vd_in_time>(), ends.1), (Ok(&1), 2 * 3_600_000));
        assert_eq!(step_report(&run, "vd_fails_until_its_deadline").attempts, 4, "at 0, 10, 20 and 30");
        assert!(error_of(&run, "vd_hangs").1.contains("timeout of 50ms"), "{}", error_of(&run, "vd_hangs").1);
        let told = error_of(&run, "vd_hangs_until_its_deadline").1;
        assert!(told.contains("deadline of 45ms"), "{told}");
        if !timed {
            continue;
        }
        assert_eq!(of(&ends, "vd_hangs"), (Status::TimedOut, 50));
        assert_eq!(of(&ends, "vd_in_time"), (Status::Succeeded, 49));
        assert_eq!(of(&ends, "vd_takes_hours"), (Status::TimedOut, 2 * 3_600_000));
        assert_eq!(of(&ends, "vd_hangs_thrice"), (Status::TimedOut, 80));
        assert_eq!(of(&ends, "vd_hangs_until_its_deadline"), (Status::TimedOut, 45));
        assert_eq!(of(&ends, "vd_fails_until_its_deadline"), (Status::Failed, 30));
        assert_eq!(of(&ends, "vd_is_not_dropped"), (Status::TimedOut, 20));
    }
}

/// The timer of a run's deadline ends with the run.
#[tokio::test(start_paused = true)]
async fn nothing_waits_for_the_deadline_of_a_run_that_has_ended() {
    let settings = Settings::default().deadline(Duration::from_hours(1));
    let run = Pipeline::to::<vd_in_time>().settings(settings).run().await.unwrap();
    assert!(run.succeeded(), "{}", run.report());
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    for _ in 0..100 {
        if alive() > 0 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(alive(), 0);
}

/// E08: defaults of the run count in the same way, and the deadline of the run ends it exactly then.
#[tokio::test(start_paused = true)]
async fn a_run_ends_at_its_deadline_exactly() {
    let default = Settings::default().defaults(StepDefaults::new().timeout(MS(40)));
    let (_, ended) = ends(Pipeline::to::<vd_plain>().settings(default)).await;
    assert_eq!((of(&ended, "vd_plain"), ended.1), ((Status::TimedOut, 40), 40));

    let (run, ended) = ends(Pipeline::to::<vd_plain>().settings(Settings::default().deadline(MS(60)))).await;
    assert_eq!((of(&ended, "vd_plain"), ended.1), ((Status::TimedOut, 60), 60));
    assert!(run.report().stopped_because.as_ref().unwrap().contains("deadline of 60ms"));

    let (run, ended) = ends(Pipeline::to::<vd_plain>().settings(Settings::default().deadline(MS(71)))).await;
    assert_eq!((run.succeeded(), ended.1), (true, 70));
}
