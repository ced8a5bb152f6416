//! P17: monitoring systems see no value that a step receives or returns.

use std::sync::{Arc, Mutex};

use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use pipeline::prelude::*;
use pipeline::telemetry::{LabelBy, OtelMetrics, OtelTraces, Prometheus, Spans};
use pipeline::*;

use super::spans;

/// Part of every value of the run.
const PLANTED: &str = "7f3a9c";

#[step]
fn va_source(#[param] va_plain: String, #[param] va_token: &Secret<String>) -> String {
    format!("{va_plain} {}", va_token.expose())
}

#[step(retries = 1, fallback = format!("fallback {va_kept}", va_kept = PLANTED))]
fn va_tried(va_source: &str) -> Result<String, String> {
    Err(format!("{} characters are too many", va_source.len()))
}

#[step]
async fn va_taken(va_source: String, va_tried: &str) -> Vec<String> {
    tokio::task::yield_now().await;
    vec![va_source, va_tried.to_owned()]
}

#[test]
fn no_value_of_a_step_is_in_spans_metrics_or_events() {
    spans::listen();
    let (traced, measured) = (InMemorySpanExporter::default(), InMemoryMetricExporter::default());
    let traces = SdkTracerProvider::builder().with_simple_exporter(traced.clone()).build();
    let meters = SdkMeterProvider::builder().with_periodic_exporter(measured.clone()).build();
    let metrics = Prometheus::new();
    let events = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&events);
    let run = Pipeline::to::<va_taken>()
        .param("va_plain", format!("plain {PLANTED}"))
        .param("va_token", format!("secret {PLANTED}"))
        .observe(Spans::new())
        .observe(OtelTraces::new(&traces))
        .observe(OtelMetrics::new(&meters, LabelBy::Step))
        .observe(metrics.clone())
        .observe(move |event: &Event<'_>| told.lock().unwrap().push(format!("{event:?}")))
        .run_blocking()
        .unwrap();
    assert!(run.output::<va_taken>().unwrap().iter().all(|value| value.contains(PLANTED)));
    meters.force_flush().unwrap();
    let seen = [
        ("spans", format!("{:?}", spans::lines(run.id()))),
        ("traces", format!("{:?}", traced.get_finished_spans().unwrap())),
        ("metrics", format!("{:?}", measured.get_finished_metrics().unwrap())),
        ("prometheus", metrics.render()),
        ("events", events.lock().unwrap().concat()),
        ("report", format!("{:?}", run.report())),
    ];
    for (what, seen) in seen {
        assert!(seen.contains("va_taken"), "{what}: {seen}");
        assert!(!seen.contains(PLANTED), "{what}: {seen}");
    }
}
