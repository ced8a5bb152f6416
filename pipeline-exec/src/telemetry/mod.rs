//! Observers for monitoring systems.
//!
//! Each has a feature, and each is an [`Observer`](crate::Observer): `pipeline.observe(…)`.

#[cfg(any(feature = "tracing", feature = "otel"))]
mod inside;
#[cfg(any(feature = "otel", feature = "prometheus"))]
mod label;
#[cfg(any(feature = "otel", feature = "prometheus"))]
mod measure;
#[cfg(feature = "otel")]
mod otel;
#[cfg(feature = "prometheus")]
mod prometheus;
#[cfg(feature = "tracing")]
mod spans;

#[cfg(any(feature = "otel", feature = "prometheus"))]
pub use self::label::LabelBy;
#[cfg(feature = "otel")]
pub use self::otel::{OtelMetrics, OtelTraces};
#[cfg(feature = "prometheus")]
pub use self::prometheus::Prometheus;
#[cfg(feature = "tracing")]
pub use self::spans::Spans;
