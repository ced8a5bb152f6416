//! Who can go on when something has changed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Bound;

use super::book::{Book, Call, Seat};
use super::waiting::{Key, Waiting};

/// The first of each class, the most urgent on top.
type Firsts = BinaryHeap<Reverse<(Key, u32)>>;

impl Book {
    /// Puts somebody into the queue.
    pub(super) fn sit(&mut self, seat: Seat, waiting: Waiting) {
        let class = &mut self.classes[seat.0 as usize];
        if class.waiting.is_empty() {
            class.limits.iter().for_each(|limit| self.limits[*limit as usize].classes.push(seat.0));
        }
        class.waiting.insert(seat.1, waiting);
    }

    /// Takes somebody out of the queue.
    pub(super) fn stand(&mut self, seat: Seat) -> Option<Waiting> {
        let class = &mut self.classes[seat.0 as usize];
        let waiting = class.waiting.remove(&seat.1)?;
        if class.waiting.is_empty() {
            class.limits.iter().for_each(|limit| {
                self.limits[*limit as usize].classes.retain(|class| *class != seat.0);
            });
        }
        Some(waiting)
    }

    /// Admits whoever can go on, after something about these limits has changed.
    ///
    /// Everybody looked at is admitted, or reserves a name that nobody reserved before: so the work is bounded by those
    /// admitted and the names, whatever the number of those who wait.
    pub(super) fn admit(&mut self, changed: &[u32], calls: &mut Vec<Call>) {
        let mut firsts = self.reach(changed);
        while let Some(Reverse((key, index))) = firsts.pop() {
            let class = &self.classes[index as usize];
            if class.limits.iter().any(|limit| self.limits[*limit as usize].is_reserved) {
                continue;
            }
            self.look((index, key), calls);
            let later = (Bound::Excluded(key), Bound::Unbounded);
            let next = self.classes[index as usize].waiting.range(later).next();
            firsts.extend(next.map(|(key, _)| Reverse((*key, index))));
        }
    }

    /// The classes that a change of these limits can matter to: those that need one of them, and those that need a name
    /// that one of those needs, and so on. What was reserved among them is looked at anew.
    fn reach(&mut self, changed: &[u32]) -> Firsts {
        self.round += 1;
        let mut firsts = Firsts::new();
        if changed.iter().all(|limit| self.limits[*limit as usize].classes.is_empty()) {
            return firsts;
        }
        let mut open = changed.to_vec();
        while let Some(index) = open.pop() {
            let limit = &mut self.limits[index as usize];
            if limit.round == self.round {
                continue;
            }
            limit.start_round(self.round);
            for index in &limit.classes {
                let class = &mut self.classes[*index as usize];
                if class.round != self.round {
                    class.round = self.round;
                    open.extend(&*class.limits);
                    firsts.extend(class.waiting.first_key_value().map(|(key, _)| Reverse((*key, *index))));
                }
            }
        }
        firsts
    }
}
