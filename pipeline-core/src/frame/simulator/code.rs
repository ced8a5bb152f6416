//! The code of every simulated step: reads its inputs, acts as its sketch says, and checks everything.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::sketch::{Act, Fallback};
use super::value::Payload;
use super::world::{At, world};
use crate::call::{Call, Callable, Failure, Started, poll_once};
use crate::error::StepError;
use crate::step::{InputKind, Mode, Quorum};

/// The code of all steps; the call has the step.
pub(super) struct Simulated;

impl Callable for Simulated {
    fn start<'a>(&'a self, call: Call<'a>) -> Started<'a> {
        if world().sketch(call.step() as usize).waits {
            return poll_once(attempt(call));
        }
        match pin!(attempt(call)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => Started::Done(result),
            Poll::Pending => unreachable!("a step on a thread does not wait"),
        }
    }

    fn fall_back(&self, call: Call<'_>, _: &StepError) -> bool {
        match world().sketch(call.step() as usize).fallback {
            Fallback::None => false,
            Fallback::Value => call.put(Payload::new(call.step() as usize, 0)),
            Fallback::Panics => panic(),
        }
    }

    fn case(&self, call: Call<'_>) -> Option<u32> {
        let world = world();
        let output: &Payload = call.own_output();
        let maker = output.look("a switch").maker;
        if maker != call.step() as usize {
            world.complain(format!("a switch sees the output of {maker}"));
        }
        world.sketch(call.step() as usize).chooses
    }
}

/// Panics without the hook, because ten thousand seeds panic often.
fn panic() -> ! {
    std::panic::resume_unwind(Box::new("planted"))
}

/// The inputs that an attempt has bound.
struct Bound<'a> {
    /// Each with the step that it should be from.
    values: Vec<(u32, &'a Payload)>,
    taken: Vec<(u32, Payload)>,
}

impl Bound<'_> {
    fn look(&self, at: At) {
        let taken = self.taken.iter().map(|(source, value)| (*source, value));
        for (source, value) in self.values.iter().copied().chain(taken) {
            let life = value.look(&at.name());
            world().check_read(at, source as usize, life);
        }
    }
}

async fn attempt(call: Call<'_>) -> Result<(), Failure> {
    let at = At { step: call.step() as usize, attempt: call.attempt().number() };
    let _living = world().enter(at);
    let act = world().act_of(at);
    let (waits, reads_late) = (world().sketch(at.step).waits, world().sketch(at.step).reads_late);
    let bound = (!reads_late).then(|| bind(call));
    if let Some(bound) = &bound {
        bound.look(at);
    }
    if waits {
        wait(at, act).await;
    } else {
        world().meanwhile(at, act);
    }
    let bound = bound.unwrap_or_else(|| bind(call));
    bound.look(at);
    match if act == Act::Hangs { world().late_act() } else { act } {
        Act::Succeeds | Act::Hangs => {
            call.put(Payload::new(at.step, at.attempt));
            Ok(())
        }
        Act::Errs => Err(Failure::from_error("planted")),
        Act::Panics => panic(),
    }
}

/// Waits for a few polls and, if the attempt hangs, until it was given up.
async fn wait(at: At, act: Act) {
    let mut left = world().below(3);
    std::future::poll_fn(|_| {
        let hangs = act == Act::Hangs && !world().was_given_up(at);
        if left == 0 && !hangs {
            return Poll::Ready(());
        }
        left = left.saturating_sub(1);
        Poll::Pending
    })
    .await;
}

/// Reads every parameter, as the macro's code does.
fn bind(call: Call<'_>) -> Bound<'_> {
    let mut bound = Bound { values: Vec::new(), taken: Vec::new() };
    let world = world();
    let frame = world.frame();
    let plan = frame.plan();
    let step = call.step() as usize;
    for (parameter, input) in plan.spec(step).def().inputs.iter().enumerate() {
        let InputKind::Upstream { source, mode, quorum, .. } = &input.kind else { continue };
        if !source.is_many() {
            let from = plan.source(call.step(), parameter);
            match mode {
                Mode::Borrow => bound.values.push((from, call.view(parameter))),
                Mode::Option => {
                    let value = call.option(parameter);
                    world.check_presence(step, from as usize, value.is_some());
                    bound.values.extend(value.map(|value| (from, value)));
                }
                Mode::Result => {
                    let value = call.outcome(parameter);
                    world.check_presence(step, from as usize, value.is_ok());
                    bound.values.extend(value.ok().map(|value| (from, value)));
                }
                Mode::Take if world.sketch(step).acts.len() == 1 => {
                    bound.taken.push((from, call.take(parameter)));
                }
                Mode::Take => bound.taken.push((from, call.take_or_clone(parameter))),
                Mode::Branch => {}
            }
            continue;
        }
        let all = plan.sources(call.step(), parameter);
        let sources = all.iter().copied();
        match (quorum, mode) {
            (Quorum::All, Mode::Borrow) => bound.values.extend(sources.zip(call.views(parameter))),
            (Quorum::All, Mode::Option) => {
                for (from, value) in sources.zip(call.options(parameter)) {
                    world.check_presence(step, from as usize, value.is_some());
                    bound.values.extend(value.map(|value| (from, value)));
                }
            }
            (Quorum::All, _) => {
                for (from, value) in sources.zip(call.outcomes(parameter)) {
                    world.check_presence(step, from as usize, value.is_ok());
                    bound.values.extend(value.ok().map(|value| (from, value)));
                }
            }
            (Quorum::AtLeast { count, .. }, _) => {
                let values: Vec<&Payload> = call.available(parameter).collect();
                if values.len() < *count as usize {
                    world.complain(format!(
                        "`{}` got {} of {count} values",
                        plan.name(call.step()),
                        values.len()
                    ));
                }
                bound
                    .values
                    .extend(values.into_iter().map(|value| (value.look("a quorum").maker as u32, value)));
            }
            (Quorum::First | Quorum::Priority, Mode::Borrow) => {
                bound.values.push(world.check_chosen(call.step(), all, *quorum, call.chosen(parameter)));
            }
            (Quorum::First | Quorum::Priority, _) => {
                let value = call.chosen_option(parameter);
                bound.values.extend(value.map(|value| world.check_chosen(call.step(), all, *quorum, value)));
            }
        }
    }
    bound
}
