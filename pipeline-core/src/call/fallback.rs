//! What `fallback = …` may be: a value of the step's output, or a function that makes one.

use crate::error::StepError;

/// What a path given as a fallback may name. `Form` tells the three kinds apart, and is inferred.
#[diagnostic::on_unimplemented(
    message = "this is no fallback for an output of type `{Output}`",
    label = "gives no `{Output}`",
    note = "a fallback is a value of type `{Output}`, or a function or closure `Fn(&StepError) -> {Output}` or `Fn() -> {Output}`"
)]
pub trait Fallback<Output, Form> {
    /// The output to go on with.
    fn output(self, error: &StepError) -> Output;
}

/// The fallback is the output itself.
#[derive(Debug)]
pub struct IsValue;

/// The fallback is a function of nothing.
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

/// The output that a path given as a fallback stands for.
pub fn fallback_of<Output, Form, F: Fallback<Output, Form>>(fallback: F, error: &StepError) -> Output {
    fallback.output(error)
}

/// The output that a closure makes. The bound tells rustc the types of the closure.
pub fn fallback_value<Output, F: FnOnce() -> Output>(fallback: F) -> Output {
    fallback()
}

/// The output that a closure makes of the error.
pub fn fallback_of_error<Output, F: FnOnce(&StepError) -> Output>(fallback: F, error: &StepError) -> Output {
    fallback(error)
}
