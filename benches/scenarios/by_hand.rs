//! Baselines: the same waiting, hand-written on tokio.

use std::time::{Duration, Instant};

use crate::tokio_baseline;

/// Returns the seconds that some sleeps, in milliseconds, take one after another.
pub(crate) fn sleeps(millis: &[u64]) -> f64 {
    // Ours has a runtime when it is timed: making and dropping this one is not part of the time.
    tokio_baseline::runtime().block_on(async {
        let begun = Instant::now();
        for millis in millis {
            tokio::time::sleep(Duration::from_millis(*millis)).await;
        }
        begun.elapsed().as_secs_f64()
    })
}
