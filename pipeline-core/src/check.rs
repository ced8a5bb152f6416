//! Compile-time checks that an expansion calls on the user's own tokens, so that rustc underlines them.

use serde::de::DeserializeOwned;

use crate::step::Step;
use crate::view::View;

/// Holds where an upstream's output is what a parameter asks for.
#[diagnostic::on_unimplemented(
    message = "the upstream step returns `{Self}`, but this parameter asks for `{Wanted}`",
    label = "the upstream step returns `{Self}`",
    note = "a parameter `&T`, `Option<&T>` or `Result<&T, &StepError>` reads a step that returns `T`; `&[T]` reads `Vec<T>`, `&str` reads `String`, `&Path` reads `PathBuf`"
)]
pub trait Gives<Wanted: ?Sized> {}

impl<T: ?Sized> Gives<T> for T {}

/// The length of the longest path that ends in a step; a cycle makes rustc's evaluation of it circular (E0391).
pub trait Depth: Step {
    /// One more than the deepest upstream.
    const DEPTH: usize;
}

/// The larger of two depths, in const context.
pub const fn deeper(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

/// Checks that the output of `Upstream` can be read as `Wanted`.
pub const fn check_input<Upstream, Wanted>()
where
    Upstream: Step,
    Wanted: View + ?Sized,
    Upstream::Output: Gives<Wanted::Owned>,
{
}

/// Checks that an output can be shared between threads.
pub const fn check_output<T: Send + Sync + 'static>() {}

/// Checks that a run parameter can be read.
pub const fn check_param<T: DeserializeOwned + Send + Sync + 'static>() {}

/// Checks that a resource can be shared between threads.
pub const fn check_resource<T: Send + Sync + 'static>() {}

/// Evaluates the depth of a step.
pub const fn check_acyclic<S: Depth>() -> usize {
    S::DEPTH
}
