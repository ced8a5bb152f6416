//! Baselines: the same waiting, hand-written on tokio.

use std::time::{Duration, Instant};

use crate::tokio_baseline;

/// Returns the seconds that some sleeps, in milliseconds, take one after another.
pub(crate) fn sleeps(millis: &[u64]) -> f64 {
    let begun = Instant::now();
    tokio_baseline::runtime().block_on(async {
        for millis in millis {
            tokio::time::sleep(Duration::from_millis(*millis)).await;
        }
    });
    begun.elapsed().as_secs_f64()
}
