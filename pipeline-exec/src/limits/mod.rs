//! Named limits: quantities that steps share, and the order in which they get them.
//!
//! A step states its needs ([`Need`]). It is *admitted* once it can have all of them, and holds a [`Permit`] while it runs.
//! One lock covers all limits, and nothing is taken until everything can be taken: no step holds one limit while it waits
//! for another, so there is no deadlock.
//!
//! **Order.** Waiters are considered by urgency, then by arrival. A waiter that lacks something reserves the limits that it
//! lacks, and sets its amounts of the others aside: small needs cannot starve a large one. A waiter that needs a reserved
//! limit stays behind and reserves nothing. One that needs other limits passes.
//!
//! **Time** is passed in by the callers: a [`Duration`] since an origin that all users of one [`Limits`] share. It never goes
//! back. Nothing here sleeps: a waiter that lacks only time gets the time to ask again, and keeps its [`Place`].
//!
//! **Calls.** The thread that makes room calls the waiters, after it has released the lock. A waiter that gives its permit
//! back at once causes no recursion: calls made during a call are queued ([`deliver`]).

mod admit;
mod breaker;
mod deliver;
mod limit;
mod need;
mod permit;
mod queue;
#[cfg_attr(not(feature = "rate"), path = "rateless.rs")]
mod rate;
mod settings;
mod snapshot;
mod state;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pipeline_core::{Problem, ProblemCode};

pub(crate) use self::need::{Clamped, Need};
pub(crate) use self::permit::{Permit, Place, Request, Turn};
use self::queue::Decided;
pub(crate) use self::queue::Refusal;
pub use self::settings::{Breaker, LimitSettings, RateLimit};
pub use self::snapshot::{BreakerState, LimitReport};
use self::state::LimitState;

/// The limits for the memory and the cores that steps declare.
pub(crate) const MEMORY: &str = "memory";
pub(crate) const CORES: &str = "cores";

/// Named limits, shared by all clones. Give one value to several pipelines to limit them together.
///
/// A name that was never configured is a mutex: its capacity is 1. Names are kept as long as the value lives.
///
/// ```
/// use std::time::Duration;
///
/// use pipeline_exec::{LimitSettings, Limits, RateLimit};
///
/// let limits = Limits::new()
///     .limit("db", LimitSettings::new(4)) // at most 4 at once
///     .limit("api", LimitSettings::new(10).rate(RateLimit::new(5, Duration::from_secs(1))));
/// limits.set_capacity("db", 2);
/// assert_eq!(limits.snapshot()[1].capacity, 2);
/// ```
#[derive(Clone, Default)]
pub struct Limits(Arc<Mutex<LimitState>>);

impl Limits {
    /// Makes a set of limits without any configured: every name has a capacity of 1.
    pub fn new() -> Self {
        Limits::default()
    }

    /// Configures a limit. If it was configured before, its rate and breaker start anew; permits already granted stay valid
    /// and are counted.
    #[must_use]
    pub fn limit(self, name: impl AsRef<str>, settings: LimitSettings) -> Self {
        self.change(|state, decided| {
            let limit = state.intern(name.as_ref());
            state.configure(limit, settings);
            state.admit(&[limit], decided);
        });
        self
    }

    /// Changes the capacity of a limit. A larger one admits waiters at once, on this thread; a smaller one takes effect as
    /// permits are given back. 0 admits no step until it is changed again.
    pub fn set_capacity(&self, name: impl AsRef<str>, capacity: u64) {
        self.change(|state, decided| {
            let limit = state.intern(name.as_ref());
            state.limits[limit as usize].capacity = capacity;
            state.admit(&[limit], decided);
        });
    }

    /// Returns the capacity of a limit; 1 if it was never configured.
    pub(crate) fn capacity(&self, name: &str) -> u64 {
        let mut state = self.lock();
        let limit = state.intern(name);
        state.limits[limit as usize].capacity
    }

    /// Reports whether both are clones of one value.
    pub(crate) fn is_same(&self, other: &Limits) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Configures a limit, unless its name is known already.
    pub(crate) fn limit_by_default(&self, name: &str, settings: LimitSettings) {
        let mut state = self.lock();
        if !state.knows(name) {
            let limit = state.intern(name);
            state.configure(limit, settings);
        }
    }

    /// Returns the state of each limit known so far, sorted by name.
    pub fn snapshot(&self) -> Vec<LimitReport> {
        self.lock().reports()
    }

    /// Forgets all waiters and places of a run, without calling them. They are dropped after the lock is released.
    ///
    /// The run must not ask afterwards: a later request is parked like any other.
    pub(crate) fn withdraw(&self, owner: u64) {
        let withdrawn = self.change(|state, decided| state.withdraw(owner, decided));
        drop(withdrawn);
    }

    /// Returns what is wrong with the settings, for the list of problems at start-up.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let state = self.lock();
        let wrong = state.limits.iter().flat_map(|limit| {
            let name = &limit.name;
            limit.settings.wrong().map(move |(what, hint)| {
                Problem::new(ProblemCode::InvalidSetting, format!("limit `{name}`: {what}")).hint(hint)
            })
        });
        wrong.collect()
    }

    /// Changes the state under the lock, then calls the waiters about which something was decided.
    fn change<T>(&self, change: impl FnOnce(&mut LimitState, &mut Decided) -> T) -> T {
        let mut decided = Decided::default();
        let made = change(&mut self.lock(), &mut decided);
        if !decided.calls.is_empty() {
            deliver::deliver(decided.calls);
        }
        made
    }

    /// No foreign code runs under the lock, so the state is whole even if the lock is poisoned.
    fn lock(&self) -> MutexGuard<'_, LimitState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.snapshot()).finish()
    }
}

/// A point in time, since the origin that the callers share.
type Time = Duration;
