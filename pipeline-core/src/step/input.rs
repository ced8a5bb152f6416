//! What a parameter asks for: an upstream's output, a run parameter, a resource, or the context.

use std::borrow::Cow;

use super::DefFn;
use crate::location::Location;
use crate::params::ParamDef;
use crate::value::TypeDef;

/// One parameter of a step.
#[derive(Clone, Debug)]
pub struct InputDef {
    /// The name of the parameter, without `r#`.
    pub name: Cow<'static, str>,
    /// What it asks for.
    pub kind: InputKind,
    /// Where the parameter is written.
    pub location: Location,
}

/// What a parameter asks for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum InputKind {
    /// The output of one or more upstream steps.
    Upstream {
        /// Which steps.
        source: Source,
        /// Whether the value is read, taken, or asked for as an outcome.
        mode: Mode,
        /// How many of them have to succeed.
        quorum: Quorum,
        /// The output type that each of them must have.
        ty: TypeDef,
    },
    /// A run parameter.
    Param(ParamDef),
    /// A value injected for the run, found by type and, where given, name.
    Resource {
        /// The name, where several of one type exist.
        name: Option<Cow<'static, str>>,
        /// The type of the value.
        ty: TypeDef,
    },
    /// The step's context.
    Context,
}

/// Which upstream steps feed an input.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Source {
    /// One step, named by a path: checked by rustc.
    Path(DefFn),
    /// Fan-in from steps named by paths, in the order written.
    Paths(Cow<'static, [DefFn]>),
    /// One step, found by name at start-up.
    Name(Cow<'static, str>),
    /// Fan-in from every step whose name matches a pattern (`*`, `?`), in name order.
    Glob(Cow<'static, str>),
    /// Fan-in from every step with a tag, in name order.
    Tag(Cow<'static, str>),
    /// Nothing by default: the step is a template, bound where it is instantiated.
    Unbound,
    /// Like `Unbound`, for a fan-in of any width.
    UnboundMany,
}

impl Source {
    /// Whether the input collects several upstream steps (and so reads a `Many` binding).
    pub const fn is_many(&self) -> bool {
        matches!(self, Source::Paths(_) | Source::Glob(_) | Source::Tag(_) | Source::UnboundMany)
    }
}

/// How an input uses the output it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// `&T`: the step is skipped unless the upstream succeeded.
    Borrow,
    /// `T`: runs after every reader and moves the value out.
    Take,
    /// `Option<&T>`: `None` where the upstream did not succeed.
    Option,
    /// `Result<&T, &StepError>`: the outcome itself.
    Result,
    /// No parameter: the upstream's output says whether the step runs, being one case of its switch.
    Branch,
}

impl Mode {
    /// Whether the step is skipped where the upstream did not succeed.
    pub const fn is_required(self) -> bool {
        matches!(self, Mode::Borrow | Mode::Take | Mode::Branch)
    }

    /// The name in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Borrow => "borrow",
            Mode::Take => "take",
            Mode::Option => "option",
            Mode::Result => "result",
            Mode::Branch => "branch",
        }
    }
}

/// How many of the upstream steps of an input have to succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quorum {
    /// As the mode says: every one that is read as a value; none that is read as an outcome.
    All,
    /// At least so many. A fan-in of values gets those that succeeded, in its order.
    AtLeast {
        /// How many.
        count: u32,
        /// Whether the step starts as soon as so many have succeeded, and the rest are cancelled; otherwise it waits for
        /// all to end.
        cancel: bool,
    },
    /// One value: the first to succeed in time; the rest are cancelled.
    First,
    /// One value: that of the first in the order written which succeeded, when all have ended.
    Priority,
}

impl Quorum {
    /// Whether the step may start before all of them have ended.
    pub const fn is_early(self) -> bool {
        matches!(self, Quorum::First | Quorum::AtLeast { cancel: true, count: 1.. })
    }

    /// How many have to succeed for the step to run; `None` where every one that the mode requires.
    pub const fn count(self, mode: Mode) -> Option<u32> {
        match self {
            Quorum::All => None,
            Quorum::AtLeast { count, .. } => Some(count),
            Quorum::First | Quorum::Priority if mode.is_required() => Some(1),
            Quorum::First | Quorum::Priority => Some(0),
        }
    }
}

impl InputDef {
    /// Whether the input takes its upstream's output by value.
    pub const fn takes(&self) -> bool {
        matches!(self.kind, InputKind::Upstream { mode: Mode::Take, .. })
    }

    /// Whether the input has no producer until the step is instantiated.
    pub const fn is_unbound(&self) -> bool {
        matches!(&self.kind, InputKind::Upstream { source: Source::Unbound | Source::UnboundMany, .. })
    }
}
