//! Runs and steps for OpenTelemetry: traces and metrics, each with its observer.
//!
//! The types of `opentelemetry` are the one exception to the rule that public signatures have no third-party type, because a
//! provider can only be passed as such a type. A program that does not want them uses the global providers.

mod metrics;
mod traces;

pub use self::metrics::OtelMetrics;
pub use self::traces::OtelTraces;

/// The instrumentation scope.
const SCOPE: &str = "pipeline";
