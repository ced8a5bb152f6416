//! How a step runs if something goes wrong, or if others run beside it: as data.
//!
//! A [`Policy`] has what the step's attribute says. The rest is `None` (or `false`), and follows the defaults of the group and of
//! the run. Nothing here executes anything: the executor reads it, and the frame applies the rules of order and memory.

mod backoff;

use std::borrow::Cow;
use std::time::Duration;

pub use self::backoff::Backoff;
use crate::error::StepError;
use crate::location::Location;
use crate::problem::{Problem, ProblemCode};

/// Declares [`Policy`], one field per row:
///
/// ```text
/// /// What it does.
/// field: Type = default, managed | planned, with(argument of its method)?;
/// ```
///
/// The executor has to look at a `managed` field during a run; a `planned` one is in the plan or in the step's code. `with()` is a
/// method that sets `true`, and a row without it has no method.
macro_rules! policy {
    ($(
        $(#[doc = $doc:literal])+
        $field:ident: $ty:ty = $default:expr, $looked_at:ident $(, with($($argument:ty)?))?;
    )*) => {
        /// How a step runs. [`Policy::NONE`] is that of a step without such options.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        #[allow(clippy::struct_excessive_bools, reason = "each is one option of the attribute")]
        pub struct Policy {
            $($(#[doc = $doc])+ pub $field: $ty,)*
        }

        impl Policy {
            /// The policy of a step without such options.
            pub const NONE: Policy = Policy { $($field: $default,)* };

            /// Whether no field is set that an executor has to look at during a run.
            pub fn is_plain(&self) -> bool {
                true $(&& policy!(@is_plain $looked_at, self.$field))*
            }

            $(policy! { @method $field $(with($($argument)?))?; $($doc)+ })*
        }
    };
    (@is_plain managed, $value:expr) => { $value.is_unset() };
    (@is_plain planned, $value:expr) => { true };
    (@method $field:ident; $($doc:literal)+) => {};
    (@method $field:ident with($($argument:ty)?); $($doc:literal)+) => {
        $(#[doc = $doc])+
        #[must_use]
        pub fn $field(mut self $(, $field: $argument)?) -> Self {
            self.$field = policy!(@value $($field: $argument)?);
            self
        }
    };
    (@value) => { true };
    (@value $field:ident: $argument:ty) => { From::from($field) };
}

policy! {
    /// Maximum number of retries after a failed attempt.
    retries: Option<u32> = None, managed, with(u32);
    /// Wait before each retry.
    backoff: Option<Backoff> = None, managed, with(Backoff);
    /// Time limit of one attempt.
    timeout: Option<Duration> = None, managed, with(Duration);
    /// Time limit of all attempts together, including the waits between them.
    deadline: Option<Duration> = None, managed, with(Duration);
    /// Allows an attempt to start while an earlier one that timed out still runs on its thread.
    idempotent: bool = false, managed, with();
    /// Lets the run succeed if the step fails.
    optional: bool = false, planned, with();
    /// Stops the run if the step fails.
    fail_fast: bool = false, managed, with();
    /// Lets the step's future run to its end: no deadline, stop or unused output drops it.
    no_cancel: bool = false, managed;
    /// Function that is called with the error after the last attempt has failed.
    on_failure: Option<fn(&StepError)> = None, managed, with(fn(&StepError));
    /// Named limits that the step needs while it runs: name and amount.
    limits: Cow<'static, [(Cow<'static, str>, u32)]> = Cow::Borrowed(&[]), managed;
    /// Runs the step beside no other step of the run.
    exclusive: bool = false, managed, with();
    /// Name of a sequence: its steps run one at a time, in plan order.
    sequential: Option<Cow<'static, str>> = None, planned;
    /// Memory that the step needs while it runs, in bytes.
    memory: Option<u64> = None, managed, with(u64);
    /// Cores that the step uses while it runs.
    cores: Option<u32> = None, managed, with(u32);
    /// Priority, 0 by default: ready steps of a higher one start first, however long their path is.
    priority: i32 = 0, planned, with(i32);
    /// Function that is called before the step starts: if it returns `false`, the step runs as an exclusive one.
    parallel_if: Option<fn() -> bool> = None, managed;
    /// Text of the step's condition (`when = …`). The condition itself is part of the step's code.
    when: Option<&'static str> = None, planned;
    /// Declares an effect outside of the process: a run that must not write skips the step.
    writes: bool = false, planned, with();
    /// Stores the output, and uses what is stored instead of running the step.
    cache: Option<CachePolicy> = None, planned, with(CachePolicy);
    /// What the step's code is known by, in place of its source: the same as long as it makes the same of the same.
    version: Option<&'static str> = None, planned, with(&'static str);
    /// Whether the step's code has a further part of its key.
    has_key: bool = false, planned;
    /// Whether the step's code has a fallback for its output.
    has_fallback: bool = false, managed;
}

/// How the output of a step is cached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CachePolicy {
    /// How long a stored output is good; for ever if `None`.
    pub ttl: Option<Duration>,
}

impl CachePolicy {
    /// A stored output is good for ever.
    pub const ALWAYS: CachePolicy = CachePolicy { ttl: None };
}

impl Policy {
    /// The same as [`Policy::NONE`], to begin with.
    #[must_use]
    pub const fn new() -> Self {
        Policy::NONE
    }

    /// Adds a named limit that the step needs while it runs.
    #[must_use]
    pub fn limit(mut self, name: impl Into<Cow<'static, str>>, amount: u32) -> Self {
        self.limits.to_mut().push((name.into(), amount));
        self
    }

    /// Runs the steps of one such name one at a time, in plan order.
    #[must_use]
    pub fn sequential(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.sequential = Some(name.into());
        self
    }

    /// Returns what is wrong with a policy made at run time: a value that the attribute refuses at compile time.
    pub(crate) fn problem(&self, step: &str, location: Location) -> Option<Problem> {
        let (what, hint) = match self.backoff.and_then(|backoff| backoff.problem()) {
            Some(why) => (
                format!("the backoff of step `{step}` cannot be used: {why}"),
                "fix the `Backoff` in the step's policy",
            ),
            None if self.writes && self.cache.is_some() => (
                format!("step `{step}` cannot be cached: it `writes`, so it has to run each time"),
                "remove `cache` or `writes` from the step's policy",
            ),
            None if self.version.is_some_and(str::is_empty) => (
                format!("the version of step `{step}` is empty"),
                "a version is a text such as `\"3\"`; leave it out if the code itself is to count",
            ),
            None if self.cache.is_some_and(|cache| cache.ttl == Some(Duration::ZERO)) => (
                format!("step `{step}` is cached for no time"),
                "give its `CachePolicy` a `ttl` above zero, or remove `cache` from the step's policy",
            ),
            None => return None,
        };
        Some(Problem::new(ProblemCode::InvalidSetting, what).step(step, location).hint(hint))
    }
}

impl Default for Policy {
    fn default() -> Self {
        Policy::NONE
    }
}

/// A field that can be unset.
trait Field {
    fn is_unset(&self) -> bool;
}

impl Field for bool {
    fn is_unset(&self) -> bool {
        !self
    }
}

impl<T> Field for Option<T> {
    fn is_unset(&self) -> bool {
        self.is_none()
    }
}

impl<T: Clone> Field for Cow<'_, [T]> {
    fn is_unset(&self) -> bool {
        self.is_empty()
    }
}
