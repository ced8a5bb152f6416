//! Runs and steps as metrics for Prometheus.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pipeline_core::frame::Status;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::label::{LabelBy, Labels, StepLabels};
use super::measure::{Measure, Meters, SECONDS};
use crate::event::{Event, Observer, RunView};
use crate::report::RunStatus;

/// Counts and times runs and steps, and renders the result as text for Prometheus. Clones share their counts, over any number
/// of pipelines and runs:
///
/// ```
/// # use pipeline_core::{DagBuilder, Problems};
/// # use pipeline_exec::{Pipeline, telemetry::Prometheus};
/// # let mut dag = DagBuilder::new();
/// # dag.cpu("load", (), |()| 1_u64);
/// let metrics = Prometheus::new();
/// let pipeline = Pipeline::new(dag.build()?).observe(metrics.clone());
/// pipeline.run_blocking()?;
/// // What the program answers to `GET /metrics`, with the type `Prometheus::CONTENT_TYPE`:
/// assert!(metrics.render().contains(r#"pipeline_runs_total{status="succeeded"} 1"#));
/// # Ok::<(), Problems>(())
/// ```
///
/// | metric | labels | |
/// |---|---|---|
/// | `pipeline_steps_total` | step, lane, status | steps that ended, including those that did not start; status `cached`: found in the store |
/// | `pipeline_step_duration_seconds` | step, lane, status | from start to end; steps that started |
/// | `pipeline_step_wait_seconds` | step, lane | from the last input to the start; recorded when the run ends |
/// | `pipeline_step_attempts_total` | step, lane | attempts that were started or scheduled |
/// | `pipeline_step_retries_total` | step, lane | attempts that failed and are followed by another |
/// | `pipeline_step_fallbacks_total` | step, lane | steps that used their fallback |
/// | `pipeline_steps_running` | step, lane | steps that have started and not ended |
/// | `pipeline_runs_total` | status | runs that ended |
/// | `pipeline_run_duration_seconds` | status | from start to end |
/// | `pipeline_runs_running` | | runs that have started and not ended |
///
/// With [`LabelBy::Group`], the label `step` is `group`. Names are shortened to 128 characters, and terminal control characters
/// are escaped.
#[derive(Clone)]
pub struct Prometheus(Arc<Inner>);

struct Inner {
    registry: Registry,
    measure: Measure<Families>,
}

impl Prometheus {
    /// The media type of the text, for the HTTP header.
    pub const CONTENT_TYPE: &'static str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// Makes a collector with a series for each step.
    pub fn new() -> Self {
        Prometheus::labelled_by(LabelBy::Step)
    }

    /// Makes a collector with a series for each step or for each group.
    pub fn labelled_by(by: LabelBy) -> Self {
        let mut registry = Registry::default();
        let families = Families::register(&mut registry);
        let measure = Measure::new(families, Labels::new(by));
        Prometheus(Arc::new(Inner { registry, measure }))
    }

    /// Returns all counts so far, in the `OpenMetrics` text format, which Prometheus reads.
    pub fn render(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.0.registry).expect("invariant: writing to a string does not fail");
        text
    }
}

impl Default for Prometheus {
    fn default() -> Self {
        Prometheus::new()
    }
}

impl fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prometheus").finish_non_exhaustive()
    }
}

impl Observer for Prometheus {
    fn on_event(&self, _: &Event<'_>) {}

    fn for_run(&self, run: &RunView) -> Option<Arc<dyn Observer>> {
        Some(self.0.measure.for_run(run))
    }
}

type Label = (&'static str, String);
type Histograms = Family<Vec<Label>, Histogram, fn() -> Histogram>;

/// All metrics, by label.
#[derive(Debug)]
struct Families {
    steps: Family<Vec<Label>, Counter>,
    durations: Histograms,
    waits: Histograms,
    attempts: Family<Vec<Label>, Counter>,
    retries: Family<Vec<Label>, Counter>,
    fallbacks: Family<Vec<Label>, Counter>,
    steps_running: Family<Vec<Label>, Gauge>,
    runs: Family<Vec<Label>, Counter>,
    run_durations: Histograms,
    runs_running: Gauge,
}

impl Families {
    fn register(registry: &mut Registry) -> Self {
        let histograms = || Histograms::new_with_constructor(|| Histogram::new(SECONDS));
        let families = Families {
            steps: Family::default(),
            durations: histograms(),
            waits: histograms(),
            attempts: Family::default(),
            retries: Family::default(),
            fallbacks: Family::default(),
            steps_running: Family::default(),
            runs: Family::default(),
            run_durations: histograms(),
            runs_running: Gauge::default(),
        };
        let Families { steps, durations, waits, attempts, retries, .. } = &families;
        let Families { fallbacks, steps_running, runs, run_durations, runs_running, .. } = &families;
        // The encoder adds `_total` to counters, and the full stop to each text.
        registry.register("pipeline_steps", "Steps that ended", steps.clone());
        registry.register(
            "pipeline_step_duration_seconds",
            "From a step's start to its end",
            durations.clone(),
        );
        registry.register(
            "pipeline_step_wait_seconds",
            "From a step's last input to its start",
            waits.clone(),
        );
        registry.register("pipeline_step_attempts", "Attempts of steps", attempts.clone());
        registry.register(
            "pipeline_step_retries",
            "Attempts that failed and are followed by another",
            retries.clone(),
        );
        registry.register("pipeline_step_fallbacks", "Steps that used their fallback", fallbacks.clone());
        registry.register("pipeline_steps_running", "Steps that run", steps_running.clone());
        registry.register("pipeline_runs", "Runs that ended", runs.clone());
        registry.register(
            "pipeline_run_duration_seconds",
            "From a run's start to its end",
            run_durations.clone(),
        );
        registry.register("pipeline_runs_running", "Runs that have not ended", runs_running.clone());
        families
    }
}

/// The metrics of one step.
struct StepMetrics {
    labels: Vec<Label>,
    running: Gauge,
    attempts: Counter,
    /// The metrics of each status that the step has ended with.
    ended: [OnceLock<(Counter, OnceLock<Histogram>)>; STATUSES],
}

/// Upper bound of the number of statuses.
const STATUSES: usize = 16;

impl Meters for Families {
    type Step = StepMetrics;

    fn step(&self, labels: &StepLabels) -> StepMetrics {
        let key = match labels.by {
            LabelBy::Step => "step",
            LabelBy::Group => "group",
        };
        let labels = vec![(key, labels.name.clone()), ("lane", labels.lane.name().to_owned())];
        StepMetrics {
            running: self.steps_running.get_or_create_owned(&labels),
            attempts: self.attempts.get_or_create_owned(&labels),
            ended: std::array::from_fn(|_| OnceLock::new()),
            labels,
        }
    }

    fn started(&self, step: &StepMetrics) {
        step.running.inc();
        step.attempts.inc();
    }

    fn retried(&self, step: &StepMetrics) {
        step.attempts.inc();
        self.retries.get_or_create(&step.labels).inc();
    }

    fn fell_back(&self, step: &StepMetrics) {
        self.fallbacks.get_or_create(&step.labels).inc();
    }

    fn ended(&self, step: &StepMetrics, status: Status, ran: Option<Duration>) {
        let with_status = || {
            let mut labels = step.labels.clone();
            labels.push(("status", status.name().to_owned()));
            labels
        };
        let found = step.ended.get(status as usize);
        let made = || (self.steps.get_or_create_owned(&with_status()), OnceLock::new());
        let Some((counter, histogram)) = found.map(|found| found.get_or_init(made)) else { return };
        counter.inc();
        if let Some(ran) = ran {
            step.running.dec();
            let histogram = histogram.get_or_init(|| self.durations.get_or_create_owned(&with_status()));
            histogram.observe(ran.as_secs_f64());
        }
    }

    fn waited(&self, step: &StepMetrics, wait: Duration) {
        self.waits.get_or_create(&step.labels).observe(wait.as_secs_f64());
    }

    fn run_started(&self) {
        self.runs_running.inc();
    }

    fn run_ended(&self, status: RunStatus, duration: Duration) {
        let labels = vec![("status", status.to_string())];
        self.runs_running.dec();
        self.runs.get_or_create(&labels).inc();
        self.run_durations.get_or_create(&labels).observe(duration.as_secs_f64());
    }
}
