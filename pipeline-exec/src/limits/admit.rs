//! Admission: which waiters get what they need, in which order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Bound;
use std::sync::Arc;

use super::Time;
use super::breaker::{Ending, Shut};
use super::limit::Lack;
use super::queue::{Callback, Decided, Held, Key, Needs, Outcome, Position, Refusal, Waiter, Waiting};
use super::state::LimitState;

/// Whether a step can be admitted.
enum Verdict {
    Yes,
    /// Not before a permit is given back.
    Full,
    /// Not before that time.
    Early(Time),
    Refused(Refusal),
}

/// The first waiter of each queue, the most urgent on top.
type Firsts = BinaryHeap<Reverse<(Key, u32)>>;

impl LimitState {
    /// Decides about a step at once, or returns its position in the queue.
    pub(super) fn ask(
        &mut self,
        needs: &Arc<Needs>,
        owner: u64,
        now: Time,
        decided: &mut Decided,
    ) -> Result<Outcome, Position> {
        self.now = self.now.max(now);
        if let Some(refusal) = self.refusal(needs) {
            return Ok(Outcome::Refused(refusal));
        }
        if needs.shares.iter().all(|share| self.limits[share.limit as usize].queues.is_empty()) {
            let round = self.round;
            needs.shares.iter().for_each(|share| self.limits[share.limit as usize].start_round(round));
            if matches!(self.verdict(needs), Verdict::Yes) {
                return Ok(Outcome::Granted(self.take(needs)));
            }
        }
        let position = (needs.queue, (Reverse(needs.urgency), self.arrivals));
        self.arrivals += 1;
        self.enqueue(position, Waiter { needs: needs.clone(), owner, waiting: Waiting::Asking });
        self.decide(position, decided)
    }

    /// Decides about a waiter that asks again from its position; `None` if it was withdrawn.
    pub(super) fn ask_again(
        &mut self,
        position: Position,
        now: Time,
        decided: &mut Decided,
    ) -> Option<Result<Outcome, Position>> {
        self.now = self.now.max(now);
        self.waiter(position)?.waiting = Waiting::Asking;
        Some(self.decide(position, decided))
    }

    fn decide(&mut self, position: Position, decided: &mut Decided) -> Result<Outcome, Position> {
        self.admit(&self.limits_of(position.0), decided);
        decided.own.take().ok_or(position)
    }

    /// Lets a waiter be called later, because nothing was decided about it yet.
    pub(super) fn park(&mut self, position: Position, callback: Callback) {
        let waiter =
            self.waiter(position).expect("invariant: a waiter without an outcome stays in its queue");
        waiter.waiting = Waiting::Parked(callback);
    }

    /// Takes back everything that was held.
    pub(super) fn give_back(&mut self, held: &Held, ending: Ending, now: Time, decided: &mut Decided) {
        self.now = self.now.max(now);
        for (index, share) in held.needs.shares.iter().enumerate() {
            let amount = held.taken.as_ref().map_or(share.amount, |taken| taken[index]);
            self.limits[share.limit as usize].give_back(amount);
        }
        for (limit, ticket) in &held.tickets {
            if let Some(circuit) = &mut self.limits[*limit as usize].circuit {
                circuit.leave(*ticket, ending, self.now);
            }
        }
        self.admit(&self.limits_of(held.needs.queue), decided);
    }

    /// Forgets a waiter.
    pub(super) fn leave(&mut self, position: Position, decided: &mut Decided) {
        if self.dequeue(position).is_some() {
            self.admit(&self.limits_of(position.0), decided);
        }
    }

    /// Forgets all waiters of a run, and returns them to be dropped.
    pub(super) fn withdraw(&mut self, owner: u64, decided: &mut Decided) -> Vec<Waiter> {
        let mut positions = Vec::new();
        for (queue, of_queue) in self.queues.iter().enumerate() {
            let owned = of_queue.waiters.iter().filter(|(_, waiter)| waiter.owner == owner);
            positions.extend(owned.map(|(key, _)| (queue as u32, *key)));
        }
        let withdrawn = positions.iter().filter_map(|position| self.dequeue(*position)).collect();
        positions.dedup_by_key(|position| position.0);
        let limits: Vec<_> = positions.iter().map(|position| self.limits_of(position.0)).collect();
        self.admit(&limits.concat(), decided);
        withdrawn
    }

    /// Admits the waiters that can be admitted, after something about these limits has changed.
    ///
    /// Each waiter considered is admitted, or reserves a limit that was not reserved before. So the work is bounded by the
    /// number of waiters admitted and of limits, whatever the number of waiters.
    pub(super) fn admit(&mut self, changed: &[u32], decided: &mut Decided) {
        let mut firsts = self.affected(changed);
        while let Some(Reverse((key, index))) = firsts.pop() {
            let queue = &self.queues[index as usize];
            if queue.limits.iter().any(|limit| self.limits[*limit as usize].is_reserved) {
                continue;
            }
            self.consider((index, key), decided);
            let later = (Bound::Excluded(key), Bound::Unbounded);
            let next = self.queues[index as usize].waiters.range(later).next();
            firsts.extend(next.map(|(key, _)| Reverse((*key, index))));
        }
    }

    /// Returns the queues that a change of these limits can affect: those that need one of them, those that need a limit
    /// which one of those needs, and so on. Reservations among them start anew.
    fn affected(&mut self, changed: &[u32]) -> Firsts {
        self.round += 1;
        let mut firsts = Firsts::new();
        if changed.iter().all(|limit| self.limits[*limit as usize].queues.is_empty()) {
            return firsts;
        }
        let mut open = changed.to_vec();
        while let Some(index) = open.pop() {
            let limit = &mut self.limits[index as usize];
            if limit.round == self.round {
                continue;
            }
            limit.start_round(self.round);
            for index in &limit.queues {
                let queue = &mut self.queues[*index as usize];
                if queue.round != self.round {
                    queue.round = self.round;
                    open.extend(&*queue.limits);
                    firsts.extend(queue.waiters.first_key_value().map(|(key, _)| Reverse((*key, *index))));
                }
            }
        }
        firsts
    }

    /// Decides about a waiter that is first for all its limits, or reserves them for it.
    fn consider(&mut self, position: Position, decided: &mut Decided) {
        let waiter = self.waiter(position).expect("invariant: the waiter was found in its queue");
        let needs = waiter.needs.clone();
        let is_rate_limited = matches!(waiter.waiting, Waiting::RateLimited);
        let outcome = match self.verdict(&needs) {
            Verdict::Full => return self.reserve(&needs, is_rate_limited),
            _ if is_rate_limited => return self.reserve(&needs, true),
            Verdict::Early(from) => {
                self.reserve(&needs, false);
                Outcome::Wait(position, from)
            }
            Verdict::Refused(refusal) => Outcome::Refused(refusal),
            Verdict::Yes => Outcome::Granted(self.take(&needs)),
        };
        let waiting = if let Outcome::Wait(..) = outcome {
            let waiter = self.waiter(position);
            waiter.map(|waiter| std::mem::replace(&mut waiter.waiting, Waiting::RateLimited))
        } else {
            self.dequeue(position).map(|waiter| waiter.waiting)
        };
        match waiting {
            Some(Waiting::Parked(callback)) => decided.calls.push((callback, outcome)),
            _ => decided.own = Some(outcome),
        }
    }

    fn refusal(&self, needs: &Needs) -> Option<Refusal> {
        needs.shares.iter().find_map(|share| {
            let limit = &self.limits[share.limit as usize];
            let until = match limit.circuit.as_ref()?.check(self.now).err()? {
                Shut::Until(until) => Some(until),
                Shut::Probing => None,
            };
            Some(Refusal { name: limit.name.clone(), until })
        })
    }

    fn verdict(&self, needs: &Needs) -> Verdict {
        if let Some(refusal) = self.refusal(needs) {
            return Verdict::Refused(refusal);
        }
        let mut verdict = Verdict::Yes;
        for share in &needs.shares {
            verdict = match (verdict, self.limits[share.limit as usize].lack(share.amount, self.now)) {
                (_, Lack::Share) => return Verdict::Full,
                (Verdict::Early(other), Lack::Time(from)) => Verdict::Early(from.max(other)),
                (_, Lack::Time(from)) => Verdict::Early(from),
                (verdict, Lack::Nothing) => verdict,
            };
        }
        verdict
    }

    /// Reserves the limits that a waiter lacks, and sets the rest of its amounts aside. For a rate-limited waiter the tokens
    /// are reserved even if they are there by now, because it will ask for them.
    fn reserve(&mut self, needs: &Needs, is_rate_limited: bool) {
        for share in &needs.shares {
            let limit = &mut self.limits[share.limit as usize];
            let is_lacking = limit.lack(share.amount, self.now) != Lack::Nothing;
            limit.reserve(share.amount, is_lacking || (is_rate_limited && limit.bucket.is_some()));
        }
    }

    /// Takes everything that is needed, of which nothing is lacking.
    fn take(&mut self, needs: &Arc<Needs>) -> Held {
        let mut held = Held { needs: needs.clone(), taken: None, tickets: Vec::new() };
        for (index, share) in needs.shares.iter().enumerate() {
            let limit = &mut self.limits[share.limit as usize];
            let taken = limit.take(share.amount, self.now);
            if taken != share.amount {
                let all = || needs.shares.iter().map(|share| share.amount).collect();
                held.taken.get_or_insert_with(all)[index] = taken;
            }
            if let Some(circuit) = &mut limit.circuit {
                held.tickets.push((share.limit, circuit.enter(self.now)));
            }
        }
        held
    }
}
