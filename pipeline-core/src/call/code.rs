//! The code of a step, type-erased so that a frame can call it.

use std::fmt;
use std::sync::Arc;

use super::{Call, Started};
use crate::error::StepError;

/// The code of a step, type-erased: static for functions, shared for closures.
#[derive(Clone)]
pub enum Code {
    /// The code of an annotated function.
    Static(&'static dyn Callable),
    /// A closure with its captures.
    Shared(Arc<dyn Callable>),
}

impl Code {
    /// Returns the callable behind either form.
    #[inline]
    pub fn callable(&self) -> &dyn Callable {
        match self {
            Code::Static(code) => *code,
            Code::Shared(code) => &**code,
        }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code")
    }
}

/// Code that a frame can call. Step functions implement [`SyncStep`](crate::step::SyncStep) or
/// [`AsyncStep`](crate::step::AsyncStep) instead.
pub trait Callable: Send + Sync + 'static {
    /// Runs the step until it ends or waits. On success its output is in its slot.
    fn start<'a>(&'a self, call: Call<'a>) -> Started<'a>;

    /// Puts the fallback of a failed step into its slot; returns `false` if it has none.
    fn fall_back(&self, call: Call<'_>, error: &StepError) -> bool {
        let _ = (call, error);
        false
    }

    /// Returns the case that the output of a switch chooses, by position in its list of cases.
    fn case(&self, call: Call<'_>) -> Option<u32> {
        let _ = call;
        None
    }

    /// Returns the step's own part of its key in a store, before it runs. Takes no input.
    fn key(&self, call: Call<'_>) -> Option<String> {
        let _ = call;
        None
    }
}
