//! Random graphs: every kind of edge, every policy that the frame knows, and the behaviour of each attempt.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use super::code::Simulated;
use super::value::Payload;
use crate::call::Code;
use crate::dag::{Bound, BoundSource, Dag, DefRef, Draft, DraftStep, Scope};
use crate::lane::Lane;
use crate::location::{Location, Package};
use crate::policy::Policy;
use crate::rng::StepRng;
use crate::step::{DefFn, InputDef, InputKind, Mode, Quorum, Source, StepDef};
use crate::value::TypeDef;

/// The behaviour of one attempt of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Succeeds,
    Errs,
    Panics,
    /// Does not end before it is given up; then ends late, in a random way.
    Hangs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fallback {
    None,
    Value,
    Panics,
}

/// One parameter; the steps that it reads are positions in the sketch.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub(super) mode: Mode,
    pub(super) quorum: Quorum,
    pub(super) many: bool,
    pub(super) sources: Vec<usize>,
}

#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is drawn on its own")]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) inputs: Vec<Input>,
    pub(super) after: Vec<usize>,
    pub(super) waits: bool,
    /// Whether inputs are read when the code ends, not when it begins.
    pub(super) reads_late: bool,
    /// The behaviour of each attempt.
    pub(super) acts: Vec<Act>,
    /// Whether a hanging attempt that is given up is detached, as one on a thread is; otherwise it is dropped.
    pub(super) detaches: bool,
    pub(super) watched: bool,
    pub(super) idempotent: bool,
    pub(super) fallback: Fallback,
    pub(super) sequence: Option<&'static str>,
    pub(super) is_switch: bool,
    /// The case that a switch chooses.
    pub(super) chooses: Option<u32>,
    /// The case of a branch, in the switch that its first parameter reads.
    pub(super) case: Option<u32>,
}

/// The branches of all switches are instances of these two.
static CASES: [LazyLock<StepDef>; 2] = [LazyLock::new(|| case("case 0")), LazyLock::new(|| case("case 1"))];
static CASE_FNS: [DefFn; 2] = [|| &CASES[0], || &CASES[1]];

fn case(name: &'static str) -> StepDef {
    let inputs = [(Mode::Branch, false), (Mode::Option, true)];
    let inputs = inputs.map(|(mode, many)| Input { mode, quorum: Quorum::All, many, sources: Vec::new() });
    def(name.into(), &inputs, Policy::NONE, &[])
}

fn def(name: Cow<'static, str>, inputs: &[Input], policy: Policy, cases: &'static [DefFn]) -> StepDef {
    let location = Location::caller();
    let input = |(position, input): (usize, &Input)| InputDef {
        name: format!("input{position}").into(),
        kind: InputKind::Upstream {
            source: if input.many { Source::UnboundMany } else { Source::Unbound },
            mode: input.mode,
            quorum: input.quorum,
            ty: TypeDef::of::<Payload>(),
        },
        location,
    };
    StepDef {
        name,
        module: "".into(),
        package: Package { name: "", version: "" },
        location,
        doc: "".into(),
        lane: Lane::Cpu,
        tags: (&[]).into(),
        group: None,
        cost: 1,
        inputs: inputs.iter().enumerate().map(input).collect::<Vec<_>>().into(),
        after: (&[]).into(),
        cases: cases.into(),
        policy,
        output: TypeDef::of::<Payload>(),
        codec: crate::Codec::NONE,
        trace: None,
        trace_details: None,
        code: Code::Static(&Simulated),
    }
}

/// Makes the graph.
pub(super) fn build(steps: &[Step]) -> Dag {
    let mut draft = Draft::new(Scope::Builder(0));
    for step in steps {
        let mut policy = Policy::NONE;
        policy.has_fallback = step.fallback != Fallback::None;
        policy.idempotent = step.idempotent;
        policy.sequential = step.sequence.map(Cow::Borrowed);
        let bound = step.inputs.iter().enumerate().map(|(position, input)| Bound {
            parameter: position as u32,
            sources: input
                .sources
                .iter()
                .map(|&source| BoundSource::Step { step: source as u32, builder: 0 })
                .collect(),
        });
        let name: Cow<'static, str> = Cow::Owned(step.name.clone());
        let def = if let Some(case) = step.case {
            DefRef::Static(&CASES[case as usize])
        } else {
            let cases: &[DefFn] = if step.is_switch { &CASE_FNS } else { &[] };
            DefRef::Shared(Arc::new(def(name.clone(), &step.inputs, policy.clone(), cases)))
        };
        draft.add(DraftStep {
            def,
            name: Some(name),
            location: Location::caller(),
            bound: bound.collect(),
            after: step.after.iter().map(|&step| step as u32).collect(),
            after_closed: false,
            params: Vec::new(),
            policy: Some(Arc::new(policy)),
        });
    }
    draft.finish().expect("the sketch is a valid graph")
}

/// Draws a graph.
pub(super) fn draw(rng: &mut StepRng) -> Vec<Step> {
    let count = 2 + rng.below(12) as usize;
    let trouble = rng.below(5);
    let mut steps: Vec<Step> = Vec::new();
    for position in 0..count {
        let step = draw_step(rng, position, &steps, trouble);
        steps.push(step);
    }
    settle_takers(&mut steps);
    steps
}

fn one_in(rng: &mut StepRng, n: u64) -> bool {
    rng.below(n) == 0
}

fn draw_step(rng: &mut StepRng, position: usize, earlier: &[Step], trouble: u64) -> Step {
    let switches: Vec<usize> = (0..earlier.len()).filter(|&step| earlier[step].is_switch).collect();
    let switch =
        (!switches.is_empty() && one_in(rng, 2)).then(|| switches[rng.below(switches.len() as u64) as usize]);
    let case = switch.map(|_| rng.below(2) as u32);
    let inputs = match switch {
        Some(switch) => vec![
            Input { mode: Mode::Branch, quorum: Quorum::All, many: false, sources: vec![switch] },
            Input { mode: Mode::Option, quorum: Quorum::All, many: true, sources: some(rng, earlier.len()) },
        ],
        None if earlier.is_empty() => Vec::new(),
        None => (0..rng.below(4)).map(|_| draw_input(rng, earlier.len())).collect(),
    };
    let after = one_in(rng, 6) && position > 0;
    let after = after.then(|| rng.below(position as u64) as usize);
    let is_read = |step: &usize| inputs.iter().any(|input: &Input| input.sources.contains(step));
    let after: Vec<usize> = after.filter(|step| !is_read(step)).into_iter().collect();
    let tries = 1 + if one_in(rng, 3) { rng.below(3) as usize } else { 0 };
    let acts: Vec<Act> = (0..tries).map(|_| draw_act(rng, trouble)).collect();
    let hangs = acts.contains(&Act::Hangs);
    let is_switch = case.is_none() && one_in(rng, 6);
    Step {
        name: format!("s{position:02}"),
        inputs,
        after,
        waits: one_in(rng, 2),
        reads_late: one_in(rng, 3),
        acts,
        detaches: one_in(rng, 2),
        watched: hangs || one_in(rng, 3),
        idempotent: one_in(rng, 2),
        fallback: match rng.below(8) {
            0 => Fallback::Value,
            1 => Fallback::Panics,
            _ => Fallback::None,
        },
        sequence: match rng.below(8) {
            0 => Some("one"),
            1 => Some("two"),
            _ => None,
        },
        is_switch,
        chooses: Some(rng.below(3) as u32).filter(|&case| is_switch && case < 2),
        case,
    }
}

fn draw_act(rng: &mut StepRng, trouble: u64) -> Act {
    match rng.below(4 + 30 / (1 + trouble * trouble)) {
        0 => Act::Errs,
        1 => Act::Panics,
        2 => Act::Hangs,
        _ => Act::Succeeds,
    }
}

/// A few different steps, in some order.
fn some(rng: &mut StepRng, below: usize) -> Vec<usize> {
    let mut sources = Vec::new();
    for _ in 0..=rng.below(4) {
        let source = rng.below(below as u64) as usize;
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    sources
}

fn draw_input(rng: &mut StepRng, below: usize) -> Input {
    let sources = some(rng, below);
    let count = sources.len() as u64;
    if count == 1 {
        let modes = [Mode::Borrow, Mode::Borrow, Mode::Option, Mode::Result, Mode::Take, Mode::Take];
        let mode = modes[rng.below(modes.len() as u64) as usize];
        return Input { mode, quorum: Quorum::All, many: false, sources };
    }
    let (mode, quorum) = match rng.below(10) {
        0 => (Mode::Borrow, Quorum::All),
        1 => (Mode::Option, Quorum::All),
        2 => (Mode::Result, Quorum::All),
        3 | 4 => (Mode::Borrow, Quorum::First),
        5 => (Mode::Option, Quorum::First),
        6 => (Mode::Borrow, Quorum::Priority),
        7 => (Mode::Borrow, Quorum::AtLeast { count: rng.below(count + 1) as u32, cancel: false }),
        _ => (Mode::Borrow, Quorum::AtLeast { count: 1 + rng.below(count) as u32, cancel: true }),
    };
    Input { mode, quorum, many: true, sources }
}

/// Lets a step take an output only if it is the last reader, reads the output once, and no other step takes it.
fn settle_takers(steps: &mut [Step]) {
    let reads = |step: &Step, source: usize| -> usize {
        step.inputs.iter().filter(|input| input.sources.contains(&source)).count()
    };
    for taker in 0..steps.len() {
        for input in 0..steps[taker].inputs.len() {
            if steps[taker].inputs[input].mode != Mode::Take {
                continue;
            }
            let source = steps[taker].inputs[input].sources[0];
            let read_again = reads(&steps[taker], source) > 1
                || steps[taker + 1..].iter().any(|later| reads(later, source) > 0);
            if read_again {
                steps[taker].inputs[input].mode = Mode::Borrow;
            }
        }
    }
}
