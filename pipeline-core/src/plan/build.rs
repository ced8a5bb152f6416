//! Makes a plan of a graph and options.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::choice::{self, Branch};
use super::{AWAY, AtEnd, Hot, Plan, PlanOptions, SOLE};
use crate::cells::{Bindings, Group};
use crate::dag::{Dag, Ways};
use crate::lane::Lane;
use crate::lists::Lists;
use crate::problem::{Problem, ProblemCode, Problems};
use crate::step::{InputDef, InputKind};

impl Plan {
    /// Makes the plan of some targets and everything that they need.
    ///
    /// # Errors
    /// [`ProblemCode::TakenTarget`] if another step takes the output of a target or of a step to be kept.
    ///
    /// # Panics
    /// If a position in the options is not below the graph's length.
    ///
    /// # Complexity
    /// O(steps + edges · log edges), without recursion.
    pub fn new(dag: Arc<Dag>, options: &PlanOptions) -> Result<Plan, Problems> {
        Builder::new(&dag, options).map(|builder| builder.plan(&dag, options))
    }
}

/// Marks a step of the graph that is not part of the plan.
const ABSENT: u32 = u32::MAX;

struct Builder {
    in_dag: Vec<u32>,
    /// The position in the plan of each step of the graph, or `ABSENT`.
    place: Vec<u32>,
    kept: Vec<bool>,
    given: Vec<bool>,
    targets: Vec<u32>,
}

impl Builder {
    fn new(dag: &Dag, options: &PlanOptions) -> Result<Self, Problems> {
        let mut given = vec![false; dag.len()];
        options.given.iter().for_each(|&step| given[step] = true);
        let mut targets = options.targets.clone();
        if targets.is_empty() && options.run.is_empty() {
            targets.extend(dag.sinks());
        }
        targets.sort_unstable();
        targets.dedup();
        let wanted = || targets.iter().chain(&options.keep).chain(&options.run).copied();
        let selected = needed(dag, wanted(), &given);
        let in_dag: Vec<u32> = (0..dag.len() as u32).filter(|&step| selected[step as usize]).collect();
        let mut place = vec![ABSENT; dag.len()];
        for (position, &step) in in_dag.iter().enumerate() {
            place[step as usize] = position as u32;
        }
        let mut kept = vec![options.keep_all; in_dag.len()];
        for step in wanted() {
            kept[place[step] as usize] = true;
        }
        let given = in_dag.iter().map(|&step| given[step as usize]).collect();
        let targets = targets.iter().map(|&step| place[step]).collect();
        let mut builder = Builder { in_dag, place, kept, given, targets };
        builder.settle_taken(dag, options)?;
        Ok(builder)
    }

    /// Does not keep outputs that are taken, and reports those that were asked for.
    fn settle_taken(&mut self, dag: &Dag, options: &PlanOptions) -> Result<(), Problems> {
        let mut problems = Vec::new();
        let mut asked = vec![false; self.in_dag.len()];
        self.targets.iter().for_each(|&target| asked[target as usize] = true);
        options.keep.iter().for_each(|&step| asked[self.place[step] as usize] = true);
        for (position, &step) in self.in_dag.iter().enumerate() {
            if self.given[position] {
                continue;
            }
            let spec = dag.step(step as usize);
            for (parameter, input) in spec.def().inputs.iter().enumerate() {
                if !input.takes() {
                    continue;
                }
                for &source in dag.sources(step as usize, parameter) {
                    let taken = self.place[source as usize] as usize;
                    if asked[taken] {
                        let name = dag.step(source as usize).name();
                        let message =
                            format!("the output of `{name}` is asked for, but `{}` takes it", spec.name());
                        problems.push(
                            Problem::new(ProblemCode::TakenTarget, message)
                                .step(spec.name(), spec.location())
                                .parameter(input.name.as_ref(), input.location)
                                .hint(format!(
                                    "read it by `&` in `{}`, or do not ask for `{name}`",
                                    spec.name()
                                )),
                        );
                    }
                    self.kept[taken] = false;
                }
            }
        }
        Problems::check(problems)
    }

    /// Returns the position in the plan of a step of the graph, if it runs.
    fn running(&self, step: u32) -> Option<u32> {
        let place = self.place[step as usize];
        (place != ABSENT && !self.given[place as usize]).then_some(place)
    }

    fn plan(mut self, dag: &Arc<Dag>, options: &PlanOptions) -> Plan {
        let count = self.in_dag.len();
        let in_sequence = self.in_sequence(dag);
        let groups = self.groups(dag);
        if options.keep_none {
            // Only now: a target is never unused.
            self.kept.fill(false);
        }
        let waits_for = self.waits_for(dag, &in_sequence);
        let mut missing: Vec<u32> = (0..count).map(|step| waits_for.get(step).len() as u32).collect();
        groups.iter().for_each(|group| missing[group.step as usize] += 1);
        let urgency = self.urgency(dag, &waits_for, &groups);
        let successors = by_urgency(&waits_for.transposed(count), &urgency, &missing);
        let (reads, readers) = self.reads(dag);
        let mut plan = Plan {
            dag: Arc::clone(dag),
            hot: Vec::with_capacity(count),
            bindings: Arc::default(),
            releases: self.releases(dag, &reads, &readers),
            roots: self.roots(dag, &missing, &urgency),
            given: (0..count as u32).filter(|&step| self.given[step as usize]).collect(),
            successors,
            missing,
            urgency,
            readers,
            targets: self.targets.clone(),
            params: Vec::new(),
            resources: Vec::new(),
            fingerprint: OnceLock::new(),
            has_drops: false,
            is_plain: true,
            any_cached: false,
            has_takers: false,
            in_dag: Vec::new(),
            disabled: self.disabled(options),
            branches: self.branches(dag),
            in_groups: in_groups(&groups, count),
            may_be_unused: may_be_unused(&groups),
            in_sequence,
        };
        let mut bindings = Bindings::new(count, groups);
        for step in 0..count {
            self.add_step(dag, &mut plan, &mut bindings, step);
        }
        plan.bindings = Arc::new(bindings);
        plan.in_dag = self.in_dag;
        plan
    }

    fn add_step(&self, dag: &Dag, plan: &mut Plan, bindings: &mut Bindings, step: usize) {
        let def = dag.step(self.in_dag[step] as usize).def();
        plan.has_drops |= def.output.drop_slot().is_some();
        let policy = dag.step(self.in_dag[step] as usize).policy();
        plan.is_plain &= policy.is_plain();
        plan.any_cached |= policy.cache.is_some();
        plan.has_takers |= def.inputs.iter().any(InputDef::takes);
        let drops = plan.readers[step] == 0 && !self.kept[step] && def.output.drop_slot().is_some();
        plan.hot.push(Hot {
            code: def.code.clone(),
            lane: def.lane,
            kept: self.kept[step],
            is_branch: plan.branches.contains_key(&(step as u32)) || plan.is_disabled(step),
            at_end: AtEnd::of(plan, step as u32, drops),
        });
        bindings.push_step(def.output);
        if self.given[step] {
            return;
        }
        for (parameter, input) in def.inputs.iter().enumerate() {
            let index = (step as u32, parameter as u32);
            match &input.kind {
                InputKind::Upstream { source, .. } => {
                    let sources = dag.sources(self.in_dag[step] as usize, parameter);
                    let mut places = sources.iter().map(|&source| self.place[source as usize]);
                    if source.is_many() {
                        bindings.push_many(places);
                    } else {
                        bindings.push_one(places.next().unwrap_or(ABSENT));
                    }
                }
                InputKind::Param(_) => {
                    bindings.push_one(plan.params.len() as u32);
                    plan.params.push(index);
                }
                InputKind::Resource { .. } => {
                    bindings.push_one(plan.resources.len() as u32);
                    plan.resources.push(index);
                }
                InputKind::Context => bindings.push_one(0),
            }
        }
    }

    /// Returns, for each step, the running steps of the plan that it waits for, except the members of its groups.
    fn waits_for(&self, dag: &Dag, in_sequence: &BTreeMap<u32, u32>) -> Lists {
        let mut lists = Lists::with_capacity(self.in_dag.len(), dag.edge_count());
        for (position, &step) in self.in_dag.iter().enumerate() {
            if self.given[position] {
                lists.push([]);
                continue;
            }
            // Even if no group is left because enough outputs are given: then there is nothing to wait for.
            let has_early = has_early_input(dag, step as usize);
            let upstream = dag.upstream(step as usize).iter().copied();
            let upstream =
                upstream.filter(|&earlier| !has_early || !is_sole_early(dag, step as usize, earlier));
            let earlier = upstream.chain(dag.readers_first.get(step as usize).iter().copied());
            let running = earlier.filter_map(|earlier| self.running(earlier));
            lists.push(running.chain(in_sequence.get(&(position as u32)).copied()));
        }
        lists
    }

    /// Returns the step before each step of a sequence, unless it is waited for anyway.
    fn in_sequence(&self, dag: &Dag) -> BTreeMap<u32, u32> {
        let mut last: BTreeMap<&str, u32> = BTreeMap::new();
        let mut before = BTreeMap::new();
        for (position, &step) in self.in_dag.iter().enumerate() {
            let Some(sequence) = &dag.step(step as usize).policy().sequential else { continue };
            if self.given[position] {
                continue;
            }
            if let Some(earlier) = last.insert(sequence, position as u32) {
                let earlier_in_dag = self.in_dag[earlier as usize];
                let is_waited_for =
                    dag.waits_for(step as usize).any(|waited| waited as u32 == earlier_in_dag);
                if !is_waited_for || is_sole_early(dag, step as usize, earlier_in_dag) {
                    before.insert(position as u32, earlier);
                }
            }
        }
        before
    }

    /// Returns the running steps of the plan that are disabled.
    fn disabled(&self, options: &PlanOptions) -> BTreeMap<u32, String> {
        let named = options.disabled.iter();
        named.filter_map(|(step, why)| Some((self.running(*step as u32)?, why.clone()))).collect()
    }

    fn branches(&self, dag: &Dag) -> BTreeMap<u32, Branch> {
        let running = self.in_dag.iter().enumerate().filter(|(position, _)| !self.given[*position]);
        running
            .filter_map(|(position, &step)| {
                let (switch, case) = choice::branch(dag, step as usize)?;
                Some((position as u32, Branch { step: self.place[switch as usize], case }))
            })
            .collect()
    }

    fn groups(&self, dag: &Dag) -> Vec<Group> {
        let mut groups = Vec::new();
        for (position, &step) in self.in_dag.iter().enumerate() {
            if self.given[position] {
                continue;
            }
            for (parameter, input) in dag.step(step as usize).def().inputs.iter().enumerate() {
                let Some(count) = choice::early(&input.kind) else { continue };
                let sources = dag.sources(step as usize, parameter);
                let members: Vec<u32> = sources.iter().filter_map(|&source| self.running(source)).collect();
                let given = sources.len() - members.len();
                // If enough outputs are given, there is nothing to wait for.
                let needed = count.saturating_sub(given as u32);
                if needed == 0 {
                    continue;
                }
                let may_be_unused = |&&member: &&u32| {
                    let readers = dag.downstream(self.in_dag[member as usize] as usize).iter();
                    let mut running = readers.filter_map(|&reader| self.running(reader));
                    let in_dag = self.in_dag[member as usize];
                    let mut parameters = 0..dag.parameter_count(step as usize);
                    // If the step reads it elsewhere too, it has to end.
                    let only_here = parameters.all(|other| {
                        other == parameter || !dag.sources(step as usize, other).contains(&in_dag)
                    });
                    let only_by_us = running.all(|reader| reader as usize == position);
                    let is_early = is_sole_early(dag, step as usize, in_dag);
                    !self.kept[member as usize] && only_by_us && only_here && is_early
                };
                let unused_after = members.iter().filter(may_be_unused).copied().collect();
                let (step, parameter) = (position as u32, parameter as u32);
                groups.push(Group { step, parameter, members, needed, unused_after });
            }
        }
        groups
    }

    /// Returns, for each step, the distinct steps whose output it reads; and for each output, the number of its readers.
    fn reads(&self, dag: &Dag) -> (Lists, Vec<u32>) {
        let mut reads = Lists::with_capacity(self.in_dag.len(), 0);
        let mut readers = vec![0_u32; self.in_dag.len()];
        let mut scratch: Vec<u32> = Vec::new();
        for (position, &step) in self.in_dag.iter().enumerate() {
            if !self.given[position] {
                for parameter in 0..dag.step(step as usize).def().inputs.len() {
                    let sources = dag.sources(step as usize, parameter);
                    scratch.extend(sources.iter().map(|&source| self.place[source as usize]));
                }
            }
            scratch.sort_unstable();
            scratch.dedup();
            scratch.iter().for_each(|&source| readers[source as usize] += 1);
            reads.push(scratch.drain(..));
        }
        (reads, readers)
    }

    /// Returns the outputs that each step releases when it has ended: those that need a drop and are not kept.
    fn releases(&self, dag: &Dag, reads: &Lists, readers: &[u32]) -> Lists {
        let mut releases = Lists::with_capacity(self.in_dag.len(), 0);
        let taken = self.taken(dag);
        for step in 0..self.in_dag.len() {
            let given_back = reads.get(step).iter().copied().filter(|&source| {
                let output = dag.step(self.in_dag[source as usize] as usize).def().output;
                output.drop_slot().is_some() && !self.kept[source as usize]
            });
            let is_async = |step: usize| dag.step(self.in_dag[step] as usize).def().lane.is_async();
            let runs_code =
                |source: usize| dag.step(self.in_dag[source] as usize).def().output.drop_runs_foreign_code();
            let away = |source: u32| {
                if is_async(step) && !is_async(source as usize) && runs_code(source as usize) {
                    AWAY
                } else {
                    0
                }
            };
            releases.push(given_back.filter_map(|source| match taken[source as usize] {
                // The taker comes last: if it was skipped, it drops the output.
                taker if taker == step as u32 => Some(source | SOLE | away(source)),
                ABSENT if readers[source as usize] == 1 => Some(source | SOLE | away(source)),
                ABSENT => Some(source | away(source)),
                _ => None,
            }));
        }
        releases
    }

    /// Returns, for each output, the step that takes it.
    fn taken(&self, dag: &Dag) -> Vec<u32> {
        let mut taken = vec![ABSENT; self.in_dag.len()];
        for (position, &step) in self.in_dag.iter().enumerate() {
            for (parameter, input) in dag.step(step as usize).def().inputs.iter().enumerate() {
                if !self.given[position] && input.takes() {
                    for &source in dag.sources(step as usize, parameter) {
                        taken[self.place[source as usize] as usize] = position as u32;
                    }
                }
            }
        }
        taken
    }

    /// Returns the longest remaining path from each step, in cost, with its priority above it.
    fn urgency(&self, dag: &Dag, waits_for: &Lists, groups: &[Group]) -> Vec<u64> {
        let cost = |step: usize| u64::from(dag.step(self.in_dag[step] as usize).def().cost);
        let earlier = |step: usize| {
            let members = choice::of_step(groups, step as u32).iter().flat_map(|group| &group.members);
            waits_for.get(step).iter().chain(members).map(|&earlier| earlier as usize)
        };
        let mut urgency = Ways::new(self.in_dag.len(), cost, earlier).remaining;
        let priority = |step: u32| dag.step(step as usize).policy().priority;
        if self.in_dag.iter().any(|&step| priority(step) != 0) {
            for (urgency, &step) in urgency.iter_mut().zip(&self.in_dag) {
                let above = (i64::from(priority(step)) - i64::from(i32::MIN)) as u64;
                *urgency = above << 32 | (*urgency).min(u64::from(u32::MAX));
            }
        }
        urgency
    }

    fn roots(&self, dag: &Dag, missing: &[u32], urgency: &[u64]) -> [Vec<u32>; Lane::ALL.len()] {
        let mut roots: [Vec<u32>; Lane::ALL.len()] = Default::default();
        for (position, &step) in self.in_dag.iter().enumerate() {
            if missing[position] == 0 && !self.given[position] {
                roots[dag.step(step as usize).def().lane.index()].push(position as u32);
            }
        }
        for roots in &mut roots {
            roots.sort_by_key(|&step| std::cmp::Reverse(urgency[step as usize]));
        }
        roots
    }
}

/// Returns the targets and everything that they need, except what only given steps need.
fn needed(dag: &Dag, wanted: impl Iterator<Item = usize>, given: &[bool]) -> Vec<bool> {
    let mut selected = vec![false; dag.len()];
    let mut stack: Vec<usize> = Vec::new();
    for step in wanted {
        if !std::mem::replace(&mut selected[step], true) {
            stack.push(step);
        }
    }
    while let Some(step) = stack.pop() {
        if given[step] {
            continue;
        }
        for &earlier in dag.upstream(step) {
            if !std::mem::replace(&mut selected[earlier as usize], true) {
                stack.push(earlier as usize);
            }
        }
    }
    selected
}

/// Reports whether `step` has an input that can start it before all of its upstream steps have ended.
pub(super) fn has_early_input(dag: &Dag, step: usize) -> bool {
    dag.step(step).def().inputs.iter().any(|input| choice::early(&input.kind).is_some())
}

/// Reports whether `step` waits for `earlier`, an upstream step, only in inputs that start it early: not in another input,
/// not because of `after`, and not because it takes an output that `earlier` reads.
pub(super) fn is_sole_early(dag: &Dag, step: usize, earlier: u32) -> bool {
    let inputs = &dag.step(step).def().inputs;
    let mut others = (0..inputs.len()).filter(|&parameter| choice::early(&inputs[parameter].kind).is_none());
    !others.any(|parameter| dag.sources(step, parameter).contains(&earlier))
        && !dag.follows.get(step).contains(&earlier)
        && !reads_what_is_taken(dag, step, earlier)
}

/// Reports whether `earlier` reads an output that `step` takes, and so has to end before.
fn reads_what_is_taken(dag: &Dag, step: usize, earlier: u32) -> bool {
    let earlier = earlier as usize;
    let is_read = |source: &u32| {
        (0..dag.parameter_count(earlier)).any(|parameter| dag.sources(earlier, parameter).contains(source))
    };
    let inputs = dag.step(step).def().inputs.iter().enumerate();
    let mut takes = inputs.filter(|(_, input)| input.takes());
    takes.any(|(parameter, _)| dag.sources(step, parameter).iter().any(is_read))
}

fn may_be_unused(groups: &[Group]) -> Vec<u32> {
    let mut steps: Vec<u32> = groups.iter().flat_map(|group| &group.unused_after).copied().collect();
    steps.sort_unstable();
    steps.dedup();
    steps
}

fn in_groups(groups: &[Group], count: usize) -> Lists {
    let mut lists = Lists::with_capacity(count, 0);
    if groups.is_empty() {
        return lists;
    }
    let members = |(group, of): (usize, &Group)| {
        of.members.iter().map(|&member| (member, group as u32)).collect::<Vec<_>>()
    };
    let mut pairs: Vec<(u32, u32)> = groups.iter().enumerate().flat_map(members).collect();
    // A member that is named twice counts twice.
    pairs.sort_unstable();
    let mut pairs = pairs.into_iter().peekable();
    for step in 0..count as u32 {
        lists.push(
            std::iter::from_fn(|| pairs.next_if(|&(member, _)| member == step)).map(|(_, group)| group),
        );
    }
    lists
}

/// Returns the successors in ascending urgency, because a driver continues with the last. Those that wait for no other
/// step are marked.
fn by_urgency(successors: &Lists, urgency: &[u64], missing: &[u32]) -> Lists {
    let mut sorted = Lists::with_capacity(successors.len(), successors.total());
    let mut scratch = Vec::new();
    for step in 0..successors.len() {
        scratch.extend_from_slice(successors.get(step));
        // Equal ones in reverse, so that the first in plan order comes last.
        scratch.sort_by_key(|&next: &u32| (urgency[next as usize], std::cmp::Reverse(next)));
        sorted
            .push(scratch.drain(..).map(|next| if missing[next as usize] == 1 { next | SOLE } else { next }));
    }
    sorted
}
