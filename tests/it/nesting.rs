//! Nested runs: they share the outermost run's slots, and end however few there are.

use std::sync::Arc;

use pipeline::limits::LimitSettings;
use pipeline::prelude::*;
use pipeline::*;

use crate::support::{Gauge, alone, quiet, run_in_time};

/// The width of the pipeline at each level, outermost first.
type Widths = Vec<usize>;

/// The leaves that run now, over all pipelines of one test.
struct Leaves(Arc<Gauge>);

/// A leaf, or a step that runs a pipeline of such steps.
#[step]
fn nested_level(
    #[param] widths: Widths,
    #[resource] leaves: &Arc<Leaves>,
    #[context] cx: &StepContext,
) -> Result<u64, Problems> {
    let Some((_, deeper)) = widths.split_first() else {
        let _inside = leaves.0.enter();
        std::thread::yield_now();
        return Ok(1);
    };
    let run =
        level::<nested_level>(&widths, deeper)?.resource(Arc::clone(leaves)).within(cx).run_blocking()?;
    Ok(run.available().iter().map(|name| run.output_named::<u64>(name).unwrap()).sum())
}

/// The same as an async step.
#[step]
async fn waiting_level(
    #[param] widths: Widths,
    #[resource] leaves: &Arc<Leaves>,
    #[context] cx: &StepContext,
) -> Result<u64, Problems> {
    let Some((_, deeper)) = widths.split_first() else {
        let _inside = leaves.0.enter();
        tokio::task::yield_now().await;
        return Ok(1);
    };
    let pipeline = level::<waiting_level>(&widths, deeper)?.resource(Arc::clone(leaves));
    let run = pipeline.within(cx).run().await?;
    Ok(run.available().iter().map(|name| run.output_named::<u64>(name).unwrap()).sum())
}

fn level<S: Step>(widths: &[usize], deeper: &[usize]) -> Result<Pipeline, Problems> {
    let mut dag = DagBuilder::new();
    for index in 0..widths[0] {
        let _ = dag.add::<S>().named(format!("level_{index}")).param("widths", deeper);
    }
    Ok(Pipeline::new(dag.build()?))
}

fn leaves() -> (Arc<Gauge>, Arc<Leaves>) {
    let gauge = Arc::<Gauge>::default();
    (Arc::clone(&gauge), Arc::new(Leaves(gauge)))
}

/// P6
#[test]
fn runs_five_deep_complete_with_one_slot() {
    if !alone("nesting::runs_five_deep_complete_with_one_slot") {
        return;
    }
    let (gauge, resource) = leaves();
    let widths = [1, 1, 1, 1, 1];
    let settings = Settings::default().workers(1);
    let sync = Pipeline::to::<nested_level>().param("widths", widths).settings(settings.clone());
    let run = sync.resource(Arc::clone(&resource)).run_blocking().unwrap();
    assert_eq!(run.output::<nested_level>(), Ok(&1));
    let waits = Pipeline::to::<waiting_level>().param("widths", widths).settings(settings);
    let run = waits.resource(resource).run_blocking().unwrap();
    assert_eq!(run.output::<waiting_level>(), Ok(&1));
    assert_eq!(gauge.peak(), 1);
}

/// P6: 50 parents with 20 children each and two slots: all complete, with at most two leaves at once.
#[test]
fn fifty_parents_with_twenty_children_share_two_slots() {
    if !alone("nesting::fifty_parents_with_twenty_children_share_two_slots") {
        return;
    }
    let (gauge, resource) = leaves();
    let settings = Settings::default().workers(2);
    let sync = Pipeline::to::<nested_level>().param("widths", [50, 20]).settings(settings.clone());
    let run = sync.resource(Arc::clone(&resource)).run_blocking().unwrap();
    assert_eq!(run.output::<nested_level>(), Ok(&1000));
    assert!(gauge.peak() <= 2, "{} leaves at once", gauge.peak());
    let waits = Pipeline::to::<waiting_level>().param("widths", [50, 20]).settings(settings);
    let run = waits.resource(resource).run_blocking().unwrap();
    assert_eq!(run.output::<waiting_level>(), Ok(&1000));
    assert!(gauge.peak() <= 2, "{} leaves at once", gauge.peak());
}

/// A run remembers 1,000 runs within its steps and counts the others, at each level.
#[test]
fn runs_within_a_nested_run_that_it_does_not_remember_are_counted() {
    let (_, leaves) = leaves();
    let outer = level::<nested_level>(&[1], &[1002, 1]).unwrap().resource(leaves);
    let run = run_in_time(outer);
    let report = run.report();
    let [middle] = report.nested.as_slice() else { panic!("{report}") };
    assert_eq!((report.more_nested, middle.nested.len(), middle.more_nested), (0, 1000, 2));
}

/// Without `within`, a nested run has its own slots; its steps may use a limit that its parent shares.
#[test]
fn a_nested_run_shares_the_named_limits_of_its_parent() {
    #[step(limit = "db")]
    fn inner() -> u64 {
        1
    }
    #[step]
    fn outer(#[context] cx: &StepContext) -> Result<u64, Problems> {
        let run = Pipeline::to::<inner>().within(cx).run_blocking()?;
        let limits = &run.report().limits;
        assert!(limits.iter().any(|limit| limit.name == "db" && limit.capacity == 3), "{limits:?}");
        Ok(*run.output::<inner>().unwrap())
    }
    let settings = Settings::default().limit("db", LimitSettings::new(3));
    let run = Pipeline::to::<outer>().settings(settings).run_blocking().unwrap();
    assert_eq!(run.output::<outer>(), Ok(&1));
}

/// P6: if a step above holds what a step of the nested run needs, at any depth, this is reported at once instead of
/// waiting.
#[test]
fn a_nested_run_that_could_never_have_its_limit_is_refused() {
    #[step(limit("pool" = 2))]
    fn needs_two() -> u64 {
        1
    }
    #[step]
    fn between(#[context] cx: &StepContext) -> Result<u64, Problems> {
        let run = Pipeline::to::<needs_two>().within(cx).run_blocking()?;
        Ok(*run.output::<needs_two>().unwrap())
    }
    #[step(limit = "pool")]
    fn holds_one(#[context] cx: &StepContext) -> Result<u64, String> {
        let run =
            Pipeline::to::<between>().within(cx).run_blocking().map_err(|problems| problems.to_string())?;
        let why = run.error("between").map(ToString::to_string);
        why.map_or_else(|| Ok(*run.output::<between>().unwrap()), Err)
    }
    let run = |capacity| {
        let settings = Settings::default().limit("pool", LimitSettings::new(capacity));
        Pipeline::to::<holds_one>().settings(settings).run_blocking().unwrap()
    };
    for capacity in [1, 2] {
        let run = run(capacity);
        let told = run.error("holds_one").unwrap().to_string();
        for part in
            ["`needs_two` needs", "of the limit `pool`", "it would wait for ever", "held by `holds_one`"]
        {
            assert!(told.contains(part), "{capacity}: {part}: {told}");
        }
    }
    assert_eq!(run(3).output::<holds_one>(), Ok(&1));
}

/// A run within a step stops with that step's run.
#[test]
fn a_nested_run_is_stopped_with_its_parent() {
    if !alone("nesting::a_nested_run_is_stopped_with_its_parent") {
        return;
    }
    quiet();
    #[step]
    async fn for_ever() -> u64 {
        std::future::pending().await
    }
    #[step]
    fn parent_of_for_ever(
        #[context] cx: &StepContext,
        #[resource] started: &std::sync::mpsc::SyncSender<()>,
    ) -> Status {
        started.send(()).unwrap();
        let run = Pipeline::to::<for_ever>().within(cx).run_blocking().unwrap();
        run.status("for_ever").unwrap()
    }
    let (sender, receiver) = std::sync::mpsc::sync_channel::<()>(1);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let run = runtime.block_on(async {
        let handle = Pipeline::to::<parent_of_for_ever>().resource(sender).start().unwrap();
        tokio::task::spawn_blocking(move || receiver.recv().unwrap()).await.unwrap();
        handle.stop();
        handle.wait().await
    });
    assert_eq!(run.output::<parent_of_for_ever>(), Ok(&Status::Cancelled));
}

/// A run that nests itself endlessly is a problem.
#[test]
fn endless_nesting_is_a_problem() {
    #[step]
    fn calls_itself(#[context] cx: &StepContext) -> Result<u64, String> {
        let run = Pipeline::to::<calls_itself>()
            .within(cx)
            .run_blocking()
            .map_err(|problem| problem.to_string())?;
        run.output::<calls_itself>().copied().map_err(|error| error.to_string())
    }
    let run = Pipeline::to::<calls_itself>().run_blocking().unwrap();
    let error = run.error("calls_itself").unwrap().to_string();
    assert!(error.contains("nested more than 64 deep"), "{error}");
}

/// The context of a finished step.
#[test]
fn a_run_within_a_finished_step_is_a_problem() {
    #[step]
    fn plain() -> u64 {
        1
    }
    let problems = Pipeline::to::<plain>().within(&StepContext::for_test("x")).run_blocking().unwrap_err();
    assert!(problems.to_string().contains("within a step that is not under way"), "{problems}");
}

/// What all outer steps of a test hold while they run a pipeline.
type Lock = tokio::sync::Mutex<u64>;

#[step]
fn in_cpu() -> u64 {
    1
}

#[step(blocking, retries = 1)]
fn in_blocking(in_cpu: &u64, #[context] cx: &StepContext) -> Result<u64, String> {
    if cx.attempt() == 1 { Err("planted".to_owned()) } else { Ok(*in_cpu) }
}

#[step]
async fn in_io(in_blocking: &u64) -> u64 {
    tokio::task::yield_now().await;
    *in_blocking
}

/// A pipeline within a step, with steps of every lane.
fn inner(cx: &StepContext) -> Pipeline {
    Pipeline::to::<in_io>().within(cx)
}

#[step]
fn locks_cpu(#[resource] lock: &Lock, #[context] cx: &StepContext) -> Result<(), Problems> {
    let mut total = lock.blocking_lock();
    *total += *inner(cx).run_blocking()?.output::<in_io>().unwrap();
    Ok(())
}

#[step(blocking)]
fn locks_blocking(#[resource] lock: &Lock, #[context] cx: &StepContext) -> Result<(), Problems> {
    let mut total = lock.blocking_lock();
    *total += *inner(cx).run_blocking()?.output::<in_io>().unwrap();
    Ok(())
}

#[step]
async fn locks_io(#[resource] lock: &Lock, #[context] cx: &StepContext) -> Result<(), Problems> {
    let mut total = lock.lock().await;
    *total += *inner(cx).run().await?.output::<in_io>().unwrap();
    Ok(())
}

/// Waits for two runs at once, and starts one more when the first of them has ended.
#[step]
async fn locks_twice(#[resource] lock: &Lock, #[context] cx: &StepContext) -> Result<(), Problems> {
    let mut total = lock.lock().await;
    let (one, other) = (inner(cx), inner(cx));
    let twice = async { (one.run().await, inner(cx).run().await) };
    let ((first, third), second) = tokio::join!(twice, other.run());
    assert!(third?.succeeded() && second?.succeeded());
    *total += *first?.output::<in_io>().unwrap();
    Ok(())
}

/// An async step that blocks its thread until it has the lock, and until its run has ended.
#[step]
async fn locks_worker(#[resource] lock: &Lock, #[context] cx: &StepContext) -> Result<(), Problems> {
    let mut total = futures::executor::block_on(lock.lock());
    *total += *inner(cx).run_blocking()?.output::<in_io>().unwrap();
    Ok(())
}

/// Runs steps that hold one lock while they run a pipeline.
fn run_under_lock(settings: Settings, add: &[fn(&mut DagBuilder, String)]) {
    let (lock, mut dag) = (Arc::new(Lock::new(0)), DagBuilder::new());
    for number in 0..6 {
        add.iter().enumerate().for_each(|(kind, add)| add(&mut dag, format!("outer_{kind}_{number}")));
    }
    let pipeline = Pipeline::new(dag.build().unwrap()).settings(settings);
    let run = run_in_time(pipeline.resource(Arc::clone(&lock)));
    assert!(run.succeeded(), "{}", run.report());
    assert_eq!(*lock.blocking_lock(), 6 * add.len() as u64);
}

fn named<S: Step>(dag: &mut DagBuilder, name: String) {
    let _ = dag.add::<S>().named(name);
}

/// P6: the slot of a step that waits for a run is for that run only, for a step of any lane: the run ends although all other
/// slots, of every lane, are with steps that wait for what the waiting step holds.
#[test]
fn a_run_under_a_lock_ends_on_every_lane() {
    if !alone("nesting::a_run_under_a_lock_ends_on_every_lane") {
        return;
    }
    let [one, narrow] = [Settings::default().workers(1), Settings::default().cpu(1).io(1).blocking(1)];
    for settings in [Settings::default(), one, narrow] {
        let cpu = named::<locks_cpu>;
        run_under_lock(settings.clone(), &[cpu]);
        run_under_lock(settings.clone(), &[named::<locks_blocking>]);
        run_under_lock(settings.clone(), &[named::<locks_io>]);
        run_under_lock(settings.clone(), &[named::<locks_twice>]);
        run_under_lock(settings.clone(), &[cpu, named::<locks_blocking>, named::<locks_io>]);
        run_under_lock(settings, &[cpu, named::<locks_blocking>, named::<locks_worker>]);
    }
}

/// What ran within a step is in the report of the outer run, and its observers are told when it ends.
#[test]
fn runs_within_a_step_are_in_the_report_of_the_outer_run() {
    #[step(blocking)]
    fn outer_of_two(#[param] fails: bool, #[context] cx: &StepContext) -> Result<usize, Problems> {
        let mut inner = DagBuilder::new();
        inner.cpu("one", (), |()| 1_u32);
        inner.try_cpu("two", (), move |()| if fails { Err("no route to host") } else { Ok(()) });
        let mut middle = DagBuilder::new();
        let inner = Pipeline::new(inner.build()?);
        middle.blocking("middle", (), move |()| Ok::<_, String>(inner.clone()));
        let run = Pipeline::new(middle.build()?).within(cx).run_blocking()?;
        run.output_named::<Pipeline>("middle").unwrap().clone().within(cx).run_blocking()?;
        Ok(run.available().len())
    }
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&told);
    let pipeline = Pipeline::to::<outer_of_two>().observe(move |event: &Event<'_>| {
        if let Event::NestedRunFinished { step, nested, .. } = event {
            seen.lock().unwrap().push((step.to_string(), nested.planned, nested.succeeded));
        }
    });
    let run = pipeline.clone().param("fails", true).run_blocking().unwrap();
    let nested = &run.report().nested;
    assert!(run.succeeded(), "the outer step decides what a failure within it means");
    let outcomes: Vec<_> =
        nested.iter().map(|nested| (nested.step.as_str(), nested.planned, nested.succeeded)).collect();
    assert_eq!(outcomes, [("outer_of_two", 1, true), ("outer_of_two", 2, false)]);
    let told: Vec<_> = told.lock().unwrap().clone();
    assert_eq!(told, [("outer_of_two".to_owned(), 1, true), ("outer_of_two".to_owned(), 2, false)]);
    assert_eq!(nested[1].counts, [(Status::Succeeded, 1), (Status::Failed, 1)].into());
    assert_eq!((nested[1].failures[0].step.as_str(), nested[1].failures.len()), ("two", 1));
    let text = run.report().to_string();
    assert!(text.contains("`two` failed: no route to host"), "{text}");
    let read: RunReport = serde_json::from_str(&run.report().to_json()).unwrap();
    assert_eq!(&read.nested, nested);
    // The report of a deterministic run is the same each time.
    let again = || {
        let settings = Settings::default().deterministic(true);
        pipeline.clone().param("fails", true).settings(settings).run_blocking().unwrap().report().to_json()
    };
    assert_eq!(again(), again());
}
