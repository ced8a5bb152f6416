//! What other systems see of runs: hooks, observers that enter steps, spans, traces, metrics.

mod entering;
mod hooks;
#[cfg(feature = "otel")]
mod otel;
#[cfg(feature = "prometheus")]
mod prometheus;
#[cfg(feature = "tracing")]
mod spans;
#[cfg(all(feature = "tracing", feature = "otel", feature = "prometheus"))]
mod values;
