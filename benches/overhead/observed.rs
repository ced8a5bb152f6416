//! The cost of observing: the same pipeline with each kind of observer.

use pipeline::{Event, Pipeline};

/// The kinds, in the order of the table, without those of disabled features.
pub(crate) const KINDS: &[&str] = &[
    "observer",
    "an observer that reads the report",
    #[cfg(feature = "tracing")]
    "spans without a subscriber",
    #[cfg(feature = "tracing")]
    "spans in a registry",
    #[cfg(feature = "prometheus")]
    "prometheus",
    #[cfg(feature = "otel")]
    "otel metrics",
    #[cfg(feature = "otel")]
    "otel traces",
];

/// Adds an observer of this kind to the pipeline.
pub(crate) fn with(pipeline: &Pipeline, kind: &str) -> Pipeline {
    let pipeline = pipeline.clone();
    match kind {
        "observer" => pipeline.observe(|event: &Event<'_>| {
            std::hint::black_box(event);
        }),
        "an observer that reads the report" => pipeline.observe(|event: &Event<'_>| {
            if let Event::RunFinished { end, .. } = event {
                std::hint::black_box(end.report());
            }
        }),
        #[cfg(feature = "tracing")]
        "spans without a subscriber" => pipeline.observe(pipeline::telemetry::Spans::new()),
        #[cfg(feature = "tracing")]
        "spans in a registry" => {
            use tracing_subscriber::util::SubscriberInitExt;
            // From here on, for the rest of the process.
            let _ = tracing_subscriber::registry().try_init();
            pipeline.observe(pipeline::telemetry::Spans::new())
        }
        #[cfg(feature = "prometheus")]
        "prometheus" => pipeline.observe(pipeline::telemetry::Prometheus::new()),
        #[cfg(feature = "otel")]
        "otel metrics" => {
            use pipeline::telemetry::{LabelBy, OtelMetrics};
            // Exports once a minute, which is after the bench has ended.
            let exporter = opentelemetry_sdk::metrics::InMemoryMetricExporter::default();
            let meters = opentelemetry_sdk::metrics::SdkMeterProvider::builder()
                .with_periodic_exporter(exporter)
                .build();
            let observer = OtelMetrics::new(&meters, LabelBy::Step);
            // The instruments do not keep it alive.
            std::mem::forget(meters);
            pipeline.observe(observer)
        }
        #[cfg(feature = "otel")]
        "otel traces" => {
            // Spans are made, sampled and dropped: the exporter's cost is not measured.
            let tracers = opentelemetry_sdk::trace::SdkTracerProvider::builder().build();
            let observer = pipeline::telemetry::OtelTraces::new(&tracers);
            std::mem::forget(tracers);
            pipeline.observe(observer)
        }
        other => panic!("no kind of observer is called {other:?}; there are {KINDS:?}"),
    }
}
