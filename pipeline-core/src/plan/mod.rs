//! The part of a graph that a run executes, as flat index arrays.
//!
//! A plan is made once, and can be run many times, also at the same time. Positions are topological, so that steps that
//! run close in time are close in memory. Everything that a step needs when it starts or ends is here as indices: a run
//! looks up, hashes and compares nothing.

mod at_end;
mod bind;
mod build;
mod choice;
mod fingerprint;
mod readers;
mod resources;
mod step_params;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

pub(crate) use self::at_end::AtEnd;
pub(crate) use self::choice::Branch;
pub use self::step_params::StepParam;
use crate::call::Code;
use crate::cells::Bindings;
use crate::dag::{CriticalPath, Dag, Levels, StepSpec, Ways};
use crate::fingerprint::Fingerprint;
use crate::lane::Lane;
use crate::lists::Lists;
use crate::notes::Note;
use crate::params::BoundParams;
use crate::policy::Policy;
use crate::step::InputKind;

/// Set on an index in [`Plan::successors`] or [`Plan::releases`] that needs no counter: the successor waits for no other
/// step, or the output has no other reader.
pub(crate) const SOLE: u32 = 1 << 31;

/// Set on an index in [`Plan::releases`] if the output was made on a thread that may block, its drop can run code that is not the
/// standard library's, and the step that releases it is async: a drop that blocks would panic there.
pub(crate) const AWAY: u32 = 1 << 30;

/// Options of a plan.
#[derive(Clone, Debug, Default)]
pub struct PlanOptions {
    /// The steps whose outputs are wanted, by position in the graph. Every sink if this and `run` are empty.
    pub targets: Vec<usize>,
    /// Steps that are run as well; their outputs are kept to the end of the run if no step takes them.
    pub run: Vec<usize>,
    /// Further steps whose outputs are kept to the end of the run.
    pub keep: Vec<usize>,
    /// Whether all outputs are kept to the end of the run, except those that are taken.
    pub keep_all: bool,
    /// Whether no output is kept, those of targets included: each is dropped after its last reader.
    pub keep_none: bool,
    /// Steps that are not run because their outputs are given.
    pub given: Vec<usize>,
    /// Steps that are skipped, each with the reason for its error. Steps that require them are skipped too.
    pub disabled: Vec<(usize, String)>,
}

/// The part of a graph that a run executes. Steps are addressed by their position in the plan.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is one fact about all steps")]
pub struct Plan {
    dag: Arc<Dag>,
    /// The position in the graph of each step.
    in_dag: Vec<u32>,
    pub(crate) hot: Vec<Hot>,
    bindings: Arc<Bindings>,
    successors: Lists,
    releases: Lists,
    missing: Vec<u32>,
    /// The longest remaining path from each step, in cost: the more urgent step goes first.
    urgency: Vec<u64>,
    readers: Vec<u32>,
    roots: [Vec<u32>; Lane::ALL.len()],
    targets: Vec<u32>,
    given: Vec<u32>,
    /// The run parameters, by step and parameter.
    params: Vec<(u32, u32)>,
    /// The resources, by step and parameter.
    resources: Vec<(u32, u32)>,
    /// Made when first asked for: every report has it.
    pub(crate) fingerprint: OnceLock<Fingerprint>,
    /// Whether any output needs a drop.
    has_drops: bool,
    /// Whether every step has a plain policy.
    is_plain: bool,
    /// Whether any step is cached by its own option.
    any_cached: bool,
    /// Whether any step takes an output by value.
    has_takers: bool,
    /// The disabled steps, each with the reason.
    disabled: BTreeMap<u32, String>,
    /// The steps that are a case of a switch.
    branches: BTreeMap<u32, Branch>,
    /// The steps that can become unused, ascending.
    may_be_unused: Vec<u32>,
    /// For each step, the groups it is a member of; empty if there is no group.
    in_groups: Lists,
    /// For each step that waits for another only because of their sequence, that other.
    in_sequence: BTreeMap<u32, u32>,
}

/// The data that starting and finishing a step reads, side by side.
#[derive(Debug)]
pub(crate) struct Hot {
    pub(crate) code: Code,
    pub(crate) lane: Lane,
    /// The output stays to the end of the run.
    pub(crate) kept: bool,
    pub(crate) at_end: AtEnd,
    /// Whether it has to be checked if the step runs at all: a switch decides, or it is disabled.
    pub(crate) is_branch: bool,
}

impl Plan {
    /// Returns the number of steps, including the given ones.
    pub fn len(&self) -> usize {
        self.hot.len()
    }

    /// Reports whether there is no step.
    pub fn is_empty(&self) -> bool {
        self.hot.is_empty()
    }

    /// Returns the number of steps that will be run: all except the given ones.
    pub fn planned(&self) -> usize {
        self.hot.len() - self.given.len()
    }

    /// Returns the graph this plan was made from.
    pub fn dag(&self) -> &Arc<Dag> {
        &self.dag
    }

    /// Returns the part of the graph that runs as a separate graph, for drawing and statistics.
    pub fn sub_dag(&self) -> Dag {
        self.dag.part(&self.in_dag)
    }

    /// Returns the position in the graph of a step of the plan.
    pub fn in_dag(&self, step: usize) -> usize {
        self.in_dag[step] as usize
    }

    /// Returns the position in the plan of a step of the graph, if it is part of the plan. O(log n).
    pub fn position(&self, in_dag: usize) -> Option<usize> {
        self.in_dag.binary_search(&(in_dag as u32)).ok()
    }

    /// Returns a step of the graph.
    pub fn spec(&self, step: usize) -> &StepSpec {
        self.dag.step(self.in_dag(step))
    }

    /// Returns how a step is to be run.
    pub fn policy(&self, step: usize) -> &Policy {
        self.spec(step).policy()
    }

    /// Reports whether an executor can start every step without looking at its policy: all policies are plain, and no step
    /// can become unused.
    pub fn is_plain(&self) -> bool {
        self.is_plain && !self.has_groups()
    }

    /// Reports whether any step is cached by its own option.
    pub fn any_cached(&self) -> bool {
        self.any_cached
    }

    /// Reports whether any step takes an output by value.
    pub fn has_takers(&self) -> bool {
        self.has_takers
    }

    /// Returns the lane of a step.
    #[inline]
    pub fn lane(&self, step: usize) -> Lane {
        self.hot[step].lane
    }

    /// Returns the steps whose outputs were asked for, ascending.
    pub fn targets(&self) -> &[u32] {
        &self.targets
    }

    /// Returns the steps whose outputs are given, ascending.
    pub fn given(&self) -> &[u32] {
        &self.given
    }

    /// Reports whether the output of a step stays to the end of the run.
    pub fn is_kept(&self, step: usize) -> bool {
        self.hot[step].kept
    }

    /// Returns the longest remaining path from a step, in cost, including the step: of two ready steps, the one with the
    /// longer path goes first.
    pub fn urgency(&self, step: usize) -> u64 {
        self.urgency[step]
    }

    /// Returns the number of steps of a lane that wait for no other.
    pub fn root_count(&self, lane: Lane) -> usize {
        self.roots[lane.index()].len()
    }

    /// Returns the number of steps of each lane, by [`Lane::index`].
    pub fn lane_counts(&self) -> [usize; Lane::ALL.len()] {
        let mut counts = [0; Lane::ALL.len()];
        for hot in &self.hot {
            counts[hot.lane.index()] += 1;
        }
        counts
    }

    /// Reports whether any step is async.
    pub fn has_async(&self) -> bool {
        self.hot.iter().any(|hot| hot.lane.is_async())
    }

    /// Returns the running steps of the plan that a step waits for: data, `after`, readers that go before a taker, and the
    /// step before it in a sequence. Members of its groups are left out.
    pub fn waits_for(&self, step: usize) -> impl Iterator<Item = usize> {
        let in_dag = self.in_dag(step);
        let upstream = self.dag.upstream(in_dag).iter().chain(self.dag.readers_first.get(in_dag));
        let positions = upstream.filter_map(|&earlier| self.position(earlier as usize));
        let running = positions.filter(|&earlier| self.given.binary_search(&(earlier as u32)).is_err());
        let has_early = build::has_early_input(&self.dag, in_dag);
        let is_early = move |earlier| build::is_sole_early(&self.dag, in_dag, self.in_dag(earlier) as u32);
        let needed = running.filter(move |&earlier| !(has_early && is_early(earlier)));
        needed.chain(self.in_sequence.get(&(step as u32)).map(|&earlier| earlier as usize))
    }

    /// Returns the costliest chain of steps that wait for each other. Of equal ones it is the one whose first steps come
    /// first. `cost` is called once for each step.
    ///
    /// # Complexity
    /// O(steps + edges).
    pub fn critical_path(&self, cost: impl Fn(usize) -> u64) -> CriticalPath {
        Ways::new(self.len(), cost, |step| self.waits_for(step)).longest()
    }

    /// Numbers the levels of the plan.
    ///
    /// # Complexity
    /// O(steps + edges).
    pub fn levels(&self) -> Levels {
        Levels::new(self.len(), |step| self.waits_for(step))
    }

    /// Returns the steps of the plan that feed one input of a step that will be run; empty if the input reads no step.
    /// `input` is its position among the inputs of the step.
    ///
    /// # Panics
    /// If the step has no such input, or its output is given.
    pub fn input_steps(&self, step: usize, input: usize) -> Vec<usize> {
        let InputKind::Upstream { source, .. } = &self.spec(step).def().inputs[input].kind else {
            return Vec::new();
        };
        let single = [self.source(step as u32, input)];
        let steps = if source.is_many() { self.sources(step as u32, input) } else { &single };
        steps.iter().map(|&step| step as usize).filter(|&step| step < self.len()).collect()
    }

    /// Who gave the value of a run parameter, in words: "its default", "-p", "the program's code". `None` where the input
    /// is no run parameter. `params` are those of this plan.
    ///
    /// # Panics
    /// If the step has no such input, or its output is given.
    pub fn param_origin<'p>(&self, params: &'p BoundParams, step: usize, input: usize) -> Option<&'p str> {
        match self.spec(step).def().inputs[input].kind {
            InputKind::Param(_) => {
                let index = self.source(step as u32, input) as usize;
                params.entries.get(index).map(|entry| &*entry.origin)
            }
            _ => None,
        }
    }

    /// Returns what the value of a run parameter depends on besides its text, as noted while the value was read; nothing
    /// if the input is no run parameter. `params` are those of this plan. Steps that read one value share its notes.
    ///
    /// # Panics
    /// If the step has no such input, or its output is given.
    pub fn param_notes<'p>(&self, params: &'p BoundParams, step: usize, input: usize) -> &'p [Note] {
        match self.spec(step).def().inputs[input].kind {
            InputKind::Param(_) => {
                let index = self.source(step as u32, input) as usize;
                params.entries.get(index).map_or(&[], |entry| &entry.notes)
            }
            _ => &[],
        }
    }

    /// Returns the steps of the plan that have to succeed before a step, whether or not it reads their output.
    pub(crate) fn after(&self, step: usize) -> impl Iterator<Item = u32> {
        let after = self.dag.follows.get(self.in_dag(step)).iter();
        after.filter_map(|&earlier| self.position(earlier as usize).map(|earlier| earlier as u32))
    }

    pub(crate) fn name(&self, step: u32) -> &str {
        self.spec(step as usize).name()
    }

    /// Returns the steps that wait for this one, the most urgent last; see [`SOLE`].
    #[inline]
    pub(crate) fn successors(&self, step: u32) -> &[u32] {
        self.successors.get(step as usize)
    }

    /// Returns the steps whose output this one releases when it ends; see [`SOLE`] and [`AWAY`].
    #[inline]
    pub(crate) fn releases(&self, step: u32) -> &[u32] {
        self.releases.get(step as usize)
    }

    /// Reports whether any output needs a drop.
    pub(crate) fn has_drops(&self) -> bool {
        self.has_drops
    }

    pub(crate) fn missing(&self, step: usize) -> u32 {
        self.missing[step]
    }

    pub(crate) fn readers(&self, step: usize) -> u32 {
        self.readers[step]
    }

    /// Returns the steps of a lane that wait for no other, the most urgent first.
    #[inline]
    pub(crate) fn roots(&self, lane: Lane) -> &[u32] {
        &self.roots[lane.index()]
    }

    /// Returns where the steps read their inputs.
    pub(crate) fn bindings(&self) -> &Arc<Bindings> {
        &self.bindings
    }

    #[inline]
    pub(crate) fn source(&self, step: u32, parameter: usize) -> u32 {
        self.bindings.source(step, parameter)
    }

    #[inline]
    pub(crate) fn sources(&self, step: u32, parameter: usize) -> &[u32] {
        self.bindings.sources(step, parameter)
    }

    /// Returns the step of each run parameter, in the order in which they are bound.
    pub(crate) fn param_steps(&self) -> impl Iterator<Item = usize> {
        self.params.iter().map(|&(step, _)| step as usize)
    }
}
