//! Selections of steps, as data.

use super::pattern::Pattern;
use crate::problem::{Problem, ProblemCode, Problems};

/// A selection of steps of a graph: the union of some terms, without the union of others.
///
/// | term | selects |
/// |---|---|
/// | `revenue`, `ingest::orders` | the step of that name, as [`Dag::find`](super::Dag::find) reads it |
/// | `shard_*`, `ingest::*` | every step whose name in the graph or full identity matches the glob |
/// | `tag:nightly`, `group:silver` | every step with that tag, of that group; globs too |
/// | `lane:io`, `package:shop` | every step of that lane, of that package; globs too |
/// | `+term`, `term+` | what the term selects, and everything it needs; everything that needs it |
/// | `1+term`, `term+2` | the same, at most 1 or 2 steps away |
/// | `term,term` | what both select |
///
/// A term that is the full name of a step selects that step, whatever characters it contains.
///
/// # Examples
///
/// ```
/// # use pipeline_core::Selection;
/// let selection = Selection::parse(&["+revenue", "tag:nightly,group:gold"])?.exclude(&["lane:blocking"])?;
/// # Ok::<(), pipeline_core::Problems>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Empty: every step.
    pub(super) included: Vec<Term>,
    pub(super) excluded: Vec<Term>,
    /// Only these and the steps that need them. Empty: no bound.
    pub(super) from: Vec<Term>,
    /// Only these and the steps that they need. Empty: no bound.
    pub(super) until: Vec<Term>,
}

/// One term of a selection: the steps that all of its atoms select.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Term {
    /// The term as written.
    pub(super) text: String,
    pub(super) atoms: Vec<Atom>,
}

/// A name, glob or label, with its reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Atom {
    /// The atom as written.
    pub(super) text: String,
    pub(super) kind: TermKind,
    pub(super) pattern: Pattern,
    /// `+term`.
    pub(super) upstream: Reach,
    /// `term+`.
    pub(super) downstream: Reach,
}

/// The number of edges within which steps are selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Nothing,
    Steps(usize),
    All,
}

/// The property of a step that the pattern of a term is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TermKind {
    Name,
    Tag,
    Group,
    Lane,
    Package,
}

/// The properties other than the name that a pattern can be compared with, and the word before the colon.
const LABELS: [(&str, TermKind); 4] = [
    ("tag:", TermKind::Tag),
    ("group:", TermKind::Group),
    ("lane:", TermKind::Lane),
    ("package:", TermKind::Package),
];

impl Selection {
    /// Returns the selection of every step.
    pub fn all() -> Self {
        Selection::default()
    }

    /// Reads the terms of a selection. Without terms, every step is selected.
    ///
    /// # Errors
    /// [`ProblemCode::InvalidSelection`] for each term that cannot be read.
    pub fn parse(terms: &[impl AsRef<str>]) -> Result<Self, Problems> {
        Ok(Selection { included: parse_terms(terms)?, ..Selection::default() })
    }

    /// Excludes the steps that these terms select.
    ///
    /// # Errors
    /// [`ProblemCode::InvalidSelection`] for each term that cannot be read.
    pub fn exclude(mut self, terms: &[impl AsRef<str>]) -> Result<Self, Problems> {
        self.excluded.extend(parse_terms(terms)?);
        Ok(self)
    }

    /// Excludes all except the steps that these terms select and everything that needs them. Without terms, nothing is
    /// excluded.
    ///
    /// # Errors
    /// [`ProblemCode::InvalidSelection`] for each term that cannot be read.
    pub fn from_steps(mut self, terms: &[impl AsRef<str>]) -> Result<Self, Problems> {
        self.from.extend(parse_terms(terms)?);
        Ok(self)
    }

    /// Excludes all except the steps that these terms select and everything that they need. Without terms, nothing is
    /// excluded.
    ///
    /// # Errors
    /// [`ProblemCode::InvalidSelection`] for each term that cannot be read.
    pub fn until(mut self, terms: &[impl AsRef<str>]) -> Result<Self, Problems> {
        self.until.extend(parse_terms(terms)?);
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
        let atoms = split(text).into_iter().map(Atom::parse).collect::<Result<_, _>>().map_err(|why| {
            Problem::new(ProblemCode::InvalidSelection, format!("cannot read the selection `{text}`: {why}"))
                .hint(
                    "a term is a step's name, a pattern such as `shard_*`, `tag:x`, `group:x`, `lane:x` or `package:x`; \
                     `+term` adds what it needs, `term+` what needs it, `a,b` is what both select",
                )
        })?;
        Ok(Term { text: text.to_owned(), atoms })
    }
}

impl Atom {
    fn parse(text: &str) -> Result<Self, String> {
        let (upstream, rest) = match text.split_once('+') {
            Some(("", rest)) => (Reach::All, rest),
            Some((steps, rest)) => number(steps).map_or((Reach::Nothing, text), |steps| (steps, rest)),
            None => (Reach::Nothing, text),
        };
        let (downstream, rest) = match rest.rsplit_once('+') {
            Some((rest, "")) => (Reach::All, rest),
            Some((before, steps)) => number(steps).map_or((Reach::Nothing, rest), |steps| (steps, before)),
            None => (Reach::Nothing, rest),
        };
        let label = LABELS.iter().find_map(|(word, kind)| Some((*kind, rest.strip_prefix(word)?)));
        let (kind, rest) = label.unwrap_or((TermKind::Name, rest));
        if rest.trim().is_empty() {
            return Err("it names nothing".to_owned());
        }
        let pattern = Pattern::parse(rest)?;
        Ok(Atom { text: text.to_owned(), kind, pattern, upstream, downstream })
    }
}

/// Reads the `2` of `2+term`; a number that is too large is no limit.
fn number(text: &str) -> Option<Reach> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().map_or(Reach::All, Reach::Steps))
}

/// Splits at commas, except those in the braces and brackets of a glob.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut is_escaped) = (Vec::new(), 0, 0_usize, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}
