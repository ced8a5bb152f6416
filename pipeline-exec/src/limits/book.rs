//! What is under the lock: all limits, and all who wait for them.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::breaker::{Ending, Ticket};
use super::limit::Limit;
use super::need::{Needed, Share};
use super::verdict::Verdict;
use super::waiting::{Class, Key, Waiter, Waiting, Who};
use super::{LimitReport, LimitSettings, Limits, Permit, Place, Refusal, Time, Turn};

/// All limits, and all who wait for them.
#[derive(Default)]
pub(super) struct Book {
    pub(super) limits: Vec<Limit>,
    pub(super) classes: Vec<Class>,
    /// Counts the looks at who can go on: marks of earlier ones are void.
    pub(super) round: u64,
    by_name: HashMap<Arc<str>, u32>,
    by_limits: HashMap<Arc<[u32]>, u32>,
    /// The latest time that anybody said.
    pub(super) now: Time,
    arrivals: u64,
    /// What the caller under this lock is told, where it is one of those whose turn has come.
    pub(super) answer: Option<Outcome>,
}

/// Where somebody waits.
pub(super) type Seat = (u32, Key);

/// Whom to call once the lock is released, and what about.
pub(super) type Call = (Waiter, Outcome);

/// A turn, as long as the lock is held.
pub(super) enum Outcome {
    Granted(Held),
    Wait(Seat, Time),
    Refused(Refusal),
}

/// What a permit gives back.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) needed: Arc<Needed>,
    /// How much of each share; `None` where it is what was needed.
    pub(super) taken: Option<Box<[u64]>>,
    pub(super) tickets: Vec<(u32, Ticket)>,
}

impl Outcome {
    pub(super) fn turn(self, limits: &Limits) -> Turn {
        match self {
            Outcome::Granted(held) => Turn::Granted(Permit::new(limits, held)),
            Outcome::Wait(seat, from) => Turn::Wait(Place::new(limits, seat), from),
            Outcome::Refused(refusal) => Turn::Refused(refusal),
        }
    }
}

impl Book {
    /// The limit of a name.
    pub(super) fn intern(&mut self, name: &str) -> u32 {
        if let Some(limit) = self.by_name.get(name) {
            return *limit;
        }
        let limit = Limit::new(name);
        self.by_name.insert(limit.name.clone(), self.limits.len() as u32);
        self.limits.push(limit);
        self.limits.len() as u32 - 1
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    pub(super) fn configure(&mut self, limit: u32, settings: LimitSettings) {
        self.limits[limit as usize].configure(settings);
    }

    /// The class of those who need the limits of these shares.
    pub(super) fn class(&mut self, shares: &[Share]) -> u32 {
        let limits: Arc<[u32]> = shares.iter().map(|share| share.limit).collect();
        *self.by_limits.entry(limits).or_insert_with_key(|limits| {
            self.classes.push(Class { limits: limits.clone(), ..Class::default() });
            self.classes.len() as u32 - 1
        })
    }

    pub(super) fn reports(&self) -> Vec<LimitReport> {
        let waiting = |limit: &Limit| {
            limit.classes.iter().map(|class| self.classes[*class as usize].waiting.len()).sum::<usize>()
        };
        let report = |limit: &Limit| LimitReport {
            name: limit.name.to_string(),
            capacity: limit.capacity,
            in_use: limit.in_use(),
            peak: limit.peak(),
            waiting: waiting(limit),
            breaker: limit.circuit.as_ref().map(|circuit| circuit.state(self.now)),
        };
        let mut reports: Vec<LimitReport> = self.limits.iter().map(report).collect();
        reports.sort_by(|a, b| a.name.cmp(&b.name));
        reports
    }

    /// Admits somebody, says when to come back, or refuses; `None` once the waiter is parked.
    pub(super) fn ask<W>(
        &mut self,
        needed: &Arc<Needed>,
        owner: u64,
        now: Time,
        waiter: W,
        calls: &mut Vec<Call>,
    ) -> Option<(Outcome, W)>
    where
        W: FnOnce(Turn) + Send + 'static,
    {
        self.now = self.now.max(now);
        if let Some(refusal) = self.refusal(needed) {
            return Some((Outcome::Refused(refusal), waiter));
        }
        if needed.shares.iter().all(|share| self.limits[share.limit as usize].classes.is_empty()) {
            let round = self.round;
            needed.shares.iter().for_each(|share| self.limits[share.limit as usize].start_round(round));
            if matches!(self.verdict(needed), Verdict::Yes) {
                return Some((Outcome::Granted(self.take(needed)), waiter));
            }
        }
        let seat = (needed.class, (Reverse(needed.urgency), self.arrivals));
        self.arrivals += 1;
        self.sit(seat, Waiting { needed: needed.clone(), owner, who: Who::Asking });
        self.decide(seat, waiter, calls)
    }

    /// The same for somebody who comes back to a place; the waiter alone where the place was withdrawn.
    pub(super) fn ask_again<W>(
        &mut self,
        seat: Seat,
        now: Time,
        waiter: W,
        calls: &mut Vec<Call>,
    ) -> Result<Option<(Outcome, W)>, W>
    where
        W: FnOnce(Turn) + Send + 'static,
    {
        self.now = self.now.max(now);
        let Some(waiting) = self.classes[seat.0 as usize].waiting.get_mut(&seat.1) else {
            return Err(waiter);
        };
        waiting.who = Who::Asking;
        Ok(self.decide(seat, waiter, calls))
    }

    fn decide<W>(&mut self, seat: Seat, waiter: W, calls: &mut Vec<Call>) -> Option<(Outcome, W)>
    where
        W: FnOnce(Turn) + Send + 'static,
    {
        let limits = self.classes[seat.0 as usize].limits.clone();
        self.admit(&limits, calls);
        if let Some(answer) = self.answer.take() {
            return Some((answer, waiter));
        }
        let waiting = self.classes[seat.0 as usize].waiting.get_mut(&seat.1);
        waiting.expect("invariant: who asks and gets no answer still waits").who =
            Who::Parked(Box::new(waiter));
        None
    }

    /// Takes everything back that was held.
    pub(super) fn give_back(&mut self, held: &Held, ending: Ending, now: Time, calls: &mut Vec<Call>) {
        self.now = self.now.max(now);
        for (index, share) in held.needed.shares.iter().enumerate() {
            let amount = held.taken.as_ref().map_or(share.amount, |taken| taken[index]);
            self.limits[share.limit as usize].give_back(amount);
        }
        for (limit, ticket) in &held.tickets {
            if let Some(circuit) = &mut self.limits[*limit as usize].circuit {
                circuit.leave(*ticket, ending, self.now);
            }
        }
        let limits = self.classes[held.needed.class as usize].limits.clone();
        self.admit(&limits, calls);
    }

    /// Forgets somebody who was told to come back.
    pub(super) fn leave(&mut self, seat: Seat, calls: &mut Vec<Call>) {
        if self.stand(seat).is_some() {
            let limits = self.classes[seat.0 as usize].limits.clone();
            self.admit(&limits, calls);
        }
    }

    /// Forgets all of a run, and returns them to be dropped.
    pub(super) fn withdraw(&mut self, owner: u64, calls: &mut Vec<Call>) -> Vec<Waiting> {
        let mut seats = Vec::new();
        for (class, Class { waiting, .. }) in self.classes.iter().enumerate() {
            let owned = waiting.iter().filter(|(_, waiting)| waiting.owner == owner);
            seats.extend(owned.map(|(key, _)| (class as u32, *key)));
        }
        let withdrawn = seats.iter().filter_map(|seat| self.stand(*seat)).collect();
        seats.dedup_by_key(|seat| seat.0);
        let classes = seats.iter().map(|seat| self.classes[seat.0 as usize].limits.clone());
        let limits: Vec<Arc<[u32]>> = classes.collect();
        self.admit(&limits.concat(), calls);
        withdrawn
    }
}
