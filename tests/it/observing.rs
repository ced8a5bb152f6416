//! Events: what observers receive, in which order, and with which id.

use std::sync::{Arc, Mutex};

use pipeline::graph::Refs;
use pipeline::prelude::*;
use pipeline::run::Stopper;
use pipeline::*;

use crate::support::{Recorder, Seen};

#[step]
fn ob_source() -> u32 {
    1
}

#[step]
async fn ob_middle(ob_source: &u32, #[context] cx: &StepContext) -> (String, String, u32) {
    tokio::task::yield_now().await;
    (cx.run_id().to_owned(), cx.step().to_owned(), cx.attempt() + ob_source - 1)
}

#[step]
fn ob_last(ob_middle: &(String, String, u32)) -> String {
    ob_middle.0.clone()
}

/// I24: start and end of the run and of each step, in order.
#[test]
fn observers_see_the_start_and_end_of_the_run_and_of_each_step() {
    let recorder = Recorder::default();
    let run = Pipeline::to::<ob_last>().observe(recorder.clone()).run_blocking().unwrap();
    let id = run.id().to_owned();
    let started = |step: &str| Seen::Started(step.into());
    let finished = |step: &str| Seen::Finished(step.into(), Status::Succeeded);
    assert_eq!(
        recorder.seen(),
        [
            Seen::RunStarted(id.clone(), 3),
            started("ob_source"),
            finished("ob_source"),
            started("ob_middle"),
            finished("ob_middle"),
            started("ob_last"),
            finished("ob_last"),
            Seen::RunFinished(id, true),
        ]
    );
}

/// I26: one id in the context, in every event, in the handle, the run and the report; a new one for the next run.
#[test]
fn one_id_is_attached_to_all_parts_of_a_run() {
    let ids = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&ids);
    let pipeline = Pipeline::to::<ob_last>().and::<ob_middle>().observe(move |event: &Event<'_>| {
        let (Event::RunStarted { run_id, .. }
        | Event::StepStarted { run_id, .. }
        | Event::StepFinished { run_id, .. }
        | Event::RunFinished { run_id, .. }) = *event
        else {
            return;
        };
        seen.lock().unwrap().push(run_id.to_owned());
    });
    let handle = pipeline.start().unwrap();
    let id = handle.id().to_owned();
    let run = futures::executor::block_on(handle.wait());
    assert_eq!(run.output::<ob_last>(), Ok(&id));
    assert_eq!(run.output::<ob_middle>(), Ok(&(id.clone(), "ob_middle".to_owned(), 1)));
    assert_eq!((run.id(), run.report().run_id.as_str()), (id.as_str(), id.as_str()));
    assert_eq!(*ids.lock().unwrap(), vec![id.clone(); 8]);
    assert_ne!(pipeline.run_blocking().unwrap().id(), id);
}

/// I24: failures and skips come with their error and status.
#[test]
fn observers_see_failures_and_skips() {
    #[step]
    fn ob_fails() -> Result<u32, String> {
        Err("reason".into())
    }
    #[step]
    fn ob_skipped(ob_fails: &u32) -> u32 {
        *ob_fails
    }
    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&told);
    let run = Pipeline::to::<ob_skipped>()
        .observe(move |event: &Event<'_>| match *event {
            Event::StepFinished { step, status, error, .. } => {
                let message = error.map(|error| error.message().to_owned());
                seen.lock().unwrap().push((step.to_owned(), status, message));
            }
            Event::StepStarted { step, .. } => assert_eq!(step, "ob_fails", "a skipped step does not start"),
            Event::RunFinished { succeeded, .. } => assert!(!succeeded),
            _ => {}
        })
        .run_blocking()
        .unwrap();
    assert!(!run.succeeded());
    assert_eq!(
        *told.lock().unwrap(),
        [
            ("ob_fails".to_owned(), Status::Failed, Some("reason".to_owned())),
            ("ob_skipped".to_owned(), Status::Skipped, None),
        ]
    );
}

/// An observer may read an output when its step has ended, before a taker does.
#[test]
fn observers_see_outputs_before_they_are_taken() {
    #[step]
    fn ob_rows() -> Vec<u32> {
        vec![1, 2, 3]
    }
    #[step]
    async fn ob_takes(#[from(ob_rows)] rows: Vec<u32>) -> Result<usize, String> {
        if rows.len() == 3 { Err("planted".to_owned()) } else { Ok(rows.len()) }
    }
    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&told);
    let run = Pipeline::to::<ob_takes>().observe(move |event: &Event<'_>| {
        if let Event::StepFinished { step, output, .. } = *event {
            let sum = output.map(|output| output.get::<Vec<u32>>().map(|rows| rows.iter().sum::<u32>()));
            let shown = format!("{output:?}");
            seen.lock().unwrap().push((step.to_owned(), sum, shown.contains('1')));
        }
    });
    run.run_blocking().unwrap();
    assert_eq!(
        *told.lock().unwrap(),
        [("ob_rows".to_owned(), Some(Some(6)), false), ("ob_takes".to_owned(), None, false)]
    );
}

/// I24: an upstream's end is reported before its dependents' starts, over all lanes; each start has one end.
#[test]
fn a_step_ends_before_its_dependents_start() {
    let recorder = Recorder::default();
    let mut dag = DagBuilder::new();
    let mut last = vec![dag.cpu("s0", (), |()| 0_u32)];
    for n in 1..200_usize {
        let from = vec![last[n / 2], last[n - 1 - (n % 7).min(n - 1)]];
        last.push(match n % 3 {
            0 => dag.cpu(format!("s{n}"), from, |_| 1),
            1 => dag.blocking(format!("s{n}"), from, |_| Ok::<_, String>(1)),
            _ => dag.io(format!("s{n}"), from, |Refs(_)| {
                Box::pin(async {
                    tokio::task::yield_now().await;
                    Ok::<_, String>(1)
                })
            }),
        });
    }
    let dag = Arc::new(dag.build().unwrap());
    let run = Pipeline::new(Arc::clone(&dag)).observe(recorder.clone()).run_blocking().unwrap();
    assert!(run.succeeded());
    let seen = recorder.seen();
    let at = |wanted: Seen| {
        let mut places = seen.iter().enumerate().filter(|(_, seen)| **seen == wanted).map(|(at, _)| at);
        let place = places.next().unwrap();
        assert!(places.next().is_none(), "once each");
        place
    };
    for step in 0..dag.len() {
        let start = at(Seen::Started(dag.step(step).name().to_owned()));
        for &earlier in dag.upstream(step) {
            let end = at(Seen::Finished(dag.step(earlier as usize).name().to_owned(), Status::Succeeded));
            assert!(end < start);
        }
    }
}

#[test]
fn an_observer_can_stop_the_run() {
    let stopper: Arc<Mutex<Option<Stopper>>> = Arc::default();
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let mut dag = DagBuilder::new();
    let first = dag.cpu("first", (), move |()| gate.lock().unwrap().recv().unwrap());
    dag.cpu("second", (first,), |((),)| ());
    let watched = Arc::clone(&stopper);
    let pipeline = Pipeline::new(dag.build().unwrap()).observe(move |event: &Event<'_>| {
        if let Event::StepFinished { .. } = event {
            watched.lock().unwrap().as_ref().unwrap().stop();
        }
    });
    let handle = pipeline.start().unwrap();
    *stopper.lock().unwrap() = Some(handle.stopper());
    go.send(()).unwrap();
    let run = futures::executor::block_on(handle.wait());
    assert_eq!((run.status("first"), run.status("second")), (Ok(Status::Succeeded), Ok(Status::Cancelled)));
}
