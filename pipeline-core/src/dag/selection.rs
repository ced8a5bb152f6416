//! Selections as data: which steps somebody asked for, in words.

use super::pattern::Pattern;
use crate::problem::{Problem, ProblemCode, Problems};

/// Which steps of a graph are wanted: the union of some terms, without the union of others.
///
/// | term | selects |
/// |---|---|
/// | `revenue`, `ingest::orders` | the step of that name, as [`Dag::find`](super::Dag::find) reads it |
/// | `shard_*`, `ingest::*` | every step whose name in the graph or full identity matches the glob |
/// | `tag:nightly`, `group:silver` | every step with that tag, of that group; globs too |
/// | `+term` | what the term selects, and everything it needs |
/// | `term+` | what the term selects, and everything that needs it |
///
/// A term that is the name of a step in full means that step, whatever characters are in it.
///
/// # Examples
///
/// ```
/// # extern crate pipeline_core as pipeline;
/// use pipeline::Selection;
///
/// let selection = Selection::parse(&["+revenue", "tag:nightly"])?.exclude(&["group:bronze"])?;
/// # Ok::<(), pipeline::Problems>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Nothing here selects every step.
    pub(super) included: Vec<Term>,
    pub(super) excluded: Vec<Term>,
}

/// One term of a selection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Term {
    /// The term as written.
    pub(super) text: String,
    pub(super) kind: TermKind,
    pub(super) pattern: Pattern,
    /// `+term`.
    pub(super) with_upstream: bool,
    /// `term+`.
    pub(super) with_downstream: bool,
}

/// What the pattern of a term is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TermKind {
    Name,
    Tag,
    Group,
}

impl Selection {
    /// Selects every step.
    pub fn all() -> Self {
        Selection::default()
    }

    /// Reads the terms of a selection; no term selects every step.
    ///
    /// # Errors
    /// [`ProblemCode::InvalidSelection`] for each term that cannot be read.
    pub fn parse(terms: &[impl AsRef<str>]) -> Result<Self, Problems> {
        Ok(Selection { included: parse_terms(terms)?, excluded: Vec::new() })
    }

    /// Leaves out what these terms select.
    ///
    /// # Errors
    /// [`ProblemCode::InvalidSelection`] for each term that cannot be read.
    pub fn exclude(mut self, terms: &[impl AsRef<str>]) -> Result<Self, Problems> {
        self.excluded.extend(parse_terms(terms)?);
        Ok(self)
    }
}

fn parse_terms(terms: &[impl AsRef<str>]) -> Result<Vec<Term>, Problems> {
    let mut problems = Vec::new();
    let mut parsed = Vec::with_capacity(terms.len());
    for term in terms {
        match Term::parse(term.as_ref()) {
            Ok(term) => parsed.push(term),
            Err(problem) => problems.push(problem),
        }
    }
    Problems::check(problems).map(|()| parsed)
}

impl Term {
    fn parse(text: &str) -> Result<Self, Problem> {
        let unreadable = |why: &str| {
            Problem::new(ProblemCode::InvalidSelection, format!("cannot read the selection `{text}`: {why}")).hint(
                "a term is a step's name, a pattern such as `shard_*`, `tag:x` or `group:x`; `+term` adds what it needs, \
                 `term+` what needs it",
            )
        };
        let (with_upstream, rest) = text.strip_prefix('+').map_or((false, text), |rest| (true, rest));
        let (with_downstream, rest) = rest.strip_suffix('+').map_or((false, rest), |rest| (true, rest));
        let (kind, rest) = match (rest.strip_prefix("tag:"), rest.strip_prefix("group:")) {
            (Some(tag), _) => (TermKind::Tag, tag),
            (_, Some(group)) => (TermKind::Group, group),
            _ => (TermKind::Name, rest),
        };
        if rest.trim().is_empty() {
            return Err(unreadable("it names nothing"));
        }
        let pattern = Pattern::parse(rest).map_err(|why| unreadable(&why))?;
        Ok(Term { text: text.to_owned(), kind, pattern, with_upstream, with_downstream })
    }
}
