//! Turns targets and selections into a plan.

use std::sync::Arc;

use pipeline_core::{Dag, Plan, PlanOptions, Problem, ProblemCode, Problems, Selection};

use super::{GraphSource, Pipeline, TargetOf};

/// Reason for skipping a step that writes.
const NO_WRITE: &str = "it writes, and `no_write` is set";

/// Returns a problem for each excluded step that a target needs.
fn needed_but_excluded(plan: &Plan, excluded: &[usize]) -> Vec<Problem> {
    let needed = excluded.iter().filter_map(|&step| plan.position(step));
    let running = needed.filter(|&step| !plan.given().contains(&(step as u32)));
    running
        .map(|step| {
            let spec = plan.spec(step);
            let dag = plan.dag();
            let reader = dag
                .downstream(plan.in_dag(step))
                .iter()
                .map(|&reader| reader as usize)
                .find(|reader| plan.position(*reader).is_some() && excluded.binary_search(reader).is_err())
                .map_or("another step", |reader| dag.step(reader).name());
            let message = format!("step `{}` is excluded, but `{reader}` needs it", spec.name());
            Problem::new(ProblemCode::InvalidSelection, message).step(spec.name(), spec.location()).hint(
                format!("exclude `{}+` to leave out its dependents too, or give its output", spec.name()),
            )
        })
        .collect()
}

impl Pipeline {
    pub(super) fn replan(mut self) -> Self {
        self.planned = Arc::default();
        self
    }

    /// Returns the steps that are asked for by name, by position in the plan, sorted: targets and plain terms. None of them
    /// is optional in this run.
    pub(crate) fn asked_for(&self, plan: &Plan) -> Vec<usize> {
        let dag = plan.dag();
        let targets = self.targets.iter().filter(|_| !self.targets_are_replaced);
        let targets = targets.filter_map(|target| target.find(dag).ok());
        let terms = self.selected.iter().filter_map(|term| dag.find(term).ok());
        let mut asked: Vec<usize> = targets.chain(terms).filter_map(|step| plan.position(step)).collect();
        asked.sort_unstable();
        asked
    }

    /// Selects these terms instead of the targets and terms that were set before; without a term, changes nothing.
    #[cfg(feature = "cli")]
    pub(crate) fn reselect(mut self, terms: &[String]) -> Self {
        if !terms.is_empty() {
            self.targets_are_replaced = true;
            self.selected.clear();
        }
        self.select(terms)
    }

    /// Reports whether it is every registered step: nothing was selected or left out.
    #[cfg(feature = "cli")]
    pub(crate) fn is_everything(&self) -> bool {
        let selections = [&self.selected, &self.excluded, &self.from, &self.until];
        let is_narrowed = !self.targets.is_empty() || selections.iter().any(|terms| !terms.is_empty());
        matches!(self.graph, GraphSource::Registered) && !is_narrowed
    }

    /// Returns the definitions of the steps of its graph; without one, of all registered steps.
    #[cfg(feature = "cli")]
    pub(crate) fn defs(&self) -> Vec<&pipeline_core::StepDef> {
        match &self.graph {
            GraphSource::Dag(dag) => (0..dag.len()).map(|step| dag.step(step).def()).collect(),
            _ => pipeline_core::registered(),
        }
    }

    /// Makes the graph, if it was not made before.
    pub(crate) fn dag(&self) -> Result<Arc<Dag>, Problems> {
        let dag = match &self.graph {
            GraphSource::Dag(dag) => Arc::clone(dag),
            GraphSource::Registered => Arc::new(Dag::registered()?),
            GraphSource::Targets => Arc::new(self.dag_of_targets()?),
        };
        self.classified(dag)
    }

    pub(super) fn make_plan(&self) -> Result<Plan, Problems> {
        let dag = self.dag()?;
        // A graph made in code may have as many steps as there is work: also none.
        if dag.is_empty() && !matches!(self.graph, GraphSource::Dag(_)) {
            return Err(Problem::new(ProblemCode::NoSteps, "the pipeline has no steps")
                .hint("add steps, or name a target")
                .into());
        }
        let mut problems = Vec::new();
        let mut find = |of: &TargetOf| match of.find(&dag) {
            Ok(step) => Some(step),
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
        let mut options = PlanOptions {
            run: Vec::new(),
            targets: self
                .targets
                .iter()
                .filter_map(&mut find)
                .filter(|_| !self.targets_are_replaced)
                .collect(),
            keep: self.keep.iter().filter_map(&mut find).collect(),
            keep_all: self.keep_all,
            keep_none: self.is_unread,
            given: self.given.iter().filter_map(|given| find(&given.of)).collect(),
            disabled: self.disabled_by_no_write(&dag),
        };
        problems.extend(self.mismatched_outputs(&dag));
        let excluded = self.apply_selection(&dag, &mut options, &mut problems);
        Problems::check(problems)?;
        let plan = Plan::new(dag, &options)?;
        Problems::check(needed_but_excluded(&plan, &excluded))?;
        Ok(plan)
    }

    /// Returns the steps that the settings skip.
    fn disabled_by_no_write(&self, dag: &Dag) -> Vec<(usize, String)> {
        let writers = (0..dag.len()).filter(|&step| self.settings.no_write && dag.step(step).policy().writes);
        writers.map(|step| (step, NO_WRITE.to_owned())).collect()
    }

    /// Adds the selected steps, and removes those that are excluded or out of bounds. Returns the excluded steps.
    fn apply_selection(
        &self,
        dag: &Dag,
        options: &mut PlanOptions,
        problems: &mut Vec<Problem>,
    ) -> Vec<usize> {
        let before = problems.len();
        let mut select = |selection: Result<Selection, Problems>| {
            let selected = selection.and_then(|selection| dag.select(&selection));
            selected.unwrap_or_else(|found| {
                problems.extend(found.into_vec());
                Vec::new()
            })
        };
        let is_bounded = !self.from.is_empty() || !self.until.is_empty();
        if !self.selected.is_empty() {
            options.run = select(Selection::parse(&self.selected));
        } else if is_bounded || options.targets.is_empty() && !self.excluded.is_empty() {
            // Without targets, everything that is left runs; bounds count as targets.
            options.run = (0..dag.len()).collect();
        }
        if !is_bounded && self.excluded.is_empty() {
            return Vec::new();
        }
        let excluded =
            if self.excluded.is_empty() { Vec::new() } else { select(Selection::parse(&self.excluded)) };
        let bounds = Selection::all().from_steps(&self.from).and_then(|all| all.until(&self.until));
        let within = select(bounds);
        let is_wanted =
            |step: &usize| within.binary_search(step).is_ok() && excluded.binary_search(step).is_err();
        options.targets.retain(is_wanted);
        options.run.retain(is_wanted);
        if options.targets.is_empty() && options.run.is_empty() && problems.len() == before {
            problems.push(self.nothing_left(within.is_empty()));
        }
        excluded
    }

    /// Returns why valid terms select nothing.
    fn nothing_left(&self, bounds_exclude_all: bool) -> Problem {
        let (from, until) = (self.from.join("`, `"), self.until.join("`, `"));
        let (message, hint) = if bounds_exclude_all {
            let message = format!("nothing to run: `{until}` does not depend on `{from}`");
            (message, "start further up, or end further down")
        } else if self.from.is_empty() && self.until.is_empty() {
            ("every selected step is excluded".to_owned(), "exclude less, or select more")
        } else {
            let message = "nothing to run: no selected step is within the bounds";
            (message.to_owned(), "select more, or widen the bounds")
        };
        Problem::new(ProblemCode::InvalidSelection, message).hint(hint)
    }

    /// Builds the graph of all targets. Those named by text are looked up in the whole registry.
    fn dag_of_targets(&self) -> Result<Dag, Problems> {
        let mut defs = Vec::new();
        for of in self.targets.iter().chain(&self.keep).chain(self.given.iter().map(|given| &given.of)) {
            match of {
                TargetOf::Def(def) => defs.push(*def),
                TargetOf::Name(name) => defs.extend(pipeline_core::registered_as(name)),
            }
        }
        Dag::from_defs(&defs)
    }
}

impl TargetOf {
    /// Returns its position in the graph.
    pub(super) fn find(&self, dag: &Dag) -> Result<usize, Problem> {
        match self {
            TargetOf::Name(name) => dag.find(name),
            TargetOf::Def(def) => dag.position_of_def(def).ok_or_else(|| {
                Problem::new(
                    ProblemCode::UnknownTarget,
                    format!("step `{}` is not part of this pipeline", def.id()),
                )
                .hint("name a step of the graph, or add it to the graph")
            }),
        }
    }
}
