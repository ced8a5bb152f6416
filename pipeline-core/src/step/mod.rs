//! The definition of a step, as constant data.
//!
//! `#[step]` writes one [`StepDef`] per annotated function; the builder makes one per closure. Nothing
//! here executes: the code of a step is an opaque [`Code`].

mod function;
mod input;

use std::borrow::Cow;
use std::fmt;

pub use self::function::{AsyncStep, SyncStep, case_number};
pub use self::input::{InputDef, InputKind, Mode, Quorum, Source};
use crate::call::Code;
use crate::codec::Codec;
use crate::lane::Lane;
use crate::location::{Location, Package};
use crate::params::Params;
use crate::policy::Policy;
use crate::value::TypeDef;

/// A step known at compile time: the type that `#[step]` emits beside the function, with the same name.
///
/// Use it to name a step in typed code: `Pipeline::to::<revenue>()`, `run.output::<revenue>()`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a step",
    label = "this names something that is not a step",
    note = "a step is a function annotated with `#[step]`; the attribute emits a type of the same name"
)]
pub trait Step: Sized + 'static {
    /// The type that downstream steps read: the return type, or the `T` of a `Result<T, E>`.
    type Output: Send + Sync + 'static;

    /// Returns the step's definition. Its address is the step's identity.
    fn def() -> &'static StepDef;
}

/// A step's definition, named without evaluating it; held by an edge written as a path.
pub type DefFn = fn() -> &'static StepDef;

/// The definition of a step: name, location, lane, inputs, output and code.
pub struct StepDef {
    /// The short name, unique within its module: the function's name without `r#`, or `name = "…"`.
    pub name: Cow<'static, str>,
    /// The module the step is written in (`module_path!()`); empty for closures.
    pub module: Cow<'static, str>,
    /// The package that holds the step.
    pub package: Package,
    /// Where the step is written.
    pub location: Location,
    /// The doc comment, lines joined by `\n`.
    pub doc: Cow<'static, str>,
    /// The lane that the step runs in.
    pub lane: Lane,
    /// Labels for selection.
    pub tags: Cow<'static, [&'static str]>,
    /// A stage such as `"silver"`, for selection and reports; never a barrier.
    pub group: Option<Cow<'static, str>>,
    /// Estimated relative duration, by default 1; the weight in the critical path.
    pub cost: u32,
    /// The parameters of the function, in order.
    pub inputs: Cow<'static, [InputDef]>,
    /// Steps that have to succeed before this one starts, but whose output it does not read.
    pub after: Cow<'static, [DefFn]>,
    /// The cases of a switch, in order: this step's output chooses which of them runs. Each reads this step with
    /// [`Mode::Branch`].
    pub cases: Cow<'static, [DefFn]>,
    /// Retries, deadlines, limits, and everything else about how the step is run.
    pub policy: Policy,
    /// The type of the output.
    pub output: TypeDef,
    /// How the output is written as JSON and read.
    pub codec: Codec,
    /// The hash of the code that the step can reach, found by `pipeline_build::trace()` in the build script of its
    /// package; `!` and a reason if it cannot know the code; `None` without that line.
    pub trace: Option<&'static str>,
    /// The file, made by the same build script, that says what the trace is made of. It may be gone or newer.
    pub trace_details: Option<&'static str>,
    /// The code, type-erased.
    pub code: Code,
}

impl StepDef {
    /// Returns the identity of the step, `module::name`.
    pub fn id(&self) -> String {
        if self.module.is_empty() { self.name.to_string() } else { format!("{}::{}", self.module, self.name) }
    }

    /// Reports whether `name` is the identity of the step, or the part of it after some `::`.
    pub fn answers_to(&self, name: &str) -> bool {
        let Some(path) = name.strip_suffix(&*self.name) else { return false };
        if path.is_empty() {
            return true;
        }
        let rest = path.strip_suffix("::").and_then(|path| self.module.strip_suffix(path));
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with("::"))
    }

    /// Returns the origin of the value given for one of its run parameters, for the step alone or for all, in words.
    pub fn param_origin<'p>(&self, param: &str, given: &'p Params) -> Option<&'p str> {
        let is_own = |name: &str| {
            let step = name.strip_suffix(param).and_then(|step| step.strip_suffix('.'));
            step.is_some_and(|step| self.answers_to(step))
        };
        let own = given.all().filter(|(name, _)| is_own(name));
        let own = own.map(|(_, given)| given).max_by_key(|given| given.rank);
        own.or_else(|| given.get(param)).map(|given| &*given.origin)
    }

    /// Reports whether the step has an input without an upstream step (`#[input]`): it can only be used as an instance
    /// in a builder.
    pub fn is_template(&self) -> bool {
        self.inputs.iter().any(InputDef::is_unbound)
    }
}

impl fmt::Debug for StepDef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepDef")
            .field("id", &self.id())
            .field("lane", &self.lane)
            .field("inputs", &self.inputs)
            .field("output", &self.output)
            .finish_non_exhaustive()
    }
}
