//! The forms of `fallback = …`: a value of the output's type, or a function that returns one.

use crate::error::StepError;

/// A value that a path given as a fallback may name. `Form` distinguishes the three kinds, and is inferred.
#[diagnostic::on_unimplemented(
    message = "this is not a fallback for an output of type `{Output}`",
    label = "gives no `{Output}`",
    note = "a fallback is a value of type `{Output}`, or a function or closure `Fn(&StepError) -> {Output}` or `Fn() -> {Output}`"
)]
pub trait Fallback<Output, Form> {
    /// Returns the output of the fallback.
    fn output(self, error: &StepError) -> Output;
}

/// The fallback is the output itself.
#[derive(Debug)]
pub struct IsValue;

/// The fallback is a function without parameters.
#[derive(Debug)]
pub struct MakesValue;

/// The fallback is a function of the error.
#[derive(Debug)]
pub struct OfError;

#[diagnostic::do_not_recommend]
impl<Output> Fallback<Output, IsValue> for Output {
    fn output(self, _: &StepError) -> Output {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<Output, F: FnOnce() -> Output> Fallback<Output, MakesValue> for F {
    fn output(self, _: &StepError) -> Output {
        self()
    }
}

#[diagnostic::do_not_recommend]
impl<Output, F: FnOnce(&StepError) -> Output> Fallback<Output, OfError> for F {
    fn output(self, error: &StepError) -> Output {
        self(error)
    }
}

/// Returns the output of a fallback given as a path.
pub fn fallback_of<Output, Form, F: Fallback<Output, Form>>(fallback: F, error: &StepError) -> Output {
    fallback.output(error)
}

/// Returns the output of a closure. The bound gives rustc the types of the closure.
pub fn fallback_value<Output, F: FnOnce() -> Output>(fallback: F) -> Output {
    fallback()
}

/// Returns the output that a closure makes of the error.
pub fn fallback_of_error<Output, F: FnOnce(&StepError) -> Output>(fallback: F, error: &StepError) -> Output {
    fallback(error)
}
