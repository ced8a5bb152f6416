//! I19: traces and metrics by OpenTelemetry, as its SDK exports them.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use opentelemetry::trace::{SpanId, Status as SpanStatus, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use pipeline::prelude::*;
use pipeline::telemetry::{LabelBy, OtelMetrics, OtelTraces};
use pipeline::*;

#[step(group = "bronze")]
fn ot_source() -> u32 {
    1
}

/// Returns the current span before and after it waited.
#[step]
async fn ot_async(ot_source: &u32) -> [SpanId; 2] {
    let before = current() + u64::from(*ot_source) - 1;
    tokio::time::sleep(Duration::from_millis(1)).await;
    [before, current()].map(|id| SpanId::from_bytes(id.to_be_bytes()))
}

fn current() -> u64 {
    u64::from_be_bytes(Context::current().span().span_context().span_id().to_bytes())
}

#[step(retries = 1)]
fn ot_fails(ot_source: &u32) -> Result<u32, String> {
    Err(format!("no {ot_source}"))
}

#[step]
fn ot_skipped(ot_fails: &u32, ot_async: &[SpanId; 2]) -> u32 {
    *ot_fails + u32::from(ot_async[0] == SpanId::INVALID)
}

#[step]
fn ot_both(ot_source: &u32, ot_async: &[SpanId; 2]) -> u32 {
    *ot_source + u32::from(ot_async[0] == SpanId::INVALID)
}

struct Traced {
    exporter: InMemorySpanExporter,
    provider: SdkTracerProvider,
}

impl Traced {
    fn new() -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        Traced { exporter, provider }
    }

    fn observer(&self) -> OtelTraces {
        OtelTraces::new(&self.provider)
    }

    /// The ended spans by name; of several with one name, the last.
    fn spans(&self) -> BTreeMap<String, SpanData> {
        let spans = self.exporter.get_finished_spans().unwrap();
        spans.into_iter().map(|span| (span.name.to_string(), span)).collect()
    }
}

fn attribute(attributes: &[KeyValue], key: &str) -> Option<String> {
    attributes.iter().find(|have| have.key.as_str() == key).map(|have| have.value.to_string())
}

#[test]
fn steps_are_spans_with_links_to_their_upstreams_and_the_times_of_the_report() {
    let traced = Traced::new();
    let tracer = traced.provider.tracer("test");
    let caller = Context::new().with_span(tracer.start("caller"));
    let entered = caller.clone().attach();
    let run = Pipeline::to::<ot_both>().keep::<ot_async>().observe(traced.observer()).run_blocking().unwrap();
    drop(entered);
    assert!(!Context::current().has_active_span(), "nothing is left on this thread");
    let spans = traced.spans();
    let of_run = &spans["run"];
    let caller = caller.span().span_context().clone();
    assert_eq!(of_run.parent_span_id, caller.span_id());
    assert_eq!(of_run.end_time.duration_since(of_run.start_time).unwrap(), run.duration());
    let started = of_run.start_time.duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    assert_eq!(started, run.report().started_unix_ms);
    assert_eq!(attribute(&of_run.attributes, "pipeline.run.id").as_deref(), Some(run.id()));
    assert_eq!(attribute(&of_run.attributes, "pipeline.run.status").as_deref(), Some("succeeded"));
    assert_eq!(of_run.status, SpanStatus::Ok);
    for step in &run.report().steps {
        let span = &spans[&step.name];
        assert_eq!(span.parent_span_id, of_run.span_context.span_id(), "{}", step.name);
        assert_eq!(span.span_context.trace_id(), caller.trace_id(), "{}", step.name);
        let took = span.end_time.duration_since(span.start_time).unwrap();
        assert_eq!(Some(took), step.duration, "{}", step.name);
        let links: Vec<SpanId> = span.links.iter().map(|link| link.span_context.span_id()).collect();
        let upstream = step.upstream.iter().map(|&from| &spans[&run.report().steps[from].name]);
        let upstream: Vec<SpanId> = upstream.map(|from| from.span_context.span_id()).collect();
        assert_eq!(links, upstream, "{}", step.name);
        assert_eq!(attribute(&span.attributes, "pipeline.run.id").as_deref(), Some(run.id()));
        assert_eq!(attribute(&span.attributes, "pipeline.step.lane"), Some(step.lane.to_string()));
        assert_eq!(attribute(&span.attributes, "pipeline.step.group"), step.group);
        assert_eq!(attribute(&span.attributes, "pipeline.step.status").as_deref(), Some("succeeded"));
    }
    assert_eq!(spans["ot_both"].links.len(), 2);
    let own = spans["ot_async"].span_context.span_id();
    assert_eq!(run.output::<ot_async>(), Ok(&[own; 2]), "a step is inside its span after an await too");
}

#[test]
fn failures_are_errors_with_their_attempts_and_skipped_steps_have_no_span() {
    let traced = Traced::new();
    let run = Pipeline::to::<ot_skipped>().observe(traced.observer()).run_blocking().unwrap();
    let spans = traced.spans();
    let failed = &spans["ot_fails"];
    assert_eq!(failed.status, SpanStatus::error("no 1"));
    assert_eq!(attribute(&failed.attributes, "error.type").as_deref(), Some("error"));
    assert_eq!(attribute(&failed.attributes, "pipeline.step.attempts").as_deref(), Some("2"));
    assert_eq!(attribute(&failed.attributes, "pipeline.step.status").as_deref(), Some("failed"));
    let attempts = failed.events.iter().map(|event| {
        assert_eq!(event.name, "exception");
        assert_eq!(attribute(&event.attributes, "exception.message").as_deref(), Some("no 1"));
        attribute(&event.attributes, "pipeline.step.attempt").unwrap()
    });
    assert_eq!(attempts.collect::<Vec<_>>(), ["1", "2"]);
    assert!(!spans.contains_key("ot_skipped"));
    assert_eq!(spans["run"].status, SpanStatus::error("steps failed"));
    assert_eq!(attribute(&spans["run"].attributes, "pipeline.run.status").as_deref(), Some("failed"));
    assert_eq!(run.report().counts.skipped, 1);
}

#[test]
fn a_run_within_a_step_is_traced_below_it() {
    let traced = Traced::new();
    let inner = traced.observer();
    let mut dag = DagBuilder::new();
    dag.blocking("outer", (), move |()| {
        let run = Pipeline::to::<ot_source>().observe(inner.clone()).run_blocking();
        run.map(|run| run.id().to_owned()).map_err(|problems| problems.to_string())
    });
    let outer = Pipeline::new(dag.build().unwrap()).observe(traced.observer()).run_blocking().unwrap();
    let inner = outer.output_named::<String>("outer").unwrap();
    let spans = traced.exporter.get_finished_spans().unwrap();
    let of_run = |id: &str| {
        let is = |span: &&SpanData| {
            span.name == "run" && attribute(&span.attributes, "pipeline.run.id").as_deref() == Some(id)
        };
        spans.iter().find(is).unwrap()
    };
    let step = &traced.spans()["outer"];
    assert_eq!(of_run(inner).parent_span_id, step.span_context.span_id());
    assert_eq!(step.parent_span_id, of_run(outer.id()).span_context.span_id());
}

/// The sums, or the counts of histograms, by instrument and attribute values; with the unit.
fn exported(exporter: &InMemoryMetricExporter) -> BTreeMap<(String, Vec<String>), (i64, String)> {
    let mut found = BTreeMap::new();
    let exported = exporter.get_finished_metrics().unwrap();
    let metrics = exported
        .last()
        .unwrap()
        .scope_metrics()
        .flat_map(opentelemetry_sdk::metrics::data::ScopeMetrics::metrics);
    for metric in metrics {
        let mut add = |attributes: Vec<&KeyValue>, value: i64| {
            let mut values: Vec<String> = attributes.iter().map(|have| have.value.to_string()).collect();
            values.sort();
            found.insert((metric.name().to_owned(), values), (value, metric.unit().to_owned()));
        };
        match metric.data() {
            AggregatedMetrics::U64(MetricData::Sum(sum)) => {
                sum.data_points().for_each(|at| add(at.attributes().collect(), at.value().cast_signed()));
            }
            AggregatedMetrics::I64(MetricData::Sum(sum)) => {
                sum.data_points().for_each(|at| add(at.attributes().collect(), at.value()));
            }
            AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
                histogram
                    .data_points()
                    .for_each(|at| add(at.attributes().collect(), at.count().cast_signed()));
            }
            other => panic!("{}: {other:?}", metric.name()),
        }
    }
    found
}

#[test]
fn steps_attempts_and_runs_are_measured_with_units() {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
    let pipeline = Pipeline::to::<ot_skipped>().observe(OtelMetrics::new(&provider, LabelBy::Step));
    pipeline.run_blocking().unwrap();
    pipeline.run_blocking().unwrap();
    provider.force_flush().unwrap();
    let exported = exported(&exporter);
    let value = |name: &str, attributes: &[&str]| {
        let attributes = attributes.iter().map(|&value| value.to_owned()).collect();
        exported.get(&(name.to_owned(), attributes)).map(|(value, unit)| (*value, unit.as_str()))
    };
    assert_eq!(value("pipeline.step.count", &["cpu", "ot_source", "succeeded"]), Some((2, "{step}")));
    assert_eq!(value("pipeline.step.count", &["cpu", "failed", "ot_fails"]), Some((2, "{step}")));
    assert_eq!(value("pipeline.step.count", &["cpu", "ot_skipped", "skipped"]), Some((2, "{step}")));
    assert_eq!(value("pipeline.step.duration", &["io", "ot_async", "succeeded"]), Some((2, "s")));
    assert_eq!(value("pipeline.step.duration", &["cpu", "ot_skipped", "skipped"]), None);
    assert_eq!(value("pipeline.step.wait", &["io", "ot_async"]), Some((2, "s")));
    assert_eq!(value("pipeline.step.attempts", &["cpu", "ot_fails"]), Some((4, "{attempt}")));
    assert_eq!(value("pipeline.step.retries", &["cpu", "ot_fails"]), Some((2, "{attempt}")));
    assert_eq!(value("pipeline.step.active", &["cpu", "ot_fails"]), Some((0, "{step}")));
    assert_eq!(value("pipeline.run.count", &["failed"]), Some((2, "{run}")));
    assert_eq!(value("pipeline.run.duration", &["failed"]), Some((2, "s")));
    assert_eq!(value("pipeline.run.active", &[]), Some((0, "{run}")));
}

#[test]
fn the_global_providers_are_the_default() {
    // No other test of this process sets them.
    let traced = Traced::new();
    opentelemetry::global::set_tracer_provider(traced.provider.clone());
    let exporter = InMemoryMetricExporter::default();
    let meters = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
    opentelemetry::global::set_meter_provider(meters.clone());
    let by_group = OtelMetrics::global_labelled_by(LabelBy::Group);
    let run = Pipeline::to::<ot_source>().observe(OtelTraces::global()).observe(by_group).run_blocking();
    assert!(run.unwrap().succeeded());
    meters.force_flush().unwrap();
    assert!(traced.spans().contains_key("ot_source"));
    let key = ("pipeline.step.count".to_owned(), ["bronze", "cpu", "succeeded"].map(str::to_owned).to_vec());
    assert_eq!(exported(&exporter)[&key].0, 1);
}
