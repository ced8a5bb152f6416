//! Reasons why a call ended without an output.

use std::error::Error;

use crate::contain::{self, Contained};
use crate::error::UserError;

/// Reason why a call ended without an output. Boxed, so that every step returns its result in a register.
#[derive(Debug)]
pub struct Failure(pub(crate) Box<Why>);

/// The content of a [`Failure`].
#[derive(Debug)]
pub(crate) enum Why {
    /// The function returned `Err`, and the step's filter answered whether another attempt is worth it, or panicked.
    /// `ty` is the name of the error's type.
    Error { source: Contained<UserError>, ty: &'static str, may_retry: Result<bool, String> },
    /// The step's condition panicked: the function was not called.
    Panicked(String),
    /// The step's condition does not hold: the function was not called.
    NotMet,
}

impl Failure {
    /// Makes a failure of the user's error.
    pub fn from_error<E: Into<Box<dyn Error + Send + Sync>>>(error: E) -> Self {
        let (source, ty) = (Contained::new(error.into()), std::any::type_name::<E>());
        Failure(Box::new(Why::Error { source, ty, may_retry: Ok(true) }))
    }

    /// Sets the answer of [`is_worth_it`]: whether the step's filter allows another attempt.
    #[must_use]
    pub fn retry_if(mut self, worth_it: Result<bool, String>) -> Self {
        if let Why::Error { may_retry, .. } = &mut *self.0 {
            *may_retry = worth_it;
        }
        self
    }
}

/// Asks a step's filter whether an error is worth another attempt.
///
/// # Errors
/// Returns a note for the step's error if the filter panics.
pub fn is_worth_it<E>(filter: impl FnOnce(&E) -> bool, error: &E) -> Result<bool, String> {
    contain::guard(|| filter(error)).map_err(|panic| format!("its `retry_if` panicked: {panic}"))
}

/// Evaluates a step's condition.
///
/// # Errors
/// Returns the failure of the step if the condition does not hold, or panics.
pub fn condition(holds: impl FnOnce() -> bool) -> Result<(), Failure> {
    match contain::guard(holds) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure(Box::new(Why::NotMet))),
        Err(panic) => Err(Failure(Box::new(Why::Panicked(format!("its condition panicked: {panic}"))))),
    }
}

/// The return type of a step that can fail.
#[diagnostic::on_unimplemented(
    message = "a fallible step returns `Result<T, E>`, not `{Self}`",
    note = "remove `fallible` from `#[step(…)]`, or return a `Result`"
)]
pub trait Fallible {
    /// The `T` of the `Result<T, E>`.
    type Output;
    /// The `E` of the `Result<T, E>`.
    type Error;
}

impl<T, E> Fallible for Result<T, E> {
    type Output = T;
    type Error = E;
}
