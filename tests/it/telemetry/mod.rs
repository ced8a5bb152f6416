//! What other systems see of runs: hooks, and who goes with a step into its code; spans, traces, metrics.

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
