//! What steps share: named limits, exclusion, an order, a rate, a breaker; and what happens to waiting steps when the
//! run is stopped, paused or resized.

mod alone;
mod breaker;
mod limits;
mod needs;
mod order;
mod parked;
#[cfg(feature = "rate")]
mod rate;
