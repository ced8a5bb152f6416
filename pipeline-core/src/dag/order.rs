//! Topological order, unique names, and the conversion of a draft to a graph.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};

use super::draft::{Draft, DraftStep};
use super::names::NameIndex;
use super::resolve::Edges;
use super::{Dag, StepSpec, cycle};
use crate::lists::Lists;
use crate::problem::{Problem, ProblemCode};

/// The distinct edges of a draft.
struct Neighbours {
    upstream: Lists,
    readers_first: Lists,
}

impl Draft {
    /// Returns a name for each step: the short name if it is unique, otherwise the full identity. Two steps that still
    /// share a name or an identity are a problem.
    pub(crate) fn unique_names(&mut self) -> Vec<Cow<'static, str>> {
        let mut uses: HashMap<&str, u32> = HashMap::with_capacity(self.steps.len());
        for step in &self.steps {
            *uses.entry(step.name.as_deref().unwrap_or(&step.def.name)).or_default() += 1;
        }
        let names: Vec<Cow<'static, str>> = self
            .steps
            .iter()
            .map(|step| match &step.name {
                Some(name) => name.clone(),
                None if uses[&*step.def.name] > 1 => Cow::Owned(step.def.id()),
                None => step.def.name.clone(),
            })
            .collect();
        let mut first: HashMap<&str, usize> = HashMap::with_capacity(names.len());
        let mut same = Vec::new();
        for (position, name) in names.iter().enumerate() {
            match first.get(&**name) {
                Some(&other) => same.push((position, other, name.to_string())),
                None => drop(first.insert(name, position)),
            }
        }
        // An instance can be named like the identity of a function that the graph shows by its short name.
        for (position, step) in self.steps.iter().enumerate().filter(|(_, step)| step.name.is_none()) {
            let id = step.def.id();
            let instance = first.get(&*id).filter(|&&other| self.steps[other].name.is_some());
            same.extend(
                instance.filter(|_| names[position] != id).map(|&other| (position, other, id.clone())),
            );
        }
        for (position, other, name) in same {
            let (step, other) = (&self.steps[position], &self.steps[other]);
            let problem = Problem::new(ProblemCode::DuplicateStep, format!("two steps are named `{name}`"))
                .step(name, step.location)
                .note(format!("the other one is at {}", other.location))
                .note(format!("packages: {} and {}", step.def.package, other.def.package))
                .hint("rename one, with `#[step(name = \"…\")]` or `.named(\"…\")`");
            self.problems.push(problem);
        }
        names
    }

    /// Orders the steps so that each comes after the steps that it waits for, otherwise in the order in which they were
    /// added. Kahn's algorithm, O(steps + edges).
    ///
    /// # Errors
    /// Returns a problem for each circle found.
    pub(crate) fn order(&self, edges: &Edges, names: &[Cow<'static, str>]) -> Result<Vec<u32>, Vec<Problem>> {
        let neighbours = self.neighbours(edges);
        let waits_for = merged(&neighbours.upstream, &neighbours.readers_first);
        let waiting = waits_for.transposed(self.steps.len());
        let mut missing: Vec<u32> =
            (0..self.steps.len()).map(|step| waits_for.get(step).len() as u32).collect();
        let mut ready: VecDeque<u32> =
            (0..self.steps.len() as u32).filter(|&step| missing[step as usize] == 0).collect();
        let mut order = Vec::with_capacity(self.steps.len());
        while let Some(step) = ready.pop_front() {
            order.push(step);
            for &next in waiting.get(step as usize) {
                missing[next as usize] -= 1;
                if missing[next as usize] == 0 {
                    ready.push_back(next);
                }
            }
        }
        if order.len() == self.steps.len() {
            return Ok(order);
        }
        Err(cycle::problems(&waits_for, &missing, |step| (names[step].as_ref(), self.steps[step].location)))
    }

    /// Returns the distinct upstream steps of each step, and the readers that go before a taker.
    fn neighbours(&self, edges: &Edges) -> Neighbours {
        let count = self.steps.len();
        let mut upstream = Lists::with_capacity(count, edges.sources.total());
        let mut scratch = Vec::new();
        for step in 0..count {
            let parameters = edges.first_parameter[step] as usize..edges.first_parameter[step + 1] as usize;
            scratch.extend(parameters.flat_map(|parameter| edges.sources.get(parameter)).copied());
            scratch.extend_from_slice(edges.after.get(step));
            scratch.sort_unstable();
            scratch.dedup();
            upstream.push(scratch.drain(..));
        }
        // Two takers of one output wait for each other; this is reported as such, not as a circle.
        let two_takers = self.problems.iter().any(|problem| problem.code == ProblemCode::SecondTaker);
        let taken = if two_takers { HashMap::new() } else { self.taken(edges) };
        let readers_first = if taken.is_empty() {
            let mut none = Lists::with_capacity(count, 0);
            (0..count).for_each(|_| none.push([]));
            none
        } else {
            self.readers_first(edges, &upstream, &taken)
        };
        Neighbours { upstream, readers_first }
    }

    /// Returns the outputs that each step takes by value.
    fn taken(&self, edges: &Edges) -> HashMap<u32, Vec<u32>> {
        let mut taken: HashMap<u32, Vec<u32>> = HashMap::new();
        for (step, draft) in self.steps.iter().enumerate() {
            for (parameter, input) in draft.def.inputs.iter().enumerate() {
                if input.takes() {
                    let sources = edges.sources.get(edges.first_parameter[step] as usize + parameter);
                    taken.entry(step as u32).or_default().extend(sources);
                }
            }
        }
        taken
    }

    /// Returns, for each taker, the other readers of the output that it takes, unless it waits for them anyway.
    fn readers_first(&self, edges: &Edges, upstream: &Lists, taken: &HashMap<u32, Vec<u32>>) -> Lists {
        let mut readers: HashMap<u32, HashSet<u32>> =
            taken.values().flatten().map(|&source| (source, HashSet::new())).collect();
        for step in 0..self.steps.len() {
            for parameter in edges.first_parameter[step]..edges.first_parameter[step + 1] {
                for source in edges.sources.get(parameter as usize) {
                    if let Some(readers) = readers.get_mut(source) {
                        readers.insert(step as u32);
                    }
                }
            }
        }
        let mut lists = Lists::with_capacity(self.steps.len(), 0);
        for step in 0..self.steps.len() as u32 {
            let mut first: Vec<u32> = taken
                .get(&step)
                .into_iter()
                .flatten()
                .flat_map(|source| &readers[source])
                .copied()
                .filter(|&reader| {
                    reader != step && upstream.get(step as usize).binary_search(&reader).is_err()
                })
                .collect();
            first.sort_unstable();
            first.dedup();
            lists.push(first);
        }
        lists
    }

    /// Renumbers everything by topological order.
    pub(crate) fn into_dag(self, edges: Edges, names: Vec<Cow<'static, str>>, order: &[u32]) -> Dag {
        let neighbours = self.neighbours(&edges);
        let mut place = vec![0_u32; order.len()];
        for (position, &step) in order.iter().enumerate() {
            place[step as usize] = position as u32;
        }
        let renumbered = |lists: &Lists, position: u32, sorted: bool| {
            let mut items: Vec<u32> =
                lists.get(position as usize).iter().map(|&item| place[item as usize]).collect();
            if sorted {
                items.sort_unstable();
            }
            items
        };
        let mut dag = Dag {
            steps: Vec::with_capacity(order.len()),
            first_parameter: vec![0],
            sources: Lists::with_capacity(edges.sources.len(), edges.sources.total()),
            upstream: Lists::with_capacity(order.len(), neighbours.upstream.total()),
            downstream: Lists::default(),
            follows: Lists::with_capacity(order.len(), edges.after.total()),
            readers_first: Lists::with_capacity(order.len(), neighbours.readers_first.total()),
            names: NameIndex::default(),
        };
        let mut steps: Vec<Option<_>> = self.steps.into_iter().zip(names).map(Some).collect();
        for &step in order {
            let (draft, name) =
                steps[step as usize].take().expect("invariant: an order names each step once");
            for parameter in edges.first_parameter[step as usize]..edges.first_parameter[step as usize + 1] {
                dag.sources.push(renumbered(&edges.sources, parameter, false));
            }
            dag.first_parameter.push(dag.sources.len() as u32);
            dag.upstream.push(renumbered(&neighbours.upstream, step, true));
            // In the order written, in which the first that fails is the cause of a skip.
            let mut seen = HashSet::new();
            let mut follows = renumbered(&edges.after, step, false);
            follows.retain(|&earlier| seen.insert(earlier));
            dag.follows.push(follows);
            dag.readers_first.push(renumbered(&neighbours.readers_first, step, true));
            let DraftStep { def, name: given, location, params, policy, .. } = draft;
            dag.steps.push(StepSpec { def, name, is_named: given.is_some(), location, params, policy });
        }
        dag.downstream = dag.upstream.transposed(order.len());
        dag
    }
}

/// Returns lists that each have the items of both.
fn merged(a: &Lists, b: &Lists) -> Lists {
    let mut both = Lists::with_capacity(a.len(), a.total() + b.total());
    for position in 0..a.len() {
        both.push(a.get(position).iter().chain(b.get(position)).copied());
    }
    both
}
