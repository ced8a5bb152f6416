//! Rates: the bucket against a model, and its effect on admission.

use proptest::prelude::*;

use super::*;
use crate::limits::RateLimit;
use crate::limits::rate::Bucket;

/// A bucket that holds time: each token costs an interval of it.
struct Model {
    interval: u64,
    most: u64,
    held: u64,
    now: u64,
}

impl Model {
    fn take(&mut self, now: u64) -> bool {
        self.held = self.most.min(self.held + now - self.now);
        self.now = now;
        let is_there = self.held >= self.interval;
        self.held -= if is_there { self.interval } else { 0 };
        is_there
    }
}

proptest! {
    #[test]
    fn a_bucket_gives_what_the_model_gives(
        interval in 1u64..1000,
        count in 1u32..50,
        burst in 1u32..8,
        waits in prop::collection::vec(0u64..3000, 1..200),
    ) {
        let per = Duration::from_nanos(interval * u64::from(count));
        let mut bucket = Bucket::new(&RateLimit::new(count, per).burst(burst)).expect("the feature `rate` is enabled");
        let most = interval * u64::from(burst);
        let mut model = Model { interval, most, held: most, now: 0 };
        let mut now = 0;
        for wait in waits {
            now += wait;
            let at = Duration::from_nanos(now);
            let is_there = bucket.check(at);
            prop_assert_eq!(bucket.take(at), is_there);
            prop_assert_eq!(is_there.is_ok(), model.take(now));
            if let Err(from) = is_there {
                prop_assert_eq!(from, at + Duration::from_nanos(interval - model.held));
            }
        }
    }

    #[test]
    fn no_window_has_more_than_the_burst_and_the_rate(
        count in 1u32..30,
        per in 1u64..5000,
        burst in prop::option::of(1u32..6),
        waits in prop::collection::vec(0u64..400, 1..150),
    ) {
        let rate = RateLimit { count, per: Duration::from_nanos(per), burst };
        let mut bucket = Bucket::new(&rate).expect("the feature `rate` is enabled");
        let (mut now, mut taken) = (0, Vec::new());
        for wait in waits {
            now += wait;
            taken.extend(bucket.take(Duration::from_nanos(now)).is_ok().then_some(now));
        }
        assert_rate(&rate, &taken);
    }
}

/// Panics if some window has more than the burst and the rate allow.
pub(super) fn assert_rate(rate: &RateLimit, nanos: &[u64]) {
    for (first, from) in nanos.iter().enumerate() {
        for (last, to) in nanos.iter().enumerate().skip(first) {
            let brought = u128::from(to - from) * u128::from(rate.count) / rate.per.as_nanos();
            let most = u128::from(rate.burst.unwrap_or(1)) + brought;
            assert!((last - first + 1) as u128 <= most, "{nanos:?} from {from} to {to}, {rate:?}");
        }
    }
}

#[test]
fn extreme_rates_neither_overflow_nor_panic() {
    for (count, per) in [(u32::MAX, Duration::from_nanos(1)), (0, Duration::ZERO), (1, Duration::MAX)] {
        for burst in [0, 1, u32::MAX] {
            let mut bucket =
                Bucket::new(&RateLimit::new(count, per).burst(burst)).expect("the feature `rate` is enabled");
            assert_eq!((bucket.check(ZERO), bucket.take(ZERO)), (Ok(()), Ok(())), "{count} {per:?} {burst}");
        }
    }
}

fn rated(capacity: u64) -> Limits {
    Limits::new().limit("api", LimitSettings::new(capacity).rate("10/s".parse().unwrap()))
}

/// The name of the only waiter, its place, and the time to ask again in milliseconds.
fn place(turns: &Turns) -> (u64, crate::limits::Place, u128) {
    match <[_; 1]>::try_from(turns.take()) {
        Ok([(name, Turn::Wait(place, until))]) => (name, place, until.as_millis()),
        other => panic!("not one waiter: {other:?}"),
    }
}

#[test]
fn the_first_waiter_gets_a_time_and_the_others_stay_behind() {
    let limits = rated(9);
    let (need, turns) = (limits.need(&[("api", 1)], 0), Turns::default());
    turns.ask(&need, 0, ZERO, 1);
    let _one = turns.granted();
    turns.ask(&need, 0, ms(30), 2);
    turns.ask(&need, 0, ms(40), 3);
    let (name, second, until) = place(&turns);
    assert_eq!((name, until), (2, 100));
    let told_2 = turns.clone();
    note(second.again(ms(100), move |turn| told_2.put(2, turn)));
    let mut answers = turns.take();
    // Of two turns decided under one lock, that of the caller comes last.
    assert!(matches!(answers.pop(), Some((2, Turn::Granted(_)))));
    assert!(matches!(&answers[..], [(3, Turn::Wait(_, until))] if *until == ms(200)));
}

#[test]
fn no_token_is_taken_while_something_else_is_lacking() {
    let limits = rated(9);
    let (both, turns) = (limits.need(&[("api", 1), ("file", 1)], 0), Turns::default());
    turns.ask(&limits.need(&[("file", 1)], 0), 0, ZERO, 1);
    let file = turns.granted();
    turns.ask(&both, 0, ZERO, 2);
    assert!(turns.take().is_empty());
    turns.ask(&limits.need(&[("api", 1)], 0), 0, ZERO, 3);
    let _api = turns.granted();
    // Another step has taken the token; the next one is due later.
    drop(file);
    let (name, _place, until) = place(&turns);
    assert_eq!((name, until), (2, 100));
}

#[test]
fn a_place_that_is_dropped_or_withdrawn_makes_the_next_one_first() {
    for is_withdrawn in [false, true] {
        let limits = rated(9);
        let (need, turns) = (limits.need(&[("api", 1)], 0), Turns::default());
        turns.ask(&need, 0, ZERO, 1);
        let _one = turns.granted();
        turns.ask(&need, 7, ZERO, 2);
        turns.ask(&need, 0, ZERO, 3);
        let (_, second, _) = place(&turns);
        if is_withdrawn {
            limits.withdraw(7);
            assert_eq!(place(&turns).0, 3);
            assert!(matches!(second.again(ms(100), drop), Request::Parked));
        } else {
            drop(second);
            assert_eq!(place(&turns).0, 3);
        }
    }
}

#[test]
fn a_more_urgent_step_passes_a_rate_limited_one() {
    let limits = rated(9);
    let turns = Turns::default();
    let need = limits.need(&[("api", 1)], 0);
    turns.ask(&need, 0, ZERO, 1);
    let _one = turns.granted();
    turns.ask(&need, 0, ZERO, 2);
    let (_, second, _) = place(&turns);
    turns.ask(&limits.need(&[("api", 1)], 9), 0, ZERO, 3);
    let (_, urgent, _) = place(&turns);
    let told_2 = turns.clone();
    note(second.again(ms(100), move |turn| told_2.put(2, turn)));
    assert!(turns.take().is_empty());
    let told_3 = turns.clone();
    note(urgent.again(ms(100), move |turn| told_3.put(3, turn)));
    let mut answers = turns.take();
    assert!(matches!(answers.pop(), Some((3, Turn::Granted(_)))));
    assert!(matches!(&answers[..], [(2, Turn::Wait(_, until))] if *until == ms(200)));
}

#[test]
fn a_time_that_goes_back_brings_no_tokens() {
    let limits = rated(9);
    let (need, turns) = (limits.need(&[("api", 1)], 0), Turns::default());
    turns.ask(&need, 0, ms(500), 1);
    let _one = turns.granted();
    turns.ask(&need, 0, ms(400), 2);
    assert_eq!(place(&turns).2, 600);
}
