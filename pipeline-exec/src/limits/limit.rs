//! One limit: its capacity, and what a step may lack of it.

use std::sync::Arc;

use super::breaker::Circuit;
use super::rate::Bucket;
use super::{LimitSettings, Time};

/// One limit.
pub(super) struct Limit {
    pub(super) name: Arc<str>,
    /// As configured; the capacity may have been changed since.
    pub(super) settings: LimitSettings,
    pub(super) capacity: u64,
    in_use: u64,
    peak: u64,
    pub(super) bucket: Option<Bucket>,
    pub(super) circuit: Option<Circuit>,
    /// The queues with waiters that need it.
    pub(super) queues: Vec<u32>,
    /// The last round of admission, for which the next two fields hold.
    pub(super) round: u64,
    /// Whether an earlier waiter lacks it.
    pub(super) is_reserved: bool,
    /// The amount kept for earlier waiters that lack something else.
    set_aside: u64,
}

/// What a step lacks of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    Nothing,
    /// An amount that others hold.
    Share,
    /// Time: the rate allows the step from then on.
    Time(Time),
}

impl Limit {
    /// Makes a limit with the default settings.
    pub(super) fn new(name: &str) -> Self {
        let settings = LimitSettings::default();
        Limit {
            name: name.into(),
            capacity: settings.capacity,
            settings,
            in_use: 0,
            peak: 0,
            bucket: None,
            circuit: None,
            queues: Vec::new(),
            round: 0,
            is_reserved: false,
            set_aside: 0,
        }
    }

    pub(super) fn configure(&mut self, settings: LimitSettings) {
        self.capacity = settings.capacity;
        self.bucket = settings.rate.as_ref().and_then(Bucket::new);
        let replaced = self.circuit.take();
        self.circuit = settings.breaker.clone().map(|breaker| Circuit::new(breaker, replaced.as_ref()));
        self.settings = settings;
    }

    /// Forgets the reservations of earlier rounds.
    pub(super) fn start_round(&mut self, round: u64) {
        self.round = round;
        self.is_reserved = false;
        self.set_aside = 0;
    }

    /// Returns an amount, or the whole capacity if that is less.
    pub(super) fn share(&self, amount: u64) -> u64 {
        amount.min(self.capacity)
    }

    /// Returns what a step that needs this amount lacks.
    pub(super) fn lack(&self, amount: u64, now: Time) -> Lack {
        let taken = self.in_use.saturating_add(self.set_aside).saturating_add(self.share(amount));
        // A capacity of 0 is a pause: no step gets "the whole capacity".
        if amount > 0 && (self.capacity == 0 || taken > self.capacity) {
            return Lack::Share;
        }
        match self.bucket.as_ref().map(|bucket| bucket.check(now)) {
            Some(Err(from)) => Lack::Time(from),
            Some(Ok(())) | None => Lack::Nothing,
        }
    }

    /// Reserves the limit for a waiter that lacks it, or sets an amount aside for a waiter that lacks something else.
    pub(super) fn reserve(&mut self, amount: u64, is_lacking: bool) {
        self.is_reserved |= is_lacking;
        self.set_aside = self.set_aside.saturating_add(self.share(amount));
    }

    /// Takes an amount, of which nothing is lacking. Returns the amount taken.
    pub(super) fn take(&mut self, amount: u64, now: Time) -> u64 {
        let taken = self.share(amount);
        self.in_use = self.in_use.saturating_add(taken);
        debug_assert!(self.in_use <= self.capacity, "`{}` grants more than its capacity", self.name);
        self.peak = self.peak.max(self.in_use);
        if let Some(bucket) = &mut self.bucket {
            let token = bucket.take(now);
            debug_assert!(token.is_ok(), "the bucket had a token, under the same lock");
        }
        taken
    }

    pub(super) fn give_back(&mut self, amount: u64) {
        debug_assert!(amount <= self.in_use, "`{}` gets back more than it granted", self.name);
        self.in_use = self.in_use.saturating_sub(amount);
    }

    pub(super) fn in_use(&self) -> u64 {
        self.in_use
    }

    pub(super) fn peak(&self) -> u64 {
        self.peak
    }
}
