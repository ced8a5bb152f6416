//! I18: an observer that asks for it enters and leaves with each step, on whatever thread its code runs.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pipeline::StepDefaults;
use pipeline::event::{RunView, StepCall};
use pipeline::prelude::*;
use pipeline::run::OutputError;
use pipeline::*;

use crate::support::{Door, quiet};

thread_local! {
    static INSIDE: RefCell<Vec<(String, u32)>> = const { RefCell::new(Vec::new()) };
}

/// The step and attempt that this thread is in.
fn inside() -> Option<(String, u32)> {
    INSIDE.with_borrow(|inside| inside.last().cloned())
}

/// Records what each thread is in, and any violation.
#[derive(Clone, Default)]
struct Guide {
    wrong: Arc<Mutex<Vec<String>>>,
    calls: Arc<AtomicUsize>,
    within: Arc<AtomicUsize>,
}

impl Observer for Guide {
    fn on_event(&self, _: &Event<'_>) {}

    fn wants_enter(&self) -> bool {
        true
    }

    fn enter(&self, call: &StepCall<'_>) {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.within.fetch_add(1, Ordering::SeqCst);
        INSIDE.with_borrow_mut(|inside| inside.push((call.step.to_owned(), call.attempt)));
    }

    fn exit(&self, call: &StepCall<'_>) {
        let left = INSIDE.with_borrow_mut(Vec::pop);
        if left != Some((call.step.to_owned(), call.attempt)) {
            self.wrong.lock().unwrap().push(format!("{} left {left:?}", call.step));
        }
        self.within.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Guide {
    #[track_caller]
    fn check(&self) {
        assert_eq!(*self.wrong.lock().unwrap(), Vec::<String>::new());
        assert_eq!(self.within.load(Ordering::SeqCst), 0, "every enter has its leave");
        assert!(self.calls.load(Ordering::SeqCst) > 0);
        assert_eq!(inside(), None, "nothing is left on this thread");
    }
}

fn at(step: &str, attempt: u32) -> Option<(String, u32)> {
    Some((step.to_owned(), attempt))
}

/// Records where it is dropped.
struct Dropped(Arc<Mutex<Option<(String, u32)>>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        *self.0.lock().unwrap() = inside();
    }
}

#[step]
fn en_cpu() -> Option<(String, u32)> {
    inside()
}

#[allow(clippy::ref_option, reason = "a step reads the output as it is")]
#[step(blocking)]
fn en_blocking(en_cpu: &Option<(String, u32)>) -> Option<(String, u32)> {
    en_cpu.as_ref()?;
    inside()
}

#[allow(clippy::ref_option, reason = "a step reads the output as it is")]
#[step]
async fn en_async(en_blocking: &Option<(String, u32)>) -> [Option<(String, u32)>; 2] {
    let before = en_blocking.as_ref().and_then(|_| inside());
    tokio::time::sleep(Duration::from_millis(1)).await;
    [before, inside()]
}

#[test]
fn an_observer_enters_steps_of_every_lane_and_again_after_an_await() {
    let guide = Guide::default();
    let pipeline = Pipeline::to::<en_async>().keep::<en_cpu>().keep::<en_blocking>().observe(guide.clone());
    let run = pipeline.run_blocking().unwrap();
    assert_eq!(run.output::<en_cpu>(), Ok(&at("en_cpu", 1)));
    assert_eq!(run.output::<en_blocking>(), Ok(&at("en_blocking", 1)));
    assert_eq!(run.output::<en_async>(), Ok(&[at("en_async", 1), at("en_async", 1)]));
    guide.check();
}

#[test]
fn attempts_hooks_and_fallbacks_are_entered_with_their_attempt() {
    static ATTEMPTS: Mutex<Vec<Option<(String, u32)>>> = Mutex::new(Vec::new());
    fn note() {
        ATTEMPTS.lock().unwrap().push(inside());
    }
    #[step(retries = 1, on_failure = |_| note(), fallback = |_| { note(); 7 })]
    fn en_retried() -> Result<u32, String> {
        note();
        Err("again".to_owned())
    }
    let guide = Guide::default();
    let run = Pipeline::to::<en_retried>().observe(guide.clone()).run_blocking().unwrap();
    assert_eq!(run.output::<en_retried>(), Ok(&7));
    let [first, second] = [at("en_retried", 1), at("en_retried", 2)];
    assert_eq!(*ATTEMPTS.lock().unwrap(), [first, second.clone(), second.clone(), second]);
    guide.check();
}

#[test]
fn a_skipped_step_is_not_entered() {
    #[step]
    fn en_fails() -> Result<u32, String> {
        Err("no".to_owned())
    }
    #[step]
    fn en_skipped(en_fails: &u32) -> u32 {
        *en_fails
    }
    let guide = Guide::default();
    let run = Pipeline::to::<en_skipped>().observe(guide.clone()).run_blocking().unwrap();
    assert_eq!(run.status("en_skipped"), Ok(Status::Skipped));
    assert_eq!(guide.calls.load(Ordering::SeqCst), 1);
    guide.check();
}

#[test]
fn panics_leave_their_step() {
    quiet();
    let guide = Guide::default();
    let mut dag = DagBuilder::new();
    for n in 0..100 {
        dag.cpu(format!("bad_{n}"), (), |()| -> u32 { panic!("planted") });
        dag.io(format!("worse_{n}"), (), |_| {
            Box::pin(async {
                tokio::task::yield_now().await;
                if true {
                    panic!("planted");
                }
                Ok::<u32, String>(1)
            })
        });
    }
    let run = Pipeline::new(dag.build().unwrap()).observe(guide.clone()).run_blocking().unwrap();
    assert_eq!(run.report().counts.failed, 200);
    guide.check();
}

#[test]
fn a_future_that_a_stop_drops_is_dropped_inside_its_step() {
    let guide = Guide::default();
    let place = Arc::new(Mutex::new(None));
    let (waits, is_waiting) = std::sync::mpsc::channel();
    let dropped = Arc::clone(&place);
    let mut dag = DagBuilder::new();
    dag.io("waits", (), move |_| {
        let (waits, dropped) = (waits.clone(), Dropped(Arc::clone(&dropped)));
        Box::pin(async move {
            let _dropped = dropped;
            // From its second poll on it waits in a separate task.
            tokio::task::yield_now().await;
            waits.send(()).unwrap();
            std::future::pending::<Result<(), String>>().await
        })
    });
    let handle = Pipeline::new(dag.build().unwrap()).observe(guide.clone()).start().unwrap();
    is_waiting.recv().unwrap();
    handle.stop();
    let run = futures::executor::block_on(handle.wait());
    assert_eq!(run.status("waits"), Ok(Status::Cancelled));
    assert_eq!(*place.lock().unwrap(), at("waits", 1));
    guide.check();
}

#[test]
fn a_detached_thread_leaves_its_step_when_it_returns() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let guide = Guide::default();
    let (key, door) = Door::closed();
    let (out, came_out) = std::sync::mpsc::channel();
    let mut dag = DagBuilder::new();
    dag.blocking("stuck", (), move |()| {
        CALLS.fetch_add(1, Ordering::SeqCst);
        door.pass();
        out.send(inside()).unwrap();
        Ok::<u32, String>(1)
    });
    let settings = Settings::default().defaults(StepDefaults::new().timeout(Duration::from_millis(20)));
    let run = Pipeline::new(dag.build().unwrap()).settings(settings).observe(guide.clone());
    let run = run.run_blocking().unwrap();
    assert_eq!(run.status("stuck"), Ok(Status::TimedOut));
    assert_eq!(guide.within.load(Ordering::SeqCst), 1, "the thread is still in there");
    key.open();
    assert_eq!(came_out.recv().unwrap(), at("stuck", 1));
    crate::support::until("the thread leaves", || guide.within.load(Ordering::SeqCst) == 0);
    guide.check();
    assert_eq!(CALLS.load(Ordering::SeqCst), 1);
}

#[test]
fn a_step_is_entered_again_after_its_nested_run() {
    type Seen = Option<(String, u32)>;
    let guide = Guide::default();
    let inner_guide = guide.clone();
    let mut dag = DagBuilder::new();
    dag.blocking("outer", (), move |()| {
        let mut dag = DagBuilder::new();
        for n in 0..20 {
            dag.cpu(format!("inner_{n}"), (), |()| inside());
        }
        let pipeline = Pipeline::new(dag.build().unwrap()).observe(inner_guide.clone());
        let run = pipeline.run_blocking().map_err(|problems| problems.to_string())?;
        let inner: Vec<_> =
            run.available().iter().map(|name| run.output_named::<Seen>(name).cloned()).collect();
        Ok::<_, String>((inner, inside()))
    });
    let run = Pipeline::new(dag.build().unwrap()).observe(guide.clone()).run_blocking().unwrap();
    let (inner, outer) = run.output_named::<(Vec<Result<Seen, OutputError>>, Seen)>("outer").unwrap();
    assert_eq!(*outer, at("outer", 1));
    let wanted: Vec<_> = (0..20).map(|n| Ok(at(&format!("inner_{n}"), 1))).collect();
    assert_eq!(*inner, wanted);
    guide.check();
}

/// Observers that panic in these hooks affect only themselves.
#[test]
fn an_observer_that_panics_in_enter_or_leave_changes_nothing() {
    struct Clumsy;
    impl Observer for Clumsy {
        fn on_event(&self, _: &Event<'_>) {}
        fn for_run(&self, _: &RunView) -> Option<Arc<dyn Observer>> {
            panic!("planted: for run")
        }
        fn wants_enter(&self) -> bool {
            true
        }
        fn enter(&self, _: &StepCall<'_>) {
            panic!("planted: enter")
        }
        fn exit(&self, _: &StepCall<'_>) {
            panic!("planted: exit")
        }
    }
    quiet();
    let guide = Guide::default();
    let run = Pipeline::to::<en_async>().observe(Clumsy).observe(guide.clone()).observe(Clumsy);
    let run = run.run_blocking().unwrap();
    assert_eq!(run.output::<en_async>(), Ok(&[at("en_async", 1), at("en_async", 1)]));
    guide.check();
}

#[test]
fn an_observer_per_run_sees_only_the_events_of_its_run() {
    #[derive(Clone, Default)]
    struct PerRun(Arc<Mutex<Vec<Vec<String>>>>);
    struct OfRun(PerRun, usize);
    impl Observer for PerRun {
        fn on_event(&self, _: &Event<'_>) {
            panic!("planted: the run's own observer receives the events")
        }
        fn for_run(&self, run: &RunView) -> Option<Arc<dyn Observer>> {
            let mut runs = self.0.lock().unwrap();
            runs.push(vec![run.run_id().to_owned()]);
            Some(Arc::new(OfRun(self.clone(), runs.len() - 1)))
        }
    }
    impl Observer for OfRun {
        fn on_event(&self, event: &Event<'_>) {
            self.0.0.lock().unwrap()[self.1].push(event.run_id().to_owned());
        }
    }
    let runs = PerRun::default();
    let pipeline = Pipeline::to::<en_blocking>().observe(runs.clone());
    let ended = [pipeline.run_blocking().unwrap(), pipeline.run_blocking().unwrap()];
    let ids = ended.each_ref().map(|run| run.id().to_owned());
    // The id that it was made for, and six events: two of the run, and two of each of two steps.
    assert_eq!(*runs.0.lock().unwrap(), ids.map(|id| vec![id; 7]));
}
