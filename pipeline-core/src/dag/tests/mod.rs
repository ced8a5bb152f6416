//! Tests of the graph, on steps that are never run.

mod document;
mod figures;
mod fingerprint;
mod large;
mod model;
mod names;
mod render;
mod select;

use crate::Quorum;
use std::borrow::Cow;
use std::sync::Arc;

use super::{Bound, BoundSource, Dag, DefRef, Draft, DraftStep, Scope};
use crate::call::{Call, Callable, Code, Started};
use crate::lane::Lane;
use crate::location::{Location, Package};
use crate::problem::Problems;
use crate::step::{InputDef, InputKind, Mode, Source, StepDef};
use crate::value::TypeDef;

/// Code that no test of the graph may reach.
struct NeverRun;

impl Callable for NeverRun {
    fn start<'a>(&'a self, _: Call<'a>) -> Started<'a> {
        unreachable!("no test of the graph runs a step")
    }
}

/// A step of a test; upstream steps are positions in the list given to [`graph`].
#[derive(Clone, Debug)]
struct Sketch {
    def: StepDef,
    name: Option<String>,
    bound: Vec<Bound>,
    after: Vec<u32>,
}

impl Clone for StepDef {
    fn clone(&self) -> Self {
        StepDef {
            name: self.name.clone(),
            module: self.module.clone(),
            package: self.package,
            location: self.location,
            doc: self.doc.clone(),
            lane: self.lane,
            tags: self.tags.clone(),
            group: self.group.clone(),
            cost: self.cost,
            inputs: self.inputs.clone(),
            after: self.after.clone(),
            cases: self.cases.clone(),
            policy: crate::Policy::NONE,
            output: self.output,
            codec: self.codec,
            trace: self.trace,
            trace_details: self.trace_details,
            code: self.code.clone(),
        }
    }
}

/// A step of module `module`, on the CPU lane, that reads nothing.
fn step_in(module: &'static str, name: impl Into<Cow<'static, str>>) -> Sketch {
    Sketch {
        def: StepDef {
            name: name.into(),
            module: Cow::Borrowed(module),
            package: Package { name: "shop", version: "1.2.3" },
            location: AT,
            doc: Cow::Borrowed(""),
            lane: Lane::Cpu,
            tags: Cow::Borrowed(&[]),
            group: None,
            cost: 1,
            inputs: Cow::Borrowed(&[]),
            after: Cow::Borrowed(&[]),
            cases: Cow::Borrowed(&[]),
            policy: crate::Policy::NONE,
            output: TypeDef::of::<u64>(),
            codec: crate::Codec::NONE,
            trace: None,
            trace_details: None,
            code: Code::Static(&NeverRun),
        },
        name: None,
        bound: Vec::new(),
        after: Vec::new(),
    }
}

/// A step of module `shop`.
fn step(name: impl Into<Cow<'static, str>>) -> Sketch {
    step_in("shop", name)
}

const AT: Location = Location { file: "src/shop.rs", line: 7, column: 1 };

impl Sketch {
    fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    fn lane(mut self, lane: Lane) -> Self {
        self.def.lane = lane;
        self
    }

    fn group(mut self, group: &'static str) -> Self {
        self.def.group = Some(Cow::Borrowed(group));
        self
    }

    fn tags(mut self, tags: &'static [&'static str]) -> Self {
        self.def.tags = Cow::Borrowed(tags);
        self
    }

    fn param(self, kind: InputKind, parameter: &'static str) -> Self {
        self.input(parameter, kind, None)
    }

    /// A parameter that reads one step.
    fn reads(self, parameter: impl Into<Cow<'static, str>>, source: u32) -> Self {
        self.reads_as(parameter, source, Mode::Borrow)
    }

    fn reads_as(self, parameter: impl Into<Cow<'static, str>>, source: u32, mode: Mode) -> Self {
        let kind = InputKind::Upstream {
            source: Source::Unbound,
            mode,
            quorum: Quorum::All,
            ty: TypeDef::of::<u64>(),
        };
        self.input(parameter, kind, Some(&[source]))
    }

    /// A parameter that collects steps.
    fn collects(self, parameter: impl Into<Cow<'static, str>>, sources: &[u32]) -> Self {
        let kind = InputKind::Upstream {
            source: Source::UnboundMany,
            mode: Mode::Borrow,
            quorum: Quorum::All,
            ty: TypeDef::of::<u64>(),
        };
        self.input(parameter, kind, Some(sources))
    }

    fn after(mut self, earlier: &[u32]) -> Self {
        self.after.extend_from_slice(earlier);
        self
    }

    fn input(
        mut self,
        parameter: impl Into<Cow<'static, str>>,
        kind: InputKind,
        sources: Option<&[u32]>,
    ) -> Self {
        let inputs = self.def.inputs.to_mut();
        if let Some(sources) = sources {
            let sources =
                sources.iter().copied().map(|step| BoundSource::Step { step, builder: 1 }).collect();
            self.bound.push(Bound { parameter: inputs.len() as u32, sources });
        }
        inputs.push(InputDef { name: parameter.into(), kind, location: AT });
        self
    }
}

/// The graph of some steps.
fn build(steps: Vec<Sketch>) -> Result<Dag, Problems> {
    let mut draft = Draft::new(Scope::Builder(1));
    for step in steps {
        draft.add(DraftStep {
            location: step.def.location,
            def: DefRef::Shared(Arc::new(step.def)),
            name: step.name.map(Cow::Owned),
            bound: step.bound,
            after: step.after,
            after_closed: false,
            params: Vec::new(),
            policy: None,
        });
    }
    draft.finish()
}

/// Returns the graph of some steps that fit together.
fn graph(steps: Vec<Sketch>) -> Dag {
    build(steps).expect("the steps fit together")
}

/// `orders` and `rates` feed `revenue`, `orders` alone feeds `volume`; `mail` waits for `revenue`.
fn shop() -> Dag {
    graph(vec![
        step("orders").group("bronze").tags(&["source", "nightly"]),
        step("rates").lane(Lane::Io).group("bronze").tags(&["source"]),
        step("volume").group("gold").reads("orders", 0),
        step("revenue").group("gold").reads("orders", 0).reads("fx", 1),
        step("mail").lane(Lane::Blocking).after(&[3]),
    ])
}

/// Returns the names of some steps, for comparison.
fn names_of(dag: &Dag, steps: impl IntoIterator<Item = usize>) -> Vec<&str> {
    steps.into_iter().map(|step| dag.step(step).name()).collect()
}
