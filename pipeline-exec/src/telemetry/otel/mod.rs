//! Runs and steps for OpenTelemetry: traces and metrics, each an observer of its own.
//!
//! The types of `opentelemetry` in the signatures are the one exception to the rule that no third-party type is: which
//! provider is meant can be said in its types only, and a program that wants none of them uses the global providers.

mod metrics;
mod traces;

pub use self::metrics::OtelMetrics;
pub use self::traces::OtelTraces;

/// The instrumentation scope of all that is recorded.
const SCOPE: &str = "pipeline";
