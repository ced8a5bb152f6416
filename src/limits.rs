//! What runs beside what: named limits with rates and breakers, memory, and checks and classes of your own.

pub use pipeline_exec::pressure::{Budget, LaneBudget, ProcessSampler, Sample, Sampler, Share};
pub use pipeline_exec::{Breaker, BreakerState, Classifier, LimitSettings, RateLimit, Validator, Verdict};
