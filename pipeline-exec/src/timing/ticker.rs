//! The time of a driver: looked up on the clock now and then, and counted in between.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{Timings, counter};

/// For so long after a look at the clock, in nanoseconds, time is counted. Whatever happens to the machine meanwhile (it is
/// put to sleep, or moved), nothing is wrong for longer.
const COUNTED: u64 = 20_000;

/// So long does it take to know how fast the counter runs: to 1 in 10 000.
const LEARNT_IN: Duration = Duration::from_millis(1);

/// A look at the clock that took longer, in counts, was interrupted: nobody knows which count belongs to it.
const INTERRUPTED: u64 = 2_000;

/// The paces of counters that there are, in nanoseconds for 2³² counts.
const PACES: Range<u64> = (1 << 32) / 10..10 << 32;

/// Nanoseconds in 2³² counts; 0 as long as that is not known.
static PACE: AtomicU64 = AtomicU64::new(0);

/// The time of one driver. It never goes back.
#[derive(Debug, Default)]
pub(crate) struct Ticker {
    /// What the counter showed at the last look at the clock.
    count: u64,
    /// What the clock showed then, in nanoseconds since the run began.
    nanos: u64,
    /// For how many counts from then on time is counted; 0 where it is not.
    counted: u64,
    pace: u64,
    /// What was told last.
    told: u64,
}

impl Ticker {
    /// Nanoseconds since the run began. Two drivers may differ by as much as a look at the clock takes, some 50 ns.
    #[inline]
    pub(crate) fn now(&mut self, timings: &Timings) -> u64 {
        let passed = if self.counted == 0 { 0 } else { counter::read().wrapping_sub(self.count) };
        let now = if passed < self.counted {
            self.nanos + ((passed * self.pace) >> 32)
        } else {
            self.look(timings)
        };
        self.told = self.told.max(now);
        self.told
    }

    /// Looks at the clock, and begins to count from there where the counter is one to count with.
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

/// What the clock shows, and the counter at the same time; no count where the look was interrupted.
fn both(timings: &Timings) -> (u64, Option<u64>) {
    let before = counter::read();
    let nanos = timings.now();
    let took = counter::read().wrapping_sub(before);
    (nanos, (took < INTERRUPTED).then_some(before + took / 2))
}

/// Looks at the clock; and learns how fast the counter runs, once two looks of this process lie far enough apart.
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
        // Counters run at 0.1 to 10 GHz. Another pace is that of a machine which slept between the two looks.
        if let Some(pace) = u64::try_from(pace).ok().filter(|pace| PACES.contains(pace)) {
            PACE.store(pace, Ordering::Relaxed);
        }
    }
    nanos
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counted or looked up: what is told is the clock's time, as exactly as it can be compared.
    #[test]
    #[allow(clippy::disallowed_methods)]
    fn time_is_that_of_the_clock_and_never_goes_back() {
        let timings = Timings::new(0, Instant::now());
        let mut ticker = Ticker::default();
        let (mut last, mut counted, mut off, mut looks) = (0, 0_u64, 0_u64, 0_u64);
        while timings.now() < 30_000_000 {
            let before = timings.now();
            let told = ticker.now(&timings);
            let after = timings.now();
            assert!(told >= last, "{told} after {last}");
            last = told;
            looks += 1;
            counted += u64::from(ticker.counted != 0 && ticker.nanos < before.min(told));
            off += u64::from(told + 1_000 < before || told > after + 1_000);
        }
        // A thread that is interrupted between two looks of this test is seen as off, too.
        assert!(off * 100 < looks, "{off} of {looks} are off by more than a microsecond");
        assert_eq!(counter::is_a_clock(), counted > 0, "{counted} of {looks} were counted");
    }
}
