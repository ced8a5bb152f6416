//! Runs and steps as OpenTelemetry metrics.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::metrics::{Counter, Histogram, Meter, MeterProvider, UpDownCounter};
use opentelemetry::{KeyValue, global};
use pipeline_core::frame::Status;

use super::SCOPE;
use crate::event::{Event, Observer, RunView};
use crate::report::RunStatus;
use crate::telemetry::label::{LabelBy, Labels, StepLabels};
use crate::telemetry::measure::{Measure, Meters, SECONDS};

/// Counts and times runs and steps with OpenTelemetry: `pipeline.observe(OtelMetrics::global())`.
///
/// | instrument | kind | unit | attributes |
/// |---|---|---|---|
/// | `pipeline.step.count` | counter | `{step}` | step, lane, status |
/// | `pipeline.step.duration` | histogram | `s` | step, lane, status |
/// | `pipeline.step.wait` | histogram | `s` | step, lane; recorded when the run ends |
/// | `pipeline.step.attempts` | counter | `{attempt}` | step, lane |
/// | `pipeline.step.retries` | counter | `{attempt}` | step, lane |
/// | `pipeline.step.fallbacks` | counter | `{step}` | step, lane |
/// | `pipeline.step.active` | up-down counter | `{step}` | step, lane |
/// | `pipeline.run.count` | counter | `{run}` | status |
/// | `pipeline.run.duration` | histogram | `s` | status |
/// | `pipeline.run.active` | up-down counter | `{run}` | |
///
/// The attributes are `pipeline.step.name` (or `pipeline.step.group`, see [`LabelBy`]), `pipeline.step.lane`,
/// `pipeline.step.status` and `pipeline.run.status`. A step with the status `cached` was found in the store. Clones share the instruments.
#[derive(Clone)]
pub struct OtelMetrics(Arc<Measure<Instruments>>);

impl OtelMetrics {
    /// Makes an observer with the current global meter provider, so set that first.
    pub fn global() -> Self {
        OtelMetrics::of(&global::meter(SCOPE), LabelBy::Step)
    }

    /// Makes an observer with the global meter provider, with series for each step or for each group.
    pub fn global_labelled_by(by: LabelBy) -> Self {
        OtelMetrics::of(&global::meter(SCOPE), by)
    }

    /// Makes an observer with a given provider.
    pub fn new(provider: &impl MeterProvider, by: LabelBy) -> Self {
        OtelMetrics::of(&provider.meter(SCOPE), by)
    }

    fn of(meter: &Meter, by: LabelBy) -> Self {
        OtelMetrics(Arc::new(Measure::new(Instruments::new(meter), Labels::new(by))))
    }
}

impl fmt::Debug for OtelMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtelMetrics").finish_non_exhaustive()
    }
}

impl Observer for OtelMetrics {
    fn on_event(&self, _: &Event<'_>) {}

    fn for_run(&self, run: &RunView) -> Option<Arc<dyn Observer>> {
        Some(self.0.for_run(run))
    }
}

struct Instruments {
    steps: Counter<u64>,
    durations: Histogram<f64>,
    waits: Histogram<f64>,
    attempts: Counter<u64>,
    retries: Counter<u64>,
    fallbacks: Counter<u64>,
    steps_active: UpDownCounter<i64>,
    runs: Counter<u64>,
    run_durations: Histogram<f64>,
    runs_active: UpDownCounter<i64>,
}

impl Instruments {
    fn new(meter: &Meter) -> Self {
        let counter = |name: &'static str, unit: &'static str, text: &'static str| {
            meter.u64_counter(name).with_unit(unit).with_description(text).build()
        };
        let seconds = |name: &'static str, text: &'static str| {
            let histogram = meter.f64_histogram(name).with_unit("s").with_description(text);
            histogram.with_boundaries(SECONDS.to_vec()).build()
        };
        let active = |name: &'static str, unit: &'static str, text: &'static str| {
            meter.i64_up_down_counter(name).with_unit(unit).with_description(text).build()
        };
        Instruments {
            steps: counter("pipeline.step.count", "{step}", "Steps that ended."),
            durations: seconds("pipeline.step.duration", "From a step's start to its end."),
            waits: seconds("pipeline.step.wait", "From a step's last input to its start."),
            attempts: counter("pipeline.step.attempts", "{attempt}", "Attempts of steps."),
            retries: counter(
                "pipeline.step.retries",
                "{attempt}",
                "Attempts that failed and are followed by another.",
            ),
            fallbacks: counter("pipeline.step.fallbacks", "{step}", "Steps that used their fallback."),
            steps_active: active("pipeline.step.active", "{step}", "Steps that run."),
            runs: counter("pipeline.run.count", "{run}", "Runs that ended."),
            run_durations: seconds("pipeline.run.duration", "From a run's start to its end."),
            runs_active: active("pipeline.run.active", "{run}", "Runs that have not ended."),
        }
    }
}

/// The attributes of a step, to which its status is appended.
struct StepAttributes([KeyValue; 2]);

impl StepAttributes {
    fn with(&self, status: Status) -> [KeyValue; 3] {
        let [name, lane] = self.0.clone();
        [name, lane, KeyValue::new("pipeline.step.status", status.name())]
    }
}

impl Meters for Instruments {
    type Step = StepAttributes;

    fn step(&self, labels: &StepLabels) -> StepAttributes {
        let key = match labels.by {
            LabelBy::Step => "pipeline.step.name",
            LabelBy::Group => "pipeline.step.group",
        };
        // An `Arc`, because attributes are cloned for each measurement that appends one.
        let name: Arc<str> = labels.name.as_str().into();
        StepAttributes([KeyValue::new(key, name), KeyValue::new("pipeline.step.lane", labels.lane.name())])
    }

    fn started(&self, step: &StepAttributes) {
        self.steps_active.add(1, &step.0);
        self.attempts.add(1, &step.0);
    }

    fn retried(&self, step: &StepAttributes) {
        self.attempts.add(1, &step.0);
        self.retries.add(1, &step.0);
    }

    fn fell_back(&self, step: &StepAttributes) {
        self.fallbacks.add(1, &step.0);
    }

    fn ended(&self, step: &StepAttributes, status: Status, ran: Option<Duration>) {
        let attributes = step.with(status);
        self.steps.add(1, &attributes);
        if let Some(ran) = ran {
            self.steps_active.add(-1, &step.0);
            self.durations.record(ran.as_secs_f64(), &attributes);
        }
    }

    fn waited(&self, step: &StepAttributes, wait: Duration) {
        self.waits.record(wait.as_secs_f64(), &step.0);
    }

    fn run_started(&self) {
        self.runs_active.add(1, &[]);
    }

    fn run_ended(&self, status: RunStatus, duration: Duration) {
        let attributes = [KeyValue::new("pipeline.run.status", status.to_string())];
        self.runs_active.add(-1, &[]);
        self.runs.add(1, &attributes);
        self.run_durations.record(duration.as_secs_f64(), &attributes);
    }
}
