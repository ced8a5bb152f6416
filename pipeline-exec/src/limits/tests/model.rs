//! Admission against a model that considers all waiters after every change.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const LIMITS: [&str; 3] = ["a", "b", "c"];
/// Amounts of the limits above; 0 means not needed.
type Amounts = [u64; 3];

#[derive(Clone, Debug)]
enum Op {
    Ask { amounts: Amounts, urgency: u64, owner: u64 },
    GiveBack(prop::sample::Index),
    Capacity(usize, u64),
    Withdraw(u64),
}

#[derive(Default)]
struct Model {
    capacity: Amounts,
    in_use: Amounts,
    /// By urgency and arrival: the name of the waiter, its needs, and its run.
    waiting: Vec<(u64, u64, Amounts, u64)>,
    running: BTreeMap<u64, Amounts>,
}

impl Model {
    /// Admits the waiters that can be, and returns their names in order.
    fn admit(&mut self) -> Vec<u64> {
        self.waiting.sort_by_key(|(urgency, name, ..)| (std::cmp::Reverse(*urgency), *name));
        let (mut reserved, mut aside, mut admitted) = ([false; 3], [0; 3], Vec::new());
        for (_, name, amounts, _) in &self.waiting {
            let needed: Vec<usize> = (0..3).filter(|limit| amounts[*limit] > 0).collect();
            if needed.iter().any(|limit| reserved[*limit]) {
                continue;
            }
            let share = |limit: usize| amounts[limit].min(self.capacity[limit]);
            let lacks = |limit: usize| {
                self.capacity[limit] == 0
                    || self.in_use[limit] + aside[limit] + share(limit) > self.capacity[limit]
            };
            let lacking: Vec<usize> = needed.iter().copied().filter(|limit| lacks(*limit)).collect();
            let shares = [share(0), share(1), share(2)];
            if lacking.is_empty() {
                admitted.push(*name);
                self.running.insert(*name, shares);
                needed.iter().for_each(|limit| self.in_use[*limit] += shares[*limit]);
                for limit in needed {
                    assert!(self.in_use[limit] <= self.capacity[limit], "over capacity");
                }
            } else {
                lacking.iter().for_each(|limit| reserved[*limit] = true);
                needed.iter().for_each(|limit| aside[*limit] += shares[*limit]);
            }
        }
        self.waiting.retain(|(_, name, ..)| !admitted.contains(name));
        admitted
    }

    fn give_back(&mut self, name: u64) {
        let shares = self.running.remove(&name).expect("runs");
        (0..3).for_each(|limit| self.in_use[limit] -= shares[limit]);
    }
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let amount = || prop_oneof![2 => Just(0u64), 3 => Just(1), 1 => 2u64..7];
    let amounts = (amount(), amount(), amount()).prop_map(|(a, b, c)| [a, b, c]);
    let op = prop_oneof![
        8 => (amounts, 0u64..3, 0u64..3).prop_map(|(amounts, urgency, owner)| Op::Ask { amounts, urgency, owner }),
        6 => any::<prop::sample::Index>().prop_map(Op::GiveBack),
        1 => (0usize..3, 0u64..6).prop_map(|(limit, capacity)| Op::Capacity(limit, capacity)),
        1 => (0u64..3).prop_map(Op::Withdraw),
    ];
    prop::collection::vec(op, 1..120)
}

/// The limits and the model, side by side.
struct Both {
    limits: Limits,
    model: Model,
    turns: Turns,
    newest: Option<u64>,
    permits: BTreeMap<u64, Permit>,
}

impl Both {
    /// Lets the model admit after a change, and compares.
    fn compare(&mut self) -> Result<(), TestCaseError> {
        let expected = self.model.admit();
        let mut granted = self.turns.granted();
        // A step that is admitted at once gets its turn after the waiters that were called because of it.
        let order = |name: &u64| expected.iter().position(|expected| expected == name);
        if granted.last().is_some_and(|(name, _)| self.newest == Some(*name)) {
            granted.sort_by_key(|(name, _)| order(name));
        }
        prop_assert_eq!(names(&granted), expected);
        self.permits.extend(granted);
        for report in self.limits.snapshot() {
            let limit = LIMITS.iter().position(|name| *name == report.name).expect("a known one");
            prop_assert_eq!(
                (report.capacity, report.in_use),
                (self.model.capacity[limit], self.model.in_use[limit])
            );
            let waiting = self.model.waiting.iter().filter(|(_, _, amounts, _)| amounts[limit] > 0).count();
            prop_assert_eq!(report.waiting, waiting);
        }
        Ok(())
    }

    fn apply(&mut self, name: u64, op: Op) -> Result<(), TestCaseError> {
        match op {
            Op::Ask { amounts, urgency, owner } => {
                let needed: Vec<_> =
                    LIMITS.into_iter().zip(amounts).filter(|(_, amount)| *amount > 0).collect();
                self.newest = Some(name);
                self.model.waiting.push((urgency, name, amounts, owner));
                self.turns.ask(&self.limits.need(&needed, urgency), owner, ZERO, name);
            }
            Op::GiveBack(which) if !self.permits.is_empty() => {
                let name = *self.permits.keys().nth(which.index(self.permits.len())).expect("one of them");
                self.give_back(name);
            }
            Op::GiveBack(_) => {}
            Op::Capacity(limit, capacity) => {
                self.model.capacity[limit] = capacity;
                self.limits.set_capacity(LIMITS[limit], capacity);
            }
            Op::Withdraw(owner) => {
                self.model.waiting.retain(|(.., of)| *of != owner);
                self.limits.withdraw(owner);
            }
        }
        self.compare()
    }

    fn give_back(&mut self, name: u64) {
        self.model.give_back(name);
        self.permits.remove(&name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn the_same_waiters_are_admitted_as_by_the_model(ops in ops()) {
        let limits = capacities([("a", 3), ("b", 2), ("c", 1)]);
        let model = Model { capacity: [3, 2, 1], ..Model::default() };
        let mut both = Both { limits, model, turns: Turns::default(), newest: None, permits: BTreeMap::new() };
        for (name, op) in ops.into_iter().enumerate() {
            both.apply(name as u64, op)?;
        }
        // No waiter is lost: with some capacity of each limit, all are admitted in the end.
        for limit in 0..3 {
            both.apply(0, Op::Capacity(limit, 2))?;
        }
        while let Some(name) = both.permits.keys().next().copied() {
            both.give_back(name);
            both.compare()?;
        }
        prop_assert!(both.model.waiting.is_empty(), "{:?}", both.model.waiting);
        prop_assert!(both.limits.snapshot().iter().all(|limit| limit.in_use == 0 && limit.waiting == 0));
    }
}
