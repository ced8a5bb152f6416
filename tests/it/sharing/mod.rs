//! What steps share: named limits, the company of others, an order, a rate, a breaker; and what becomes of those that
//! wait for it when the run is stopped, paused or resized.

mod alone;
mod breaker;
mod limits;
mod needs;
mod order;
mod parked;
#[cfg(feature = "rate")]
mod rate;
