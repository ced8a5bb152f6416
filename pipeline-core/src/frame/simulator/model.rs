//! The possible results of a run, without any schedule: all ends that each step can have, in plan order.
//!
//! Most steps have one. A step has more if a race decides: an unused step may be cancelled before it ends, and if it is
//! detached, the taker of its input may be skipped.

use std::collections::BTreeSet;

use super::sketch::{Act, Fallback, Step};
use crate::cells::Steps;
use crate::frame::Status;
use crate::plan::Plan;
use crate::step::Mode;

/// The ends that a step can have.
pub(super) type Ends = BTreeSet<Status>;

/// The end of a step's code, and whether an attempt is detached before.
fn code(step: &Step) -> (Status, bool) {
    let mut left_behind = false;
    let mut status = Status::Failed;
    for act in &step.acts {
        status = match act {
            Act::Succeeds => return (Status::Succeeded, left_behind),
            Act::Errs | Act::Panics => Status::Failed,
            Act::Hangs => Status::TimedOut,
        };
        left_behind |= *act == Act::Hangs && (step.detaches || !step.waits);
        if left_behind && !step.idempotent {
            break;
        }
    }
    match step.fallback {
        Fallback::None => (status, left_behind),
        Fallback::Value => (Status::Succeeded, left_behind),
        Fallback::Panics => (Status::Failed, left_behind),
    }
}

fn only(ends: &Ends, has_output: bool) -> bool {
    ends.iter().all(|end| end.has_output() == has_output)
}

/// Returns the ends that each step of a plan can have. A step that may become unused can be cancelled as well.
pub(super) fn ends(plan: &Plan, steps: &[Step]) -> Vec<Ends> {
    let mut ends: Vec<Ends> = Vec::new();
    for (position, step) in steps.iter().enumerate() {
        if plan.given().contains(&(position as u32)) {
            ends.push([Status::Given].into());
            continue;
        }
        let (mut may_run, mut may_skip) = (true, false);
        let mut need = |has_all: bool, may_have_all: bool| {
            may_run &= may_have_all;
            may_skip |= !has_all;
        };
        for after in plan.after(position) {
            let of = &ends[after as usize];
            need(only(of, true), !only(of, false));
        }
        for (parameter, input) in step.inputs.iter().enumerate() {
            let one = [plan.source(position as u32, parameter)];
            let sources = if input.many { plan.sources(position as u32, parameter) } else { &one };
            let sources: Vec<&Ends> = sources.iter().map(|&source| &ends[source as usize]).collect();
            let (sure, possible) = (
                sources.iter().filter(|of| only(of, true)).count(),
                sources.iter().filter(|of| !only(of, false)).count(),
            );
            match input.quorum.count(input.mode) {
                Some(count) => need(sure >= count as usize, possible >= count as usize),
                None if input.mode.is_required() => need(sure == sources.len(), possible == sources.len()),
                None => {}
            }
            if input.mode == Mode::Take {
                let others = readers(plan, steps, one[0]).filter(|&reader| reader != position);
                let left_behind =
                    others.map(|reader| left_behind(plan, &steps[reader], reader, &ends[reader]));
                let (surely, maybe) =
                    left_behind.fold((false, false), |all, one| (all.0 | one.0, all.1 | one.1));
                need(!maybe, !surely);
            }
            if input.mode == Mode::Branch && steps[one[0] as usize].chooses != step.case {
                need(false, false);
            }
        }
        let mut can = Ends::new();
        can.extend(may_skip.then_some(Status::Skipped));
        can.extend(may_run.then(|| code(step).0));
        ends.push(can);
    }
    ends
}

fn readers<'a>(plan: &'a Plan, steps: &'a [Step], source: u32) -> impl Iterator<Item = usize> + 'a {
    (0..steps.len())
        .filter(move |&step| !plan.given().contains(&(step as u32)) && plan.reads(step as u32, source))
}

/// Returns whether an attempt of a step is surely, and possibly, detached.
fn left_behind(plan: &Plan, step: &Step, position: usize, ends: &Ends) -> (bool, bool) {
    let runs = |end: &Status| *end != Status::Skipped;
    let (_, by_itself) = code(step);
    let may_be_unused = plan.may_be_unused(position);
    let surely = by_itself && ends.iter().all(runs) && !may_be_unused;
    (surely, (by_itself && ends.iter().any(runs)) || may_be_unused)
}
