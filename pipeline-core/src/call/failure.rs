//! Why a call ended without an output.

use std::error::Error;

/// Why a call ended without an output. Boxed: a result of one word, rarely an error, is returned in a register from
/// every step.
#[derive(Debug)]
pub struct Failure(pub(crate) Box<Why>);

/// What is behind a [`Failure`].
#[derive(Debug)]
pub(crate) enum Why {
    /// The function returned `Err`.
    Error { source: Box<dyn Error + Send + Sync>, may_retry: bool },
    /// The step's condition does not hold: the function was not called.
    NotMet,
}

impl Failure {
    /// Keeps the user's error as it is.
    pub fn from_error(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Failure(Box::new(Why::Error { source: error.into(), may_retry: true }))
    }

    /// The step's condition does not hold.
    #[must_use]
    pub fn not_met() -> Self {
        Failure(Box::new(Why::NotMet))
    }

    /// The same failure, of which the step's filter says whether another attempt is worth it.
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
