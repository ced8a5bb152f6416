//! The inputs of a step: outputs of upstream steps, run parameters, resources, and the context.

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
    /// What it reads.
    pub kind: InputKind,
    /// Where the parameter is written.
    pub location: Location,
}

/// What a parameter reads.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum InputKind {
    /// The output of one or more upstream steps.
    Upstream {
        /// The steps.
        source: Source,
        /// Whether the value is borrowed, taken, or read as an outcome.
        mode: Mode,
        /// How many of them have to succeed.
        quorum: Quorum,
        /// The output type that each of them must have.
        ty: TypeDef,
    },
    /// A run parameter.
    Param(ParamDef),
    /// A value injected for the run, found by its type and, if given, its name.
    Resource {
        /// The name, if several values of the type exist.
        name: Option<Cow<'static, str>>,
        /// The type of the value.
        ty: TypeDef,
        /// Types that hold such a value, and that are looked for if there is none: `Box<T>` and `Arc<T>`.
        holders: &'static [TypeDef],
    },
    /// The step's context.
    Context,
}

impl InputKind {
    /// Returns the type of a resource as a step reads it: `dyn Store`, although a `Box` or an `Arc` has to hold that; `None` for other
    /// kinds.
    pub fn resource_type(&self) -> Option<&'static str> {
        let InputKind::Resource { ty, .. } = self else { return None };
        Some(self.object().unwrap_or(ty.name()))
    }

    /// Returns the trait object that a resource is read as, which has no value without a holder.
    pub(crate) fn object(&self) -> Option<&'static str> {
        match self {
            InputKind::Resource { ty, holders: [_], .. } => {
                ty.name().strip_prefix("alloc::boxed::Box<")?.strip_suffix('>')
            }
            _ => None,
        }
    }
}

/// The upstream steps that feed an input.
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
    Glob {
        /// The pattern.
        pattern: Cow<'static, str>,
        /// Whether it may match no step; otherwise that is a problem.
        or_none: bool,
    },
    /// Fan-in from every step with a tag, in name order.
    Tag {
        /// The tag.
        tag: Cow<'static, str>,
        /// Whether there may be no such step; otherwise that is a problem.
        or_none: bool,
    },
    /// No step: the step is a template, and bound where it is instantiated.
    Unbound,
    /// Like `Unbound`, for a fan-in of any width.
    UnboundMany,
}

impl Source {
    /// Reports whether the input collects several upstream steps.
    pub const fn is_many(&self) -> bool {
        matches!(self, Source::Paths(_) | Source::Glob { .. } | Source::Tag { .. } | Source::UnboundMany)
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
    /// `Option<&T>`: `None` if the upstream did not succeed.
    Option,
    /// `Result<&T, &StepError>`: the outcome itself.
    Result,
    /// No parameter: the step is a case of the upstream's switch, whose output decides whether the step runs.
    Branch,
}

impl Mode {
    /// Reports whether the step is skipped if the upstream did not succeed.
    pub const fn is_required(self) -> bool {
        matches!(self, Mode::Borrow | Mode::Take | Mode::Branch)
    }

    /// Returns the name in documents.
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

/// The number of upstream steps of an input that have to succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quorum {
    /// All if they are read as values; none if they are read as outcomes.
    All,
    /// At least `count`. A fan-in of values gets those that succeeded, in its order.
    AtLeast {
        /// The number of steps.
        count: u32,
        /// Whether the step starts as soon as `count` have succeeded, and the rest are cancelled. Otherwise it waits
        /// for all to end.
        cancel: bool,
    },
    /// One value: the first to succeed in time; the rest are cancelled.
    First,
    /// One value, when all have ended: that of the first step, in the order written, that succeeded.
    Priority,
}

impl Quorum {
    /// Reports whether the step may start before all of them have ended.
    pub const fn is_early(self) -> bool {
        matches!(self, Quorum::First | Quorum::AtLeast { cancel: true, count: 1.. })
    }

    /// Returns how many have to succeed for the step to run; `None` if the mode decides.
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
    /// Reports whether the input takes its upstream's output by value.
    pub const fn takes(&self) -> bool {
        matches!(self.kind, InputKind::Upstream { mode: Mode::Take, .. })
    }

    /// Reports whether the input has no upstream step until the step is instantiated.
    pub const fn is_unbound(&self) -> bool {
        matches!(&self.kind, InputKind::Upstream { source: Source::Unbound | Source::UnboundMany, .. })
    }
}
