//! Problems of a graph or of a run's inputs. All are found before any step runs, and reported at once.

use std::error::Error;
use std::fmt;

use crate::location::Location;

/// One problem: its location, and how to fix it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The stable code.
    pub code: ProblemCode,
    /// The problem in one line.
    pub message: String,
    /// The step concerned, by name.
    pub step: Option<String>,
    /// The parameter concerned.
    pub parameter: Option<String>,
    /// Where the step or parameter is written.
    pub location: Option<Location>,
    /// Facts that help: other steps, both types, candidates.
    pub notes: Vec<String>,
    /// How to fix it.
    pub hint: Option<String>,
}

macro_rules! problem_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// The stable code of a problem; a code never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ProblemCode { $($(#[$doc])* $name,)* }

        impl ProblemCode {
            /// All codes, in order.
            pub const ALL: &[ProblemCode] = &[$(ProblemCode::$name,)*];

            /// Returns the code as printed.
            pub const fn name(self) -> &'static str {
                match self { $(ProblemCode::$name => $code,)* }
            }
        }
    };
}

problem_codes! {
    /// An input names a step that does not exist.
    UnknownUpstream = "PL0001",
    /// An upstream's output has another type than the parameter.
    TypeMismatch = "PL0002",
    /// Steps depend on each other in a circle.
    Cycle = "PL0003",
    /// Two steps have one identity or one name.
    DuplicateStep = "PL0004",
    /// Two steps take one output by value.
    SecondTaker = "PL0005",
    /// A name fits several steps.
    AmbiguousName = "PL0006",
    /// An input of a template was not bound.
    UnboundInput = "PL0007",
    /// A target or selection names no step.
    UnknownTarget = "PL0008",
    /// A target's output is taken by a step, so the caller cannot have it.
    TakenTarget = "PL0009",
    /// A required run parameter was not given.
    MissingParam = "PL0010",
    /// A run parameter has a value that does not fit its type.
    InvalidParam = "PL0011",
    /// A run parameter was given that no step declares.
    UnknownParam = "PL0012",
    /// No resource of the type (and name) was given.
    MissingResource = "PL0013",
    /// There is no step to run.
    NoSteps = "PL0014",
    /// An override has another type than the step returns, or making its value panicked.
    OverrideMismatch = "PL0015",
    /// A binding in the builder does not fit the step (no such parameter, an input bound twice).
    InvalidBinding = "PL0016",
    /// A selection expression cannot be read.
    InvalidSelection = "PL0017",
    /// A setting is out of its range.
    InvalidSetting = "PL0018",
    /// A graph document cannot be read, or does not fit the steps of this program.
    InvalidDocument = "PL0019",
    /// A step's switch and its branches do not fit each other.
    InvalidSwitch = "PL0020",
    /// An input asks for more successes than it has upstream steps.
    InvalidQuorum = "PL0021",
    /// A validator of the pipeline refuses its plan, or one of its validators or classifiers panicked.
    Refused = "PL0022",
    /// The environment refused what the run needs before its first step: a file for its record, or listening for signals.
    Environment = "PL0301",
    /// The run was to be the only one of its pipeline, and another one is under way.
    AlreadyRunning = "PL0302",
}

impl fmt::Display for ProblemCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Problem {
    /// Makes a problem that concerns no particular step.
    pub fn new(code: ProblemCode, message: impl Into<String>) -> Self {
        Problem {
            code,
            message: message.into(),
            step: None,
            parameter: None,
            location: None,
            notes: Vec::new(),
            hint: None,
        }
    }

    /// Sets the step.
    #[must_use]
    pub fn step(mut self, name: impl Into<String>, location: Location) -> Self {
        self.step = Some(name.into());
        self.location = Some(location);
        self
    }

    /// Sets the parameter, and its location instead of the step's.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, location: Location) -> Self {
        self.parameter = Some(name.into());
        self.location = Some(location);
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Sets how to fix it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: {}", self.code, self.message)?;
        if let Some(location) = self.location {
            write!(f, "\n    at {location}")?;
            match (&self.step, &self.parameter) {
                (Some(step), Some(parameter)) => write!(f, " (step `{step}`, parameter `{parameter}`)")?,
                (Some(step), None) => write!(f, " (step `{step}`)")?,
                _ => {}
            }
        }
        for note in &self.notes {
            write!(f, "\n    {note}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n    hint: {hint}")?;
        }
        Ok(())
    }
}

impl Error for Problem {}

/// All problems of a graph or of a run's inputs; never empty.
#[derive(Clone, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Returns `Ok` if there are no problems.
    ///
    /// # Errors
    /// Returns the problems, sorted by code and location.
    pub fn check(mut problems: Vec<Problem>) -> Result<(), Problems> {
        if problems.is_empty() {
            return Ok(());
        }
        problems.sort_by(|a, b| (a.code, a.location, &a.message).cmp(&(b.code, b.location, &b.message)));
        problems.dedup();
        Err(Problems(problems))
    }

    /// Returns the problems, to add them to others.
    pub fn into_vec(self) -> Vec<Problem> {
        self.0
    }

    /// Returns the problems, by code and location.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// Returns their number and the consequence, in words.
    pub fn heading(&self) -> String {
        match self.0.len() {
            1 => "the pipeline has a problem; no step was run".to_owned(),
            count => format!("the pipeline has {count} problems; no step was run"),
        }
    }

    /// Reports whether a problem of this code is among them.
    pub fn has(&self, code: ProblemCode) -> bool {
        self.0.iter().any(|problem| problem.code == code)
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Problems(vec![problem])
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.heading())?;
        self.0.iter().try_for_each(|problem| write!(f, "\n{problem}"))
    }
}

/// As `Display`, because `fn main() -> Result<…>` prints it.
impl fmt::Debug for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Problems {}

/// Reports whether a name is probably a misspelling of a known one: one or two letters differ, or none if it is short.
pub fn is_slip(written: &str, known: &str) -> bool {
    strsim::osa_distance(written, known) <= (known.len() / 3).min(2)
}

/// Returns the closest of the known names, for "did you mean". A name that differs only by case is the closest.
pub fn closest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = wanted.to_lowercase();
    let similarity =
        |name: &str| if name.to_lowercase() == folded { 2.0 } else { strsim::jaro_winkler(wanted, name) };
    known
        .into_iter()
        .map(|name| (similarity(name), name))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)))
        .map(|(_, name)| name)
}
