//! Steps with amounts, rates and durations, in simulated time.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::rate::assert_rate;
use super::*;
use crate::limits::{Place, RateLimit};

/// An event: a step ends, or asks again from its place.
enum Event {
    End(Permit),
    Again(Place),
}

/// The time of an event in nanoseconds, and its step.
type Events = BTreeMap<(u64, u64), Event>;

#[derive(Clone, Debug)]
struct Step {
    arrives: u64,
    takes: u64,
    api: u64,
    db: u64,
    urgency: u64,
}

fn step() -> impl Strategy<Value = Step> {
    (0u64..500, 0u64..60, 0u64..3, 0u64..4, 0u64..3).prop_map(|(arrives, takes, api, db, urgency)| Step {
        arrives,
        takes,
        api,
        db,
        urgency,
    })
}

/// Makes events of turns. Returns the times at which steps that need the rated limit were admitted.
fn schedule(turns: &Turns, steps: &[Step], now: u64, events: &mut Events) -> Vec<u64> {
    let mut granted = Vec::new();
    for (name, turn) in turns.take() {
        let step = &steps[name as usize];
        match turn {
            Turn::Granted(permit) => {
                granted.extend((step.api > 0).then_some(now));
                events.insert((now + step.takes, name), Event::End(permit));
            }
            Turn::Wait(place, at) => {
                events.insert((now.max(at.as_nanos() as u64), name), Event::Again(place));
            }
            Turn::Refused(refusal) => panic!("{refusal}"),
        }
    }
    granted
}

proptest! {
    #[test]
    fn every_step_runs_and_the_rate_is_kept(
        mut steps in prop::collection::vec(step(), 1..80),
        count in 1u32..10,
        per in 1u64..200,
        burst in 1u32..4,
    ) {
        let rate = RateLimit::new(count, Duration::from_nanos(per)).burst(burst);
        let limits = capacities([("db", 3)]).limit("api", LimitSettings::new(2).rate(rate.clone()));
        let turns = Turns::default();
        steps.sort_by_key(|step| Reverse(step.arrives));
        let (mut arrivals, mut events, mut granted, mut ended) = (steps.len(), Events::new(), Vec::new(), 0);
        while arrivals > 0 || !events.is_empty() {
            let event = events.first_key_value().map_or(u64::MAX, |((at, _), _)| *at);
            let now;
            if arrivals > 0 && steps[arrivals - 1].arrives <= event {
                arrivals -= 1;
                let step = &steps[arrivals];
                now = step.arrives;
                let needed = [("api", step.api), ("db", step.db)];
                let need = limits.need(&needed[usize::from(step.api == 0)..], step.urgency);
                turns.ask(&need, 0, Duration::from_nanos(now), arrivals as u64);
            } else {
                let ((at, name), event) = events.pop_first().expect("one of the two is there");
                now = at;
                match event {
                    Event::End(permit) => {
                        ended += 1;
                        permit.succeeded(Duration::from_nanos(now));
                    }
                    Event::Again(place) => {
                        let told_then = turns.clone();
                        let waiter = move |turn| told_then.put(name, turn);
                        note(place.again(Duration::from_nanos(now), waiter));
                    }
                }
            }
            granted.extend(schedule(&turns, &steps, now, &mut events));
        }
        prop_assert_eq!(ended, steps.len());
        assert_rate(&rate, &granted);
        prop_assert!(limits.snapshot().iter().all(|limit| limit.in_use == 0 && limit.peak <= limit.capacity));
    }
}
