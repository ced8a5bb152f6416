//! Progress and counters of running steps, as observers and the report show them.

use std::sync::{Arc, Mutex, mpsc};

use pipeline::context::{ProgressSoFar, StepActivity};
use pipeline::event::RunView;
use pipeline::prelude::*;
use pipeline::{Event, Run, RunReport};

/// Signals the test that a gate is reached, and waits for its answer.
struct Gates {
    said: mpsc::Sender<()>,
    gate: Mutex<mpsc::Receiver<()>>,
}

impl Gates {
    fn wait(&self) {
        self.said.send(()).unwrap();
        self.gate.lock().unwrap().recv().unwrap();
    }
}

/// Runs a pipeline whose step waits at gates; returns its activity at each gate.
fn looks(pipeline: Pipeline, step: &str, count: usize) -> (Vec<StepActivity>, Run) {
    let ((said, told), (go, gate)) = (mpsc::channel(), mpsc::channel());
    let view: Arc<Mutex<Option<RunView>>> = Arc::default();
    let kept = Arc::clone(&view);
    let pipeline =
        pipeline.resource(Gates { said, gate: Mutex::new(gate) }).observe(move |event: &Event<'_>| {
            if let Event::RunStarted { view, .. } = *event {
                *kept.lock().unwrap() = Some(view.clone());
            }
        });
    let handle = pipeline.start().unwrap();
    let look = |_| {
        told.recv().unwrap();
        let activity = view.lock().unwrap().as_ref().unwrap().activity(step);
        go.send(()).unwrap();
        activity
    };
    let found = (0..count).map(look).collect();
    (found, futures::executor::block_on(handle.wait()))
}

fn said(done: u64, total: Option<u64>, note: &str) -> impl Fn(&StepActivity) -> bool {
    move |activity| {
        let ProgressSoFar { done: d, total: t, note: n, .. } = activity.progress.clone().unwrap_or_default();
        (d, t, n.as_str()) == (done, total, note)
    }
}

/// I20: an observer of a running step sees its progress.
#[test]
fn progress_is_seen_while_the_step_runs() {
    #[step(blocking)]
    fn pr_goes_on(#[resource] gates: &Gates, #[context] cx: &StepContext) -> u32 {
        gates.wait();
        let progress = cx.progress(None);
        progress.add(3);
        gates.wait();
        progress.set_total(8);
        progress.set(5);
        progress.note("page 5");
        gates.wait();
        1
    }
    let (found, run) = looks(Pipeline::to::<pr_goes_on>(), "pr_goes_on", 3);
    assert!(run.succeeded());
    assert_eq!(found[0], StepActivity::default(), "it has said nothing yet");
    assert!(said(3, None, "")(&found[1]) && said(5, Some(8), "page 5")(&found[2]), "{found:?}");
}

/// I20: a new attempt replaces the activity of the one before.
#[test]
fn a_new_attempt_resets_the_activity() {
    #[step(blocking, retries = 1, backoff = "1ms")]
    fn pr_again(#[resource] gates: &Gates, #[context] cx: &StepContext) -> Result<u32, String> {
        let progress = cx.progress(10);
        cx.count("rows_in", 100);
        if cx.attempt() == 1 {
            progress.add(9);
            progress.note("nearly there");
            gates.wait();
            return Err("not yet".to_owned());
        }
        progress.add(2);
        gates.wait();
        Ok(1)
    }
    let (found, run) = looks(Pipeline::to::<pr_again>(), "pr_again", 2);
    assert!(said(9, Some(10), "nearly there")(&found[0]) && said(2, Some(10), "")(&found[1]), "{found:?}");
    let step = run.report().step("pr_again").unwrap();
    assert_eq!((step.attempts, &step.activity), (2, &found[1]));
    assert_eq!(step.activity.counters["rows_in"], 100, "of the last attempt");
}

/// I09, I20: the report has sums and rates for steps that count, and only for those.
#[test]
fn the_report_has_counters_progress_and_rates() {
    #[step]
    fn pr_counts(#[context] cx: &StepContext) -> u32 {
        cx.count("rows_in", 100);
        cx.count("rows_in", 20);
        cx.count("rejected", 1);
        cx.progress(8).add(5);
        1
    }
    #[step]
    fn pr_says_nothing(pr_counts: &u32) -> u32 {
        *pr_counts
    }
    let run = Pipeline::to::<pr_says_nothing>().run_blocking().unwrap();
    let step = run.report().step("pr_counts").unwrap();
    assert_eq!((step.activity.counters["rows_in"], step.activity.counters["rejected"]), (120, 1));
    assert!(said(5, Some(8), "")(&step.activity));
    let rate = step.per_second("rows_in").unwrap();
    assert!((rate * step.duration.unwrap().as_secs_f64() - 120.0).abs() < 1e-6, "{rate}");
    assert_eq!(step.per_second("nothing"), None);
    assert_eq!(run.report().step("pr_says_nothing").unwrap().activity, StepActivity::default());
    let read: RunReport = serde_json::from_str(&run.report().to_json()).unwrap();
    assert_eq!(read.step("pr_counts"), Some(step));
}
