//! Named limits: what steps have to share, and in which order they get it.
//!
//! A step says what it needs ([`Need`]); it is *admitted* when all of it can be had, and holds a [`Permit`] while it
//! runs. One lock is held while all names of a need are looked at together, and nothing is taken until everything can be
//! taken: nobody holds one thing while waiting for another, so there is no deadlock.
//!
//! **Order.** Waiters are looked at by urgency, then by arrival. One that lacks something reserves the names that it
//! lacks, and sets its amounts of the others aside, so a large need is not starved by small ones. One that needs a
//! reserved name stands behind, and reserves nothing; one that needs other names passes.
//!
//! **Time** is what the callers say it is: a [`Duration`] since an origin that all users of one [`Limits`] share. It
//! never goes back. Nothing here sleeps: whoever lacks only time is told when to ask again, and keeps its [`Place`].
//!
//! **Calls.** A waiter is called outside of the lock, by the thread that made its turn come. One that gives its permit
//! back at once makes no recursion: calls made by a call wait until it is over ([`deliver`]).

mod book;
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
#[cfg(test)]
mod tests;
mod verdict;
mod waiting;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pipeline_core::{Problem, ProblemCode};

use self::book::{Book, Call};
pub(crate) use self::need::{Clamped, Need, Request};
pub(crate) use self::permit::{Permit, Place, Refusal, Turn};
pub use self::settings::{Breaker, LimitSettings, RateLimit};
pub use self::snapshot::{BreakerState, LimitReport};

/// The limits that the memory and the cores which steps declare count against.
pub(crate) const MEMORY: &str = "memory";
pub(crate) const CORES: &str = "cores";

/// Named limits, shared by all clones: give one value to several pipelines to limit them together.
///
/// A name that was never configured is a mutex: its capacity is 1. Names are kept as long as the value lives.
#[derive(Clone, Default)]
pub struct Limits(Arc<Mutex<Book>>);

impl Limits {
    /// No limit configured: every name has a capacity of 1.
    pub fn new() -> Self {
        Limits::default()
    }

    /// Configures the limit of a name. Where it was configured before, its rate and breaker start anew; permits that
    /// are out stay valid and are counted.
    #[must_use]
    pub fn limit(self, name: impl AsRef<str>, settings: LimitSettings) -> Self {
        self.change(|book, calls| {
            let limit = book.intern(name.as_ref());
            book.configure(limit, settings);
            book.admit(&[limit], calls);
        });
        self
    }

    /// Changes how much there is of a name. More admits waiters at once, on this thread; fewer takes effect as permits
    /// come back. 0 admits nobody until it is changed again.
    pub fn set_capacity(&self, name: impl AsRef<str>, capacity: u64) {
        self.change(|book, calls| {
            let limit = book.intern(name.as_ref());
            book.limits[limit as usize].capacity = capacity;
            book.admit(&[limit], calls);
        });
    }

    /// How much there is of a name; 1 of one that was never configured.
    pub(crate) fn capacity(&self, name: &str) -> u64 {
        self.change(|book, _| {
            let limit = book.intern(name);
            book.limits[limit as usize].capacity
        })
    }

    /// Whether both are one value.
    pub(crate) fn is_same(&self, other: &Limits) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Configures the limit of a name that is not known yet.
    pub(crate) fn limit_by_default(&self, name: &str, settings: LimitSettings) {
        self.change(|book, _| {
            if !book.knows(name) {
                let limit = book.intern(name);
                book.configure(limit, settings);
            }
        });
    }

    /// All names known so far, sorted, with what is in use and who waits.
    pub fn snapshot(&self) -> Vec<LimitReport> {
        self.lock().reports()
    }

    /// What a step needs, prepared for asking often. A name that is given twice counts as the sum.
    pub(crate) fn need<N: AsRef<str>>(&self, amounts: &[(N, u64)], urgency: u64) -> Need {
        Need::new(self, amounts, urgency)
    }

    /// Forgets all waiters and places of a run, without calling them. They are dropped outside of the lock.
    ///
    /// The run must not ask afterwards: a request that comes later is parked like any other.
    pub(crate) fn withdraw(&self, owner: u64) {
        let dropped = self.change(|book, calls| book.withdraw(owner, calls));
        drop(dropped);
    }

    /// What is wrong with the settings, for the list of problems at start-up.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let book = self.lock();
        let wrong = book.limits.iter().flat_map(|limit| {
            let name = &limit.name;
            limit.settings.wrong().map(move |what| {
                let (what, hint) = what;
                Problem::new(ProblemCode::InvalidSetting, format!("limit `{name}`: {what}")).hint(hint)
            })
        });
        wrong.collect()
    }

    /// Changes the book under the lock, then calls whoever's turn has come.
    fn change<T>(&self, change: impl FnOnce(&mut Book, &mut Vec<Call>) -> T) -> T {
        let mut calls = Vec::new();
        let made = change(&mut self.lock(), &mut calls);
        if !calls.is_empty() {
            deliver::deliver(calls.into_iter().map(|(waiter, outcome)| (waiter, outcome.turn(self))));
        }
        made
    }

    /// No foreign code runs under the lock, so a poisoned one is whole all the same.
    fn lock(&self) -> MutexGuard<'_, Book> {
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
