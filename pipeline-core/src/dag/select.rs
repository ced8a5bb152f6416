//! Evaluating a selection on a graph.

use std::collections::BTreeSet;

use super::query::positions;
use super::selection::{Selection, Term, TermKind};
use super::{Dag, StepSpec};
use crate::problem::{Problem, ProblemCode, Problems, closest};

impl Dag {
    /// Finds the steps that a selection means, ascending. Only what it names: what those steps need is added by `+term`
    /// or [`Dag::with_ancestors`].
    ///
    /// # Errors
    /// All at once, for each term that selects nothing: [`ProblemCode::UnknownTarget`], with the closest name; for
    /// each name that fits several steps: [`ProblemCode::AmbiguousName`].
    ///
    /// # Complexity
    /// O(steps + edges), and O(steps) for each pattern, tag and group, O(log steps) for each name.
    pub fn select(&self, selection: &Selection) -> Result<Vec<usize>, Problems> {
        let mut problems = Vec::new();
        let mut chosen = if selection.included.is_empty() {
            vec![true; self.len()]
        } else {
            self.chosen(&selection.included, &mut problems)
        };
        if !selection.excluded.is_empty() {
            let excluded = self.chosen(&selection.excluded, &mut problems);
            chosen.iter_mut().zip(excluded).for_each(|(chosen, excluded)| *chosen &= !excluded);
        }
        Problems::check(problems)?;
        Ok(positions(&chosen))
    }

    /// Marks what the terms select together.
    fn chosen(&self, terms: &[Term], problems: &mut Vec<Problem>) -> Vec<bool> {
        let (mut alone, mut with_upstream, mut with_downstream) = (Vec::new(), Vec::new(), Vec::new());
        for term in terms {
            if let Some(step) = self.named(&term.text) {
                alone.push(step);
                continue;
            }
            match self.matched(term) {
                Ok(steps) => {
                    if term.with_upstream {
                        with_upstream.extend_from_slice(&steps);
                    }
                    if term.with_downstream {
                        with_downstream.extend_from_slice(&steps);
                    }
                    alone.extend(steps);
                }
                Err(problem) => problems.push(problem),
            }
        }
        // The union of what each start reaches is what all starts reach together: two walks, however many terms.
        let mut chosen = self.reached(with_upstream, &self.upstream);
        let below = self.reached(with_downstream, &self.downstream);
        chosen.iter_mut().zip(below).for_each(|(chosen, below)| *chosen |= below);
        for step in alone {
            chosen[step] = true;
        }
        chosen
    }

    /// The steps that a term matches, without what it adds upstream and downstream.
    fn matched(&self, term: &Term) -> Result<Vec<usize>, Problem> {
        let found = match term.kind {
            TermKind::Name if !term.pattern.is_glob() => vec![self.find(term.pattern.text())?],
            TermKind::Name => match self.named(term.pattern.text()) {
                Some(step) => vec![step],
                None => self.matching(|spec| {
                    term.pattern.matches(spec.name()) || term.pattern.matches(&spec.def().id())
                }),
            },
            TermKind::Tag => {
                self.matching(|spec| spec.def().tags.iter().any(|tag| term.pattern.matches(tag)))
            }
            TermKind::Group => self
                .matching(|spec| spec.def().group.as_ref().is_some_and(|group| term.pattern.matches(group))),
        };
        if found.is_empty() { Err(self.selects_nothing(term)) } else { Ok(found) }
    }

    fn matching(&self, fits: impl Fn(&StepSpec) -> bool) -> Vec<usize> {
        (0..self.len()).filter(|&step| fits(self.step(step))).collect()
    }

    fn selects_nothing(&self, term: &Term) -> Problem {
        let wanted = term.pattern.text();
        let (what, known): (&str, BTreeSet<&str>) = match term.kind {
            TermKind::Name => ("a name like", BTreeSet::new()),
            TermKind::Tag => {
                ("the tag", self.steps.iter().flat_map(|spec| spec.def().tags.iter().copied()).collect())
            }
            TermKind::Group => {
                ("the group", self.steps.iter().filter_map(|spec| spec.def().group.as_deref()).collect())
            }
        };
        let problem = Problem::new(
            ProblemCode::UnknownTarget,
            format!("`{}` selects nothing: no step has {what} `{wanted}`", term.text),
        );
        match (closest(wanted, known.iter().copied()), term.kind) {
            (Some(close), _) => problem.hint(format!("did you mean `{close}`?")),
            (None, TermKind::Name) => problem.hint("a pattern matches a whole name; try `*` at its ends"),
            (None, _) if known.is_empty() => problem.hint("no step of this graph has one"),
            (None, _) => {
                let some: Vec<&str> = known.into_iter().take(10).collect();
                problem.hint(format!("there are {}", some.join(", ")))
            }
        }
    }
}
