//! What other systems see of runs: closures, observers that enter steps, spans, traces, metrics.

mod closures;
mod entering;
#[cfg(feature = "otel")]
mod otel;
#[cfg(feature = "prometheus")]
mod prometheus;
#[cfg(feature = "tracing")]
mod spans;
#[cfg(all(feature = "tracing", feature = "otel", feature = "prometheus"))]
mod values;
