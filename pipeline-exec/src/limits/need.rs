//! The needs of a step.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Limits;
use super::permit::{Request, Turn};
use super::queue::{Needs, Share};

/// The needs of a step: looked up once, asked for each time the step runs.
#[derive(Clone, Debug)]
pub(crate) struct Need {
    limits: Limits,
    needs: Arc<Needs>,
    clamped: Vec<Clamped>,
}

/// A need above the capacity: the step gets the whole capacity instead, and so runs alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clamped {
    /// The limit's name.
    pub(crate) name: Arc<str>,
    /// The amount needed.
    pub(crate) amount: u64,
    /// The capacity when the need was made.
    pub(crate) capacity: u64,
}

impl Limits {
    /// Prepares the needs of a step. The amounts of a name that is given twice are added up.
    pub(crate) fn need<N: AsRef<str>>(&self, amounts: &[(N, u64)], urgency: u64) -> Need {
        let mut state = self.lock();
        let mut shares = BTreeMap::<u32, u64>::new();
        for (name, amount) in amounts {
            let sum = shares.entry(state.intern(name.as_ref())).or_default();
            *sum = sum.saturating_add(*amount);
        }
        let shares: Box<[Share]> =
            shares.into_iter().map(|(limit, amount)| Share { limit, amount }).collect();
        let too_much = shares.iter().filter_map(|&Share { limit, amount }| {
            let limit = &state.limits[limit as usize];
            let capacity = limit.capacity;
            (amount > capacity).then(|| Clamped { name: limit.name.clone(), amount, capacity })
        });
        let clamped = too_much.collect();
        let queue = state.queue(&shares);
        Need { limits: self.clone(), needs: Arc::new(Needs { shares, queue, urgency }), clamped }
    }
}

impl Need {
    /// Returns the needs above the capacity. If the capacity is raised later, the step gets the whole amount.
    pub(crate) fn clamped(&self) -> &[Clamped] {
        &self.clamped
    }

    /// Forgets all waiters and places of a run, as [`Limits::withdraw`].
    pub(crate) fn withdraw(&self, owner: u64) {
        self.limits.withdraw(owner);
    }

    /// Asks for all that is needed, on behalf of a run (`owner`).
    ///
    /// The waiter may be called by any thread that gives something back, from now on, even before this returns. It must not
    /// panic, and should be short: the thread has other work.
    pub(crate) fn request<W>(&self, owner: u64, now: Duration, waiter: W) -> Request<W>
    where
        W: FnOnce(Turn) + Send + 'static,
    {
        self.limits.request(waiter, |state, decided| Some(state.ask(&self.needs, owner, now, decided)))
    }
}
