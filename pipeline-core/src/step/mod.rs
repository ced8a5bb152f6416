//! What is known of a step before anything runs: its definition, as constant data.
//!
//! `#[step]` writes one [`StepDef`] per annotated function; the builder makes one per closure. Nothing here
//! executes anything: the code of a step is an opaque [`Code`].

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
    /// What the step hands downstream: its return type, or the `T` of a `Result<T, E>`.
    type Output: Send + Sync + 'static;

    /// The step's definition; one address per step, which is also its identity.
    fn def() -> &'static StepDef;
}

/// Names a step's definition without evaluating it: what a path edge holds.
pub type DefFn = fn() -> &'static StepDef;

/// The definition of a step: name, place, lane, inputs, output and code.
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
    /// Where the step runs.
    pub lane: Lane,
    /// Labels that can be selected.
    pub tags: Cow<'static, [&'static str]>,
    /// A stage such as `"silver"`: selected and reported, never a barrier.
    pub group: Option<Cow<'static, str>>,
    /// Estimated relative duration (1 where nothing is said): weighs the critical path.
    pub cost: u32,
    /// The parameters of the function, in order.
    pub inputs: Cow<'static, [InputDef]>,
    /// Steps that have to succeed before this one starts, without data.
    pub after: Cow<'static, [DefFn]>,
    /// The cases of a switch, in order: the steps of which one runs, chosen by this step's output. Each reads this step
    /// with [`Mode::Branch`].
    pub cases: Cow<'static, [DefFn]>,
    /// How the step is to be run when things go wrong, or when others run beside it.
    pub policy: Policy,
    /// The type of the output.
    pub output: TypeDef,
    /// How the output is written as JSON, and read.
    pub codec: Codec,
    /// The code, type-erased.
    pub code: Code,
}

impl StepDef {
    /// The identity of the step, `module::name`.
    pub fn id(&self) -> String {
        if self.module.is_empty() { self.name.to_string() } else { format!("{}::{}", self.module, self.name) }
    }

    /// Whether the step has an input without a producer (`#[input]`) and so can only be used as an instance
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
