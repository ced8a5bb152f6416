//! Evaluates a selection on a graph.

use std::collections::BTreeSet;

use super::query::positions;
use super::selection::{Atom, Reach, Selection, Term, TermKind};
use super::{Dag, StepSpec};
use crate::lists::Lists;
use crate::problem::{Problem, ProblemCode, Problems, closest};
use crate::step::StepDef;

impl Dag {
    /// Returns the steps that a selection names, ascending. The steps that they need are added by `+term` or
    /// [`Dag::with_ancestors`].
    ///
    /// # Errors
    /// Returns all problems at once: [`ProblemCode::UnknownTarget`], with the closest name, for each term that selects
    /// nothing; [`ProblemCode::AmbiguousName`] for each name that fits several steps.
    ///
    /// # Complexity
    /// O(steps + edges), and O(steps) for each pattern, tag and group, O(log steps) for each name; O(steps + edges) for
    /// each part of a term that is bounded (`2+term`) or an intersection.
    pub fn select(&self, selection: &Selection) -> Result<Vec<usize>, Problems> {
        let mut problems = Vec::new();
        let mut chosen = if selection.included.is_empty() {
            vec![true; self.len()]
        } else {
            self.chosen(&selection.included, &mut problems)
        };
        let mut narrow = |terms: &[Term], keep: &dyn Fn(Vec<bool>) -> Vec<bool>| {
            if !terms.is_empty() {
                let kept = keep(self.chosen(terms, &mut problems));
                chosen.iter_mut().zip(kept).for_each(|(chosen, kept)| *chosen &= kept);
            }
        };
        narrow(&selection.from, &|steps| self.reached(positions(&steps), &self.downstream));
        narrow(&selection.until, &|steps| self.reached(positions(&steps), &self.upstream));
        narrow(&selection.excluded, &|steps| steps.into_iter().map(|excluded| !excluded).collect());
        Problems::check(problems)?;
        Ok(positions(&chosen))
    }

    /// Marks the union of the terms.
    fn chosen(&self, terms: &[Term], problems: &mut Vec<Problem>) -> Vec<bool> {
        let (mut alone, mut with_upstream, mut with_downstream) = (Vec::new(), Vec::new(), Vec::new());
        for term in terms {
            if let Some(step) = self.named(&term.text) {
                alone.push(step);
                continue;
            }
            let [atom] = term.atoms.as_slice() else {
                alone.extend(self.intersection(term, problems));
                continue;
            };
            match self.matched(atom) {
                Ok(steps) => {
                    match atom.upstream {
                        Reach::All => with_upstream.extend_from_slice(&steps),
                        Reach::Steps(most) => alone.extend(self.near(&steps, &self.upstream, most)),
                        Reach::Nothing => {}
                    }
                    match atom.downstream {
                        Reach::All => with_downstream.extend_from_slice(&steps),
                        Reach::Steps(most) => alone.extend(self.near(&steps, &self.downstream, most)),
                        Reach::Nothing => {}
                    }
                    alone.extend(steps);
                }
                Err(problem) => problems.push(problem),
            }
        }
        // All starts are walked together: two walks, however many terms there are.
        let mut chosen = self.reached(with_upstream, &self.upstream);
        let below = self.reached(with_downstream, &self.downstream);
        chosen.iter_mut().zip(below).for_each(|(chosen, below)| *chosen |= below);
        for step in alone {
            chosen[step] = true;
        }
        chosen
    }

    /// Returns the steps that every part of a term selects.
    fn intersection(&self, term: &Term, problems: &mut Vec<Problem>) -> Vec<usize> {
        let known = problems.len();
        let mut common = vec![true; self.len()];
        let mut sizes = Vec::new();
        for atom in &term.atoms {
            let alone = Term { text: atom.text.clone(), atoms: vec![atom.clone()] };
            let part = self.chosen(&[alone], problems);
            let size = part.iter().filter(|&&chosen| chosen).count();
            sizes.push(format!("`{}` selects {size}", atom.text));
            common.iter_mut().zip(part).for_each(|(common, part)| *common &= part);
        }
        let common = positions(&common);
        if common.is_empty() && problems.len() == known {
            let message = format!("`{}` selects nothing: no step is in all of its parts", term.text);
            let problem = Problem::new(ProblemCode::UnknownTarget, message).note(sizes.join(", "));
            problems.push(problem.hint("a comma is *and*; write the terms apart for *or*"));
        }
        common
    }

    /// Returns the steps within a number of edges.
    fn near(&self, starts: &[usize], lists: &Lists, most: usize) -> Vec<usize> {
        let mut seen: BTreeSet<usize> = starts.iter().copied().collect();
        let mut edge = starts.to_vec();
        for _ in 0..most.min(self.len()) {
            let next = edge.iter().flat_map(|&step| lists.get(step)).map(|&step| step as usize);
            edge = next.filter(|&step| seen.insert(step)).collect();
            if edge.is_empty() {
                break;
            }
        }
        seen.into_iter().collect()
    }

    /// Returns the steps that an atom matches, without those that it adds upstream and downstream.
    fn matched(&self, atom: &Atom) -> Result<Vec<usize>, Problem> {
        let pattern = &atom.pattern;
        let found = match atom.kind {
            TermKind::Name if !pattern.is_glob() => vec![self.find(pattern.text())?],
            TermKind::Name => match self.named(pattern.text()) {
                Some(step) => vec![step],
                None => {
                    self.matching(|spec| pattern.matches(spec.name()) || pattern.matches(&spec.def().id()))
                }
            },
            kind => self.matching(|spec| labels(spec.def(), kind).any(|label| pattern.matches(label))),
        };
        if found.is_empty() { Err(self.selects_nothing(atom)) } else { Ok(found) }
    }

    fn matching(&self, fits: impl Fn(&StepSpec) -> bool) -> Vec<usize> {
        (0..self.len()).filter(|&step| fits(self.step(step))).collect()
    }

    fn selects_nothing(&self, atom: &Atom) -> Problem {
        let wanted = atom.pattern.text();
        let what = match atom.kind {
            TermKind::Name => "has a name like",
            TermKind::Tag => "has the tag",
            TermKind::Group => "has the group",
            TermKind::Lane => "is of the lane",
            TermKind::Package => "is of the package",
        };
        let known: BTreeSet<&str> =
            self.steps.iter().flat_map(|spec| labels(spec.def(), atom.kind)).collect();
        let problem = Problem::new(
            ProblemCode::UnknownTarget,
            format!("`{}` selects nothing: no step {what} `{wanted}`", atom.text),
        );
        if atom.kind != TermKind::Name {
            if self.is_step(wanted) {
                return problem.hint(format!("`{wanted}` is a step: write `{wanted}`"));
            }
            if let Some((kind, term)) = self.label(wanted) {
                return problem.hint(format!("`{wanted}` is a {kind}: write `{term}`"));
            }
        }
        match (closest(wanted, known.iter().copied()), atom.kind) {
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

impl Dag {
    /// Returns the kind of a label that a step has, and the term that selects it.
    pub(super) fn label(&self, wanted: &str) -> Option<(&'static str, String)> {
        let mut labels = self.steps.iter().flat_map(|spec| all_labels(spec.def()));
        let (kind, _) = labels.find(|(_, label)| *label == wanted)?;
        Some((kind, format!("{kind}:{wanted}")))
    }
}

/// Returns the labels of a step, each with its kind as a term has it.
pub(super) fn all_labels(def: &StepDef) -> impl Iterator<Item = (&'static str, &str)> {
    let kinds = [
        ("group", TermKind::Group),
        ("tag", TermKind::Tag),
        ("lane", TermKind::Lane),
        ("package", TermKind::Package),
    ];
    kinds.into_iter().flat_map(|(name, kind)| labels(def, kind).map(move |label| (name, label)))
}

/// Returns the labels of a step of one kind; none for names.
fn labels(def: &StepDef, kind: TermKind) -> impl Iterator<Item = &str> {
    let one = match kind {
        TermKind::Group => def.group.as_deref(),
        TermKind::Lane => Some(def.lane.name()),
        TermKind::Package => Some(def.package.name).filter(|name| !name.is_empty()),
        TermKind::Name | TermKind::Tag => None,
    };
    let tags = if kind == TermKind::Tag { &def.tags[..] } else { &[] };
    one.into_iter().chain(tags.iter().copied())
}
