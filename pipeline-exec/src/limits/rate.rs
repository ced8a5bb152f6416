//! A token bucket: governor's arithmetic over our own clock and state.
//!
//! The clock is the time that callers pass in. The state is a plain cell, because the lock guards it. What governor calls
//! the key decides whether a token is taken or only looked for: a step takes one only if it can have all its needs.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};

use super::{RateLimit, Time};

/// A token bucket.
#[derive(Debug)]
pub(super) struct Bucket(RateLimiter<Ask, State, Passed, governor::middleware::NoOpMiddleware<Time>>);

impl Bucket {
    /// Makes a full bucket.
    #[allow(clippy::unnecessary_wraps, reason = "without the feature `rate` this returns `None`")]
    pub(super) fn new(rate: &RateLimit) -> Option<Self> {
        // Rounded up, so that the rate is not exceeded even by a fraction of a nanosecond.
        let interval = rate.per.as_nanos().div_ceil(u128::from(rate.count.max(1))).max(1);
        // A century: governor counts nanoseconds in 64 bits, and multiplies by the burst.
        let longest = Duration::from_hours(876_000).as_nanos();
        let interval = interval.min(longest);
        let burst = u128::from(rate.burst.unwrap_or(1).max(1)).min(longest / interval).max(1);
        let burst = NonZeroU32::new(burst as u32).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(Duration::from_nanos(interval as u64));
        let quota = quota.expect("invariant: an interval is at least a nanosecond").allow_burst(burst);
        Some(Bucket(RateLimiter::new(quota, State::default(), Passed::default())))
    }

    /// Checks for a token without taking it. The error is the time of the next one.
    pub(super) fn check(&self, now: Time) -> Result<(), Time> {
        self.ask(Ask::Whether, now)
    }

    /// Takes a token. The error is the time of the next one.
    pub(super) fn take(&mut self, now: Time) -> Result<(), Time> {
        self.ask(Ask::Take, now)
    }

    fn ask(&self, ask: Ask, now: Time) -> Result<(), Time> {
        self.0.clock().0.set(now);
        self.0.check_key(&ask).map_err(|until| until.earliest_possible())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Ask {
    Whether,
    Take,
}

/// The time passed in last.
#[derive(Debug, Default)]
struct Passed(Cell<Time>);

impl Clock for Passed {
    type Instant = Time;

    fn now(&self) -> Time {
        self.0.get()
    }
}

/// When the bucket will be full again; `None` until a token is taken.
#[derive(Debug, Default)]
struct State(Cell<Option<Nanos>>);

impl StateStore for State {
    type Key = Ask;

    fn measure_and_replace<T, F, E>(&self, ask: &Ask, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (answer, full) = measure(self.0.get())?;
        if *ask == Ask::Take {
            self.0.set(Some(full));
        }
        Ok(answer)
    }
}
