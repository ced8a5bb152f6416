//! Those who wait, in order.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::Turn;
use super::need::Needed;

/// Called once, when a turn has come.
pub(super) type Waiter = Box<dyn FnOnce(Turn) + Send>;

/// The order of waiters: the most urgent first, then in the order of arrival.
pub(super) type Key = (Reverse<u64>, u64);

/// Waiters that need the same names, in whatever amounts. Where one of these names is reserved, none of them can go on:
/// so they need not be looked at, however many there are.
#[derive(Default)]
pub(super) struct Class {
    /// The limits, ascending.
    pub(super) limits: Arc<[u32]>,
    pub(super) waiting: BTreeMap<Key, Waiting>,
    /// The last round in which it was found.
    pub(super) round: u64,
}

/// One who waits.
pub(super) struct Waiting {
    pub(super) needed: Arc<Needed>,
    pub(super) owner: u64,
    pub(super) who: Who,
}

/// Whom to tell when a turn has come.
pub(super) enum Who {
    /// The caller of this very request, who holds the lock and finds the answer in [`Book::answer`].
    ///
    /// [`Book::answer`]: super::book::Book::answer
    Asking,
    /// This one.
    Parked(Waiter),
    /// Nobody: it was told when to come back, and keeps its place.
    Away,
}
