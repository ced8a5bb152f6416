//! What a step needs, and what it is told when it asks for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::book::Outcome;
use super::{Limits, Turn};

/// What a step needs of which limits: looked up once, asked for as often as the step runs.
#[derive(Clone, Debug)]
pub(crate) struct Need {
    pub(super) limits: Limits,
    pub(super) needed: Arc<Needed>,
    clamped: Vec<Clamped>,
}

/// The needs alone, as indices.
#[derive(Debug)]
pub(super) struct Needed {
    /// By limit, ascending.
    pub(super) shares: Box<[Share]>,
    /// Index of the class of all needs of the same limits.
    pub(super) class: u32,
    pub(super) urgency: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) limit: u32,
    pub(super) amount: u64,
}

/// More was needed than there is: the step gets all of it instead, and so runs alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clamped {
    /// The limit's name.
    pub(crate) name: Arc<str>,
    /// How much was needed.
    pub(crate) amount: u64,
    /// How much there was when the need was made.
    pub(crate) capacity: u64,
}

/// What a step is told when it asks for what it needs.
#[derive(Debug)]
pub(crate) enum Request<W> {
    /// An answer at once; the waiter comes back unused.
    Now(Turn, W),
    /// The waiter is called when the turn has come, or dropped when its run is withdrawn.
    Parked,
}

impl Need {
    pub(super) fn new<N: AsRef<str>>(limits: &Limits, amounts: &[(N, u64)], urgency: u64) -> Self {
        let mut book = limits.lock();
        let mut shares = BTreeMap::<u32, u64>::new();
        for (name, amount) in amounts {
            let sum = shares.entry(book.intern(name.as_ref())).or_default();
            *sum = sum.saturating_add(*amount);
        }
        let shares: Box<[Share]> =
            shares.into_iter().map(|(limit, amount)| Share { limit, amount }).collect();
        let too_much = shares.iter().filter_map(|&Share { limit, amount }| {
            let limit = &book.limits[limit as usize];
            let capacity = limit.capacity;
            (amount > capacity).then(|| Clamped { name: limit.name.clone(), amount, capacity })
        });
        let clamped = too_much.collect();
        let class = book.class(&shares);
        drop(book);
        Need { limits: limits.clone(), needed: Arc::new(Needed { shares, class, urgency }), clamped }
    }

    /// Where more is needed than there is. Should the capacity be raised later, the whole amount is asked for.
    pub(crate) fn clamped(&self) -> &[Clamped] {
        &self.clamped
    }

    /// Forgets all waiters and places of a run, as [`Limits::withdraw`].
    pub(crate) fn withdraw(&self, owner: u64) {
        self.limits.withdraw(owner);
    }

    /// Asks for all that is needed, for a run (`owner`), at some time.
    ///
    /// The waiter may be called by any thread that gives something back, at any time from now on, even before this
    /// returns. It must not panic, and should be short: the thread has work of its own.
    pub(crate) fn request<W>(&self, owner: u64, now: Duration, waiter: W) -> Request<W>
    where
        W: FnOnce(Turn) + Send + 'static,
    {
        let answer = self.limits.change(|book, calls| book.ask(&self.needed, owner, now, waiter, calls));
        Request::new(&self.limits, answer)
    }
}

impl<W> Request<W> {
    pub(super) fn new(limits: &Limits, answer: Option<(Outcome, W)>) -> Self {
        answer.map_or(Request::Parked, |(outcome, waiter)| Request::Now(outcome.turn(limits), waiter))
    }
}
