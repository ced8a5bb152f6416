//! Whether somebody can be admitted, and what is done about it.

use std::sync::Arc;

use super::book::{Book, Call, Held, Outcome, Seat};
use super::breaker::Shut;
use super::limit::Lack;
use super::need::Needed;
use super::waiting::Who;
use super::{Refusal, Time};

/// Whether somebody can be admitted.
pub(super) enum Verdict {
    Yes,
    /// Not before somebody gives something back.
    Full,
    Early(Time),
    Refused(Refusal),
}

impl Book {
    /// Looks at one who waits and comes first for all that it needs: tells it, or keeps things for it.
    pub(super) fn look(&mut self, seat: Seat, calls: &mut Vec<Call>) {
        let waiting = &self.classes[seat.0 as usize].waiting[&seat.1];
        let needed = waiting.needed.clone();
        let is_away = matches!(waiting.who, Who::Away);
        match self.verdict(&needed) {
            Verdict::Full => self.keep(&needed, is_away),
            _ if is_away => self.keep(&needed, true),
            Verdict::Early(from) => {
                self.keep(&needed, false);
                let waiting = self.classes[seat.0 as usize].waiting.get_mut(&seat.1);
                let waiting = waiting.expect("invariant: who is looked at waits");
                let who = std::mem::replace(&mut waiting.who, Who::Away);
                self.tell(who, Outcome::Wait(seat, from), calls);
            }
            Verdict::Refused(refusal) => self.dismiss(seat, Outcome::Refused(refusal), calls),
            Verdict::Yes => {
                let held = self.take(&needed);
                self.dismiss(seat, Outcome::Granted(held), calls);
            }
        }
    }

    fn dismiss(&mut self, seat: Seat, outcome: Outcome, calls: &mut Vec<Call>) {
        let waiting = self.stand(seat).expect("invariant: who is looked at waits");
        self.tell(waiting.who, outcome, calls);
    }

    fn tell(&mut self, who: Who, outcome: Outcome, calls: &mut Vec<Call>) {
        match who {
            Who::Asking => self.answer = Some(outcome),
            Who::Parked(waiter) => calls.push((waiter, outcome)),
            Who::Away => unreachable!("invariant: who is away is told nothing"),
        }
    }

    pub(super) fn refusal(&self, needed: &Needed) -> Option<Refusal> {
        needed.shares.iter().find_map(|share| {
            let limit = &self.limits[share.limit as usize];
            let shut = limit.circuit.as_ref()?.check(self.now).err()?;
            let until = match shut {
                Shut::Until(until) => Some(until),
                Shut::Probing => None,
            };
            Some(Refusal { name: limit.name.clone(), until })
        })
    }

    pub(super) fn verdict(&self, needed: &Needed) -> Verdict {
        if let Some(refusal) = self.refusal(needed) {
            return Verdict::Refused(refusal);
        }
        let mut verdict = Verdict::Yes;
        for share in &needed.shares {
            verdict = match (verdict, self.limits[share.limit as usize].lack(share.amount, self.now)) {
                (_, Lack::Share) => return Verdict::Full,
                (Verdict::Early(other), Lack::Time(from)) => Verdict::Early(from.max(other)),
                (_, Lack::Time(from)) => Verdict::Early(from),
                (verdict, Lack::Nothing) => verdict,
            };
        }
        verdict
    }

    /// Reserves what somebody lacks, and sets the rest of its amounts aside. One who is away comes back for its tokens:
    /// they are reserved even if they are there by now.
    fn keep(&mut self, needed: &Needed, is_away: bool) {
        for share in &needed.shares {
            let limit = &mut self.limits[share.limit as usize];
            let is_lacking = limit.lack(share.amount, self.now) != Lack::Nothing;
            limit.keep(share.amount, is_lacking || (is_away && limit.bucket.is_some()));
        }
    }

    /// Takes everything that is needed, and of which nothing is lacking.
    pub(super) fn take(&mut self, needed: &Arc<Needed>) -> Held {
        let mut held = Held { needed: needed.clone(), taken: None, tickets: Vec::new() };
        for (index, share) in needed.shares.iter().enumerate() {
            let limit = &mut self.limits[share.limit as usize];
            let taken = limit.take(share.amount, self.now);
            if taken != share.amount {
                let all = || needed.shares.iter().map(|share| share.amount).collect();
                held.taken.get_or_insert_with(all)[index] = taken;
            }
            if let Some(circuit) = &mut limit.circuit {
                held.tickets.push((share.limit, circuit.enter(self.now)));
            }
        }
        held
    }
}
