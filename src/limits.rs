//! What steps share: named limits with rates and breakers, and memory.

pub use pipeline_exec::pressure::{Budget, LaneBudget, ProcessSampler, Sample, Sampler, Share};
pub use pipeline_exec::{Breaker, BreakerState, LimitSettings, RateLimit};
