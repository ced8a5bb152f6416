//! Reasons why a call ended without an output.

use std::error::Error;

/// Reason why a call ended without an output. Boxed, so that every step returns its result in a register.
#[derive(Debug)]
pub struct Failure(pub(crate) Box<Why>);

/// The content of a [`Failure`].
#[derive(Debug)]
pub(crate) enum Why {
    /// The function returned `Err`.
    Error { source: Box<dyn Error + Send + Sync>, may_retry: bool },
    /// The step's condition does not hold: the function was not called.
    NotMet,
}

impl Failure {
    /// Makes a failure of the user's error.
    pub fn from_error(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Failure(Box::new(Why::Error { source: error.into(), may_retry: true }))
    }

    /// Makes the failure of a step whose condition does not hold.
    #[must_use]
    pub fn not_met() -> Self {
        Failure(Box::new(Why::NotMet))
    }

    /// Sets whether the step's filter allows another attempt.
    #[must_use]
    pub fn retry_if(mut self, worth_it: bool) -> Self {
        if let Why::Error { may_retry, .. } = &mut *self.0 {
            *may_retry = worth_it;
        }
        self
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
