//! The waiters for limits, and what is decided about them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::Time;
use super::breaker::Ticket;

/// An amount of one limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) limit: u32,
    pub(super) amount: u64,
}

/// All that a step needs.
#[derive(Debug)]
pub(super) struct Needs {
    /// By limit, ascending.
    pub(super) shares: Box<[Share]>,
    /// Index of the queue for these limits.
    pub(super) queue: u32,
    pub(super) urgency: u64,
}

/// The order of waiters: by urgency, then by arrival.
pub(super) type Key = (Reverse<u64>, u64);

/// The position of a waiter: its queue, and its key there.
pub(super) type Position = (u32, Key);

/// The waiters that need the same limits, in any amounts. If one of these limits is reserved, none of them can be admitted,
/// so they need not be considered, however many there are.
#[derive(Default)]
pub(super) struct Queue {
    /// The limits, ascending.
    pub(super) limits: Arc<[u32]>,
    pub(super) waiters: BTreeMap<Key, Waiter>,
    /// The last round in which it was found.
    pub(super) round: u64,
}

/// A step that waits.
pub(super) struct Waiter {
    pub(super) needs: Arc<Needs>,
    pub(super) owner: u64,
    pub(super) waiting: Waiting,
}

/// How a waiter gets its outcome.
pub(super) enum Waiting {
    /// It is the caller, which finds the outcome in [`Decided::own`].
    Asking,
    /// It is called.
    Parked(Callback),
    /// It has the time to ask again; its position is reserved.
    RateLimited,
}

/// Called once, with the outcome.
pub(super) type Callback = Box<dyn FnOnce(Outcome) + Send>;

/// What was decided under the lock.
#[derive(Default)]
pub(super) struct Decided {
    /// The outcome for the caller.
    pub(super) own: Option<Outcome>,
    /// Those to be called once the lock is released.
    pub(super) calls: Vec<(Callback, Outcome)>,
}

/// A decision about a waiter.
pub(super) enum Outcome {
    Granted(Held),
    /// It keeps its position, and may ask again at that time.
    Wait(Position, Time),
    Refused(Refusal),
}

/// What a permit gives back.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) needs: Arc<Needs>,
    /// The amount of each share; `None` if it is what was needed.
    pub(super) taken: Option<Box<[u64]>>,
    pub(super) tickets: Vec<(u32, Ticket)>,
}

/// An open breaker refuses the step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The limit's name.
    pub(crate) name: Arc<str>,
    /// When the breaker lets a probe through; `None` while a probe is running.
    pub(crate) until: Option<Time>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal { name, until } = self;
        let why = if until.is_some() {
            "steps that need it failed several times in a row; one will be let through as a probe after the cooldown"
        } else {
            "a probe is running, and the breaker waits for its result"
        };
        write!(f, "the breaker of limit `{name}` is open: {why}")
    }
}

impl std::error::Error for Refusal {}
