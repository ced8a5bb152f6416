//! One limit: what there is of it, and what a step may lack.

use std::sync::Arc;

use super::breaker::Circuit;
use super::rate::Bucket;
use super::{LimitSettings, Time};

/// One limit.
pub(super) struct Limit {
    pub(super) name: Arc<str>,
    /// As configured; `capacity` below may have been changed since.
    pub(super) settings: LimitSettings,
    pub(super) capacity: u64,
    in_use: u64,
    peak: u64,
    pub(super) bucket: Option<Bucket>,
    pub(super) circuit: Option<Circuit>,
    /// The classes that need it and in which somebody waits.
    pub(super) classes: Vec<u32>,
    /// The last round in which the two below were set.
    pub(super) round: u64,
    /// In this round: somebody who comes first lacks it.
    pub(super) is_reserved: bool,
    /// In this round: what is kept for those who come first and lack something else.
    set_aside: u64,
}

/// What keeps a step from having its share of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    Nothing,
    /// Somebody has to give something back.
    Share,
    /// The rate allows it from then on.
    Time(Time),
}

impl Limit {
    /// A limit that nobody configured.
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
            classes: Vec::new(),
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

    /// Forgets what was reserved and set aside in earlier rounds.
    pub(super) fn start_round(&mut self, round: u64) {
        self.round = round;
        self.is_reserved = false;
        self.set_aside = 0;
    }

    /// As much of an amount as there is to be had at all.
    pub(super) fn share(&self, amount: u64) -> u64 {
        amount.min(self.capacity)
    }

    /// What is lacking for some amount, as far as this limit is concerned.
    pub(super) fn lack(&self, amount: u64, now: Time) -> Lack {
        let taken = self.in_use.saturating_add(self.set_aside).saturating_add(self.share(amount));
        // A capacity of 0 is a pause, and not a limit of which everybody gets all that there is.
        if amount > 0 && (self.capacity == 0 || taken > self.capacity) {
            return Lack::Share;
        }
        match self.bucket.as_ref().map(|bucket| bucket.check(now)) {
            Some(Err(from)) => Lack::Time(from),
            Some(Ok(())) | None => Lack::Nothing,
        }
    }

    /// Reserves it for somebody who lacks it, or sets an amount aside for somebody who lacks something else.
    pub(super) fn keep(&mut self, amount: u64, is_lacking: bool) {
        self.is_reserved |= is_lacking;
        self.set_aside = self.set_aside.saturating_add(self.share(amount));
    }

    /// Takes an amount, of which nothing is lacking; returns how much that is.
    pub(super) fn take(&mut self, amount: u64, now: Time) -> u64 {
        let taken = self.share(amount);
        self.in_use = self.in_use.saturating_add(taken);
        debug_assert!(self.in_use <= self.capacity, "`{}` gives more than there is", self.name);
        self.peak = self.peak.max(self.in_use);
        if let Some(bucket) = &mut self.bucket {
            let token = bucket.take(now);
            debug_assert!(token.is_ok(), "a token was there a moment ago, under the same lock");
        }
        taken
    }

    pub(super) fn give_back(&mut self, amount: u64) {
        debug_assert!(amount <= self.in_use, "`{}` gets back more than it gave", self.name);
        self.in_use = self.in_use.saturating_sub(amount);
    }

    pub(super) fn in_use(&self) -> u64 {
        self.in_use
    }

    pub(super) fn peak(&self) -> u64 {
        self.peak
    }
}
