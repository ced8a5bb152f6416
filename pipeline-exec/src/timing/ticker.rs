//! The time of a driver: read from the clock now and then, and counted in between.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{Timings, counter};

/// Time after a reading of the clock in which time is counted, in nanoseconds. If the machine sleeps or is moved meanwhile,
/// the time is wrong for no longer than this.
const COUNTED: u64 = 20_000;

/// Time to measure the pace of the counter, to 1 in 10 000.
const LEARNT_IN: Duration = Duration::from_millis(1);

/// A reading of the clock that took more counts than this was interrupted, so its count is unknown.
const INTERRUPTED: u64 = 2_000;

/// Plausible paces of counters, in nanoseconds for 2³² counts.
const PACES: Range<u64> = (1 << 32) / 10..10 << 32;

/// Nanoseconds in 2³² counts; 0 while it is unknown.
static PACE: AtomicU64 = AtomicU64::new(0);

/// The time of one driver. It never goes back.
#[derive(Debug, Default)]
pub(crate) struct Ticker {
    /// The counter at the last reading of the clock.
    count: u64,
    /// The clock then, in nanoseconds since the run began.
    nanos: u64,
    /// Number of counts from then on in which time is counted; 0 for none.
    counted: u64,
    pace: u64,
    /// The time returned last.
    last: u64,
}

impl Ticker {
    /// Returns the nanoseconds since the run began. Two drivers may differ by the cost of reading the clock, some 50 ns.
    #[inline]
    pub(crate) fn now(&mut self, timings: &Timings) -> u64 {
        let passed = if self.counted == 0 { 0 } else { counter::read().wrapping_sub(self.count) };
        let now = if passed < self.counted {
            self.nanos + ((passed * self.pace) >> 32)
        } else {
            self.look(timings)
        };
        self.last = self.last.max(now);
        self.last
    }

    /// Reads the clock, and counts from there on if the counter is a clock.
    #[cold]
    fn look(&mut self, timings: &Timings) -> u64 {
        self.counted = 0;
        self.pace = PACE.load(Ordering::Relaxed);
        if self.pace == 0 {
            return learn(timings);
        }
        let (nanos, count) = both(timings);
        self.nanos = nanos;
        if let Some(count) = count {
            self.count = count;
            self.counted = (COUNTED << 32) / self.pace;
        }
        nanos
    }
}

/// Reads the clock and the counter at the same time; no count if the reading was interrupted.
fn both(timings: &Timings) -> (u64, Option<u64>) {
    let before = counter::read();
    let nanos = timings.now();
    let took = counter::read().wrapping_sub(before);
    (nanos, (took < INTERRUPTED).then_some(before + took / 2))
}

/// Reads the clock, and learns the pace of the counter once two readings of this process are far enough apart.
fn learn(timings: &Timings) -> u64 {
    static FIRST: OnceLock<(Instant, u64)> = OnceLock::new();
    if !counter::is_a_clock() {
        return timings.now();
    }
    let Some(&(first, first_count)) = FIRST.get() else {
        let (nanos, count) = both(timings);
        if let Some(count) = count {
            let _ = FIRST.set((timings.origin + Duration::from_nanos(nanos), count));
        }
        return nanos;
    };
    let passed = |nanos| (timings.origin + Duration::from_nanos(nanos)).saturating_duration_since(first);
    let nanos = timings.now();
    if passed(nanos) < LEARNT_IN {
        return nanos;
    }
    let (nanos, count) = both(timings);
    if let Some(count) = count {
        let counts = count.wrapping_sub(first_count).max(1);
        let pace = (passed(nanos).as_nanos() << 32) / u128::from(counts);
        // Counters run at 0.1 to 10 GHz. Another pace means that the machine slept between the two readings.
        if let Some(pace) = u64::try_from(pace).ok().filter(|pace| PACES.contains(pace)) {
            PACE.store(pace, Ordering::Relaxed);
        }
    }
    nanos
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counted or read, the time is that of the clock, as exactly as they can be compared.
    #[test]
    #[allow(clippy::disallowed_methods)]
    fn time_follows_the_clock_and_never_goes_back() {
        let timings = Timings::new(0, Instant::now());
        let mut ticker = Ticker::default();
        let (mut last, mut counted, mut off, mut looks) = (0, 0_u64, 0_u64, 0_u64);
        while timings.now() < 30_000_000 {
            let before = timings.now();
            let time = ticker.now(&timings);
            let after = timings.now();
            assert!(time >= last, "{time} after {last}");
            last = time;
            looks += 1;
            counted += u64::from(ticker.counted != 0 && ticker.nanos < before.min(time));
            off += u64::from(time + 1_000 < before || time > after + 1_000);
        }
        // A thread that is interrupted between two readings of this test counts as off, too.
        assert!(off * 100 < looks, "{off} of {looks} are off by more than a microsecond");
        assert_eq!(counter::is_a_clock(), counted > 0, "{counted} of {looks} were counted");
    }
}
