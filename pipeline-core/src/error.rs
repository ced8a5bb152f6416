//! Errors of steps, as values.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use crate::contain::{self, Contained};
use crate::location::Location;

/// The error of a step that did not succeed. A downstream step reads it as `Result<&T, &StepError>`; the report shows it.
pub struct StepError {
    step: Cow<'static, str>,
    location: Option<Location>,
    kind: FailureKind,
    attempt: u32,
    message: String,
    may_retry: bool,
    source: Option<Contained<UserError>>,
}

/// An error that a step returned.
pub(crate) type UserError = Box<dyn Error + Send + Sync>;

/// The stable kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The function returned `Err`.
    Error,
    /// The function panicked.
    Panic,
    /// The function succeeded, but dropping its output panicked.
    DropPanic,
    /// The step was cancelled: the run was stopped, or its future dropped.
    Cancelled,
    /// An attempt took longer than its timeout, or the step longer than its own or the run's deadline.
    TimedOut,
    /// The step was cancelled because its readers have what they need.
    Unused,
    /// The step was skipped because its own condition does not hold, or because its switch chose another branch.
    NotMet,
    /// The step was not tried because the circuit breaker of one of its limits is open.
    CircuitOpen,
}

impl FailureKind {
    /// All kinds, in the order of their codes.
    pub const ALL: [FailureKind; 8] = [
        FailureKind::Error,
        FailureKind::Panic,
        FailureKind::DropPanic,
        FailureKind::TimedOut,
        FailureKind::CircuitOpen,
        FailureKind::Cancelled,
        FailureKind::Unused,
        FailureKind::NotMet,
    ];

    /// Returns the stable code, `PL01…`; [`ProblemCode::name`](crate::ProblemCode::name) returns those of problems at
    /// start-up. A code never changes its meaning.
    pub const fn code(self) -> &'static str {
        match self {
            FailureKind::Error => "PL0101",
            FailureKind::Panic => "PL0102",
            FailureKind::DropPanic => "PL0103",
            FailureKind::TimedOut => "PL0104",
            FailureKind::CircuitOpen => "PL0105",
            FailureKind::Cancelled => "PL0106",
            FailureKind::Unused => "PL0107",
            FailureKind::NotMet => "PL0108",
        }
    }

    /// Returns the kind as written in reports.
    pub const fn name(self) -> &'static str {
        match self {
            FailureKind::Error => "error",
            FailureKind::Panic => "panic",
            FailureKind::DropPanic => "drop-panic",
            FailureKind::Cancelled => "cancelled",
            FailureKind::TimedOut => "timed-out",
            FailureKind::Unused => "unused",
            FailureKind::NotMet => "not-met",
            FailureKind::CircuitOpen => "circuit-open",
        }
    }
}

/// The error of an upstream that never started because the run was stopped.
pub(crate) static STOPPED: StepError = StepError {
    step: Cow::Borrowed(""),
    location: None,
    kind: FailureKind::Cancelled,
    attempt: 0,
    message: String::new(),
    may_retry: false,
    source: None,
};

impl StepError {
    pub(crate) fn from_error(
        step: Cow<'static, str>,
        location: Location,
        source: Contained<UserError>,
        ty: &str,
        may_retry: Result<bool, String>,
    ) -> Self {
        // The name of a trait object says nothing of the type behind it.
        let message = contain::display_of(source.get(), Some(ty).filter(|ty| !ty.contains("dyn ")));
        let mut error = StepError {
            step,
            location: Some(location),
            kind: FailureKind::Error,
            attempt: 1,
            message,
            may_retry: may_retry != Ok(false),
            source: Some(source),
        };
        if let Err(note) = may_retry {
            error.kind = FailureKind::Panic;
            error.add_note(&note);
        }
        error
    }

    pub(crate) fn from_panic(
        step: Cow<'static, str>,
        location: Location,
        kind: FailureKind,
        message: String,
    ) -> Self {
        StepError { step, location: Some(location), kind, attempt: 1, message, may_retry: true, source: None }
    }

    pub(crate) fn given_up(
        step: Cow<'static, str>,
        location: Location,
        kind: FailureKind,
        attempt: u32,
        message: String,
    ) -> Self {
        StepError { step, location: Some(location), kind, attempt, message, may_retry: true, source: None }
    }

    /// Sets the attempt.
    pub(crate) fn of_attempt(mut self, attempt: u32) -> Self {
        self.attempt = attempt;
        self
    }

    /// Adds what went wrong beside the failure.
    pub(crate) fn add_note(&mut self, note: &str) {
        self.message.push_str("; ");
        self.message.push_str(note);
    }

    /// Reports whether the step's filter allows another attempt.
    pub const fn may_retry(&self) -> bool {
        self.may_retry
    }

    /// Reports whether the step failed only after its readers had its output.
    pub(crate) fn is_late(&self) -> bool {
        self.kind == FailureKind::DropPanic
    }

    /// Returns the name of the step that failed; empty if the run was stopped before any did.
    pub fn step(&self) -> &str {
        &self.step
    }

    /// Returns where that step is written.
    pub const fn location(&self) -> Option<Location> {
        self.location
    }

    /// Returns the kind of failure.
    pub const fn kind(&self) -> FailureKind {
        self.kind
    }

    /// Returns the attempt that failed, from 1; 0 if the step was not tried.
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns the error's own text, or the panic's message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the user's error, for `downcast_ref`.
    pub fn user_error(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.source.as_ref().map(|error| &**error.get())
    }

    /// Returns the texts of the error's causes, outermost first. If a cause's `Display` or `source` panics, its text says so.
    /// Of more than 32 causes, the others are left out, and the last text says so: an error may be its own cause.
    pub fn causes(&self) -> Vec<String> {
        self.user_error().map_or_else(Vec::new, |error| contain::causes(error))
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.step.is_empty() {
            return f.write_str("the run was stopped before this step could start");
        }
        match self.kind {
            FailureKind::Error => write!(f, "step `{}` failed: {}", self.step, self.message)?,
            FailureKind::Panic => write!(f, "step `{}` panicked: {}", self.step, self.message)?,
            FailureKind::DropPanic => {
                write!(f, "dropping the output of step `{}` panicked: {}", self.step, self.message)?;
            }
            FailureKind::Cancelled | FailureKind::Unused => {
                write!(f, "step `{}` was cancelled: {}", self.step, self.message)?;
            }
            FailureKind::TimedOut => write!(f, "step `{}` timed out: {}", self.step, self.message)?,
            FailureKind::NotMet => write!(f, "step `{}` was skipped: {}", self.step, self.message)?,
            FailureKind::CircuitOpen => write!(f, "step `{}` was not tried: {}", self.step, self.message)?,
        }
        match self.location {
            Some(location) => write!(f, " ({location})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepError")
            .field("step", &self.step)
            .field("kind", &self.kind)
            .field("attempt", &self.attempt)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

impl Error for StepError {
    /// Returns the cause of the step's error; that error's own text is part of this one. `None` also if its `source` panics.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let error = self.user_error()?;
        contain::guard(|| error.source()).ok().flatten()
    }
}
