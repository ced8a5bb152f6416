//! The frame under every schedule that a seed can draw: one thread, random graphs, random faults, and an executor that
//! performs one of the possible events at a time.
//!
//! After each run: every step has ended once, and as a model without a schedule says; no step started before the steps
//! that it waits for had ended, or beside a running attempt of itself; every value that was read was the right one, and
//! alive; every value was dropped once. `PIPELINE_SEED=n` runs one seed alone.

mod code;
mod executor;
mod model;
mod sketch;
mod value;
mod world;

use std::rc::Rc;
use std::sync::Arc;

use self::value::Payload;
use self::world::World;
use super::{Frame, Given};
use crate::context::RunScope;
use crate::frame::Status;
use crate::lane::Lane;
use crate::params::Params;
use crate::plan::{Plan, PlanOptions};
use crate::resources::Resources;
use crate::rng::StepRng;

const SEEDS: u64 = if cfg!(miri) { 200 } else { 10_000 };

/// Figures of a run.
#[derive(Debug, Default)]
struct Shown {
    steps: usize,
    /// The steps for which the model predicts a single end.
    foretold: usize,
    stopped: usize,
    late: usize,
    by_status: std::collections::BTreeMap<Status, usize>,
}

/// Draws a graph and the options of its plan.
fn frame(rng: &mut StepRng) -> (Rc<World>, Arc<Frame>) {
    let sketch = sketch::draw(rng);
    let dag = Arc::new(sketch::build(&sketch));
    let mut options = PlanOptions { keep_all: rng.below(6) == 0, ..PlanOptions::default() };
    if rng.below(6) == 0 {
        options.given.push(rng.below(dag.len() as u64) as usize);
    }
    let plan = Arc::new(Plan::new(dag, &options).expect("no taken output is asked for"));
    let by_name = |step: usize| sketch.iter().find(|one| one.name == plan.spec(step).name()).cloned();
    let steps = (0..plan.len()).map(|step| by_name(step).expect("every step is in the sketch")).collect();
    let world = World::new(steps, StepRng::new(rng.next_u64()));
    world::install(Some(Rc::clone(&world)));
    let given = plan.given().iter().map(|&step| {
        world.state(step as usize, |state| {
            state.ended = Some(Status::Given);
            state.won = Some(0);
        });
        Given::new(step as usize, Payload::new(step as usize, 0))
    });
    let given = given.collect();
    let params = plan.bind_params(&Params::new(), |_, _| true).expect("no parameters");
    let resources = plan.bind_resources(&Resources::new(), |_| true).expect("no resources");
    let frame = Arc::new(Frame::new(plan, params, resources, Arc::new(RunScope::new("test")), given));
    *world.frame.borrow_mut() = Some(Arc::clone(&frame));
    (world, frame)
}

fn simulate(seed: u64, shown: &mut Shown) -> Vec<String> {
    let mut rng = StepRng::new(seed);
    let (world, frame) = frame(&mut rng);
    for lane in Lane::ALL {
        let mut roots = frame.take_roots(lane, usize::MAX, 1);
        while let Some(ready) = frame.next_root(&mut roots) {
            world.ready.borrow_mut().push(ready);
        }
    }
    let stop_at = (rng.below(5) == 0).then(|| rng.below(40));
    for turn in 0.. {
        if stop_at == Some(turn) {
            world.stop();
        }
        if !world.act() {
            break;
        }
    }
    check_end(&world, &frame, shown);
    // Detached attempts outlive the run, and keep the frame.
    let keeps = world.late.borrow().len();
    shown.late += keeps;
    drop(world.frame.take());
    world.ready.take();
    drop(frame);
    for _ in 0..keeps {
        let left = world.late.borrow().len();
        if left > 0 && rng.below(2) == 0 {
            world.poll_late(rng.below(left as u64) as usize);
        }
    }
    world.late.take();
    for (id, life) in world.values.borrow().iter().enumerate().filter(|(_, life)| life.lives) {
        world.complain(format!("value {id} is never dropped: {life:?}"));
    }
    world::install(None);
    world.complaints()
}

/// Checks that every step has ended, once, as the model allows.
fn check_end(world: &World, frame: &Frame, shown: &mut Shown) {
    let plan = frame.plan();
    let left = frame.cancel_rest();
    let ended = (0..plan.len()).filter(|&step| world.state(step, |state| state.ended.is_some())).count();
    if left + ended != plan.len() || (left > 0 && !world.stopped.get()) {
        world.complain(format!("{left} of {} steps were left, {ended} have ended", plan.len()));
    }
    let foretold = model::ends(plan, &world.steps);
    shown.stopped += usize::from(world.stopped.get());
    for (step, can) in foretold.iter().enumerate() {
        let status = frame.status(step);
        *shown.by_status.entry(status).or_default() += 1;
        shown.steps += 1;
        shown.foretold += usize::from(can.len() == 1 && !plan.may_be_unused(step));
        let may = can.contains(&status)
            || (status == Status::Cancelled && (world.stopped.get() || plan.may_be_unused(step)));
        if status == Status::Pending || (!may && !world.stopped.get()) {
            world.complain(format!("{} ended {status}, and can be {can:?}", world.steps[step].name));
        }
        if frame.is_available(step) {
            let maker = frame.output::<Payload>(step).map(|value| value.look("the run").maker);
            if maker != Some(step) {
                world.complain(format!("the output of {step} is {maker:?}'s"));
            }
        }
    }
    frame.contradictions().into_iter().for_each(|contradiction| world.complain(contradiction));
    check_memory(world, frame);
}

/// Checks that outputs are dropped after their last reader, before the frame is; except those that a late attempt may still
/// read, and those of late attempts.
fn check_memory(world: &World, frame: &Frame) {
    let plan = frame.plan();
    let any_late = world.states.borrow().iter().any(|state| !state.given_up.is_empty());
    let is_early = |input: &sketch::Input| input.quorum.is_early();
    let any_early = world.steps.iter().any(|step| step.inputs.iter().any(is_early));
    if any_late || world.stopped.get() || any_early {
        return;
    }
    for (id, life) in world.values.borrow().iter().enumerate().filter(|(_, life)| life.lives) {
        if !plan.is_kept(life.maker) && !plan.given().contains(&(life.maker as u32)) {
            world.complain(format!("value {id} is still there at the end: {life:?}"));
        }
    }
}

/// Runs one seed. A panic of the frame's own checks is a complaint, too.
fn complaints(seed: u64, shown: &mut Shown) -> Vec<String> {
    crate::contain::guard(|| simulate(seed, shown)).unwrap_or_else(|panic| vec![panic])
}

#[test]
fn every_schedule_of_every_graph_keeps_the_rules() {
    let mut shown = Shown::default();
    let only = std::env::var("PIPELINE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = only.map_or(0..SEEDS, |seed| seed..seed + 1);
    for seed in seeds {
        let complaints = complaints(seed, &mut shown);
        let graph = || sketch::draw(&mut StepRng::new(seed)).into_iter().map(|step| format!("{step:?}\n"));
        assert!(
            complaints.is_empty(),
            "PIPELINE_SEED={seed}\n{}\nThe graph:\n{}",
            complaints.join("\n"),
            graph().collect::<String>()
        );
    }
    if only.is_none() {
        // The seeds reach the cases that they are for.
        assert!(shown.foretold * 10 > shown.steps * 8, "the model leaves too much open: {shown:?}");
        assert!(shown.late > 0 && shown.stopped > 0, "{shown:?}");
        let all = [
            Status::Succeeded,
            Status::Failed,
            Status::TimedOut,
            Status::Skipped,
            Status::Cancelled,
            Status::Given,
        ];
        assert!(all.iter().all(|status| shown.by_status.contains_key(status)), "{shown:?}");
    }
}
