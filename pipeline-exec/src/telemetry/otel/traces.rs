//! Runs and steps as OpenTelemetry traces.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use opentelemetry::global::{self, BoxedTracer};
use opentelemetry::trace::{
    Link, Span, SpanContext, Status as SpanStatus, TraceContextExt, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use pipeline_core::{Plan, StepError};

use super::SCOPE;
use crate::event::{Event, Observer, RunView, StepCall};
use crate::report::RunStatus;
use crate::telemetry::inside;

/// Traces runs and steps with OpenTelemetry: `pipeline.observe(OtelTraces::global())`.
///
/// A run is a span (`run`), a child of the context that is current where the run is started. A step is a child span of its name,
/// with a link to each step it waited for. Inside of a step its span is current, on any thread and after any `await`: spans
/// and runs that the step makes are its children. The duration of a span is that of the report.
///
/// | span | attributes |
/// |---|---|
/// | run | `pipeline.run.id`, `pipeline.run.planned`, `pipeline.run.status` |
/// | step | `pipeline.run.id`, `pipeline.step.name`, `pipeline.step.lane`, `pipeline.step.status`, `pipeline.step.attempts`; `pipeline.step.group` and `error.type` if there is one |
///
/// Failed attempts, the failure of the step, and an error that a fallback replaced are events named `exception`. Failed and
/// timed-out steps, and runs with any, have the status *error*. Steps that did not start have no span.
#[derive(Clone)]
pub struct OtelTraces(Arc<BoxedTracer>);

impl OtelTraces {
    /// Makes an observer with the current global tracer provider, so set that first.
    pub fn global() -> Self {
        OtelTraces(Arc::new(global::tracer(SCOPE)))
    }

    /// Makes an observer with a given provider.
    pub fn new<P>(provider: &P) -> Self
    where
        P: TracerProvider,
        P::Tracer: Send + Sync + 'static,
        <P::Tracer as Tracer>::Span: Send + Sync + 'static,
    {
        OtelTraces(Arc::new(BoxedTracer::new(Box::new(provider.tracer(SCOPE)))))
    }
}

impl fmt::Debug for OtelTraces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtelTraces").finish_non_exhaustive()
    }
}

impl Observer for OtelTraces {
    fn on_event(&self, _: &Event<'_>) {}

    fn for_run(&self, run: &RunView) -> Option<Arc<dyn Observer>> {
        let plan = Arc::clone(run.plan());
        let attributes = [
            KeyValue::new("pipeline.run.id", run.run_id().to_owned()),
            KeyValue::new("pipeline.run.planned", i64::try_from(plan.planned()).unwrap_or(i64::MAX)),
        ];
        let parent = Context::current();
        let builder = self.0.span_builder("run").with_start_time(run.started()).with_attributes(attributes);
        let span = self.0.build_with_context(builder, &parent);
        Some(Arc::new(TracedRun {
            tracer: Arc::clone(&self.0),
            context: parent.with_span(span),
            started: run.started(),
            steps: (0..plan.len()).map(|_| TracedStep::default()).collect(),
            plan,
        }))
    }
}

/// The spans of one run.
struct TracedRun {
    tracer: Arc<BoxedTracer>,
    context: Context,
    started: SystemTime,
    plan: Arc<Plan>,
    steps: Box<[TracedStep]>,
}

#[derive(Default)]
struct TracedStep {
    /// While it runs: its span as a context, its start, and the number of failed attempts.
    running: Mutex<Option<(Context, SystemTime, u32)>>,
    /// For the links of the steps that wait for it.
    span: OnceLock<SpanContext>,
}

impl TracedRun {
    fn with<T>(&self, position: usize, look: impl FnOnce(&mut Option<(Context, SystemTime, u32)>) -> T) -> T {
        look(&mut self.steps[position].running.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the context of a running step, or else the run's.
    fn of(&self, position: usize) -> Context {
        let context = self.with(position, |step| step.as_ref().map(|(context, ..)| context.clone()));
        context.unwrap_or_else(|| self.context.clone())
    }

    fn step_started(&self, run_id: &str, position: usize) {
        let spec = self.plan.spec(position);
        let started = SystemTime::now();
        let mut attributes = vec![
            KeyValue::new("pipeline.run.id", run_id.to_owned()),
            KeyValue::new("pipeline.step.name", spec.name().to_owned()),
            KeyValue::new("pipeline.step.lane", self.plan.lane(position).name()),
        ];
        if let Some(group) = &spec.def().group {
            attributes.push(KeyValue::new("pipeline.step.group", group.to_string()));
        }
        let links = self.plan.waits_for(position).filter_map(|from| self.steps[from].span.get());
        let links = links.map(|span| Link::with_context(span.clone())).collect();
        let builder = self.tracer.span_builder(spec.name().to_owned()).with_start_time(started);
        let builder = builder.with_attributes(attributes).with_links(links);
        let span = self.tracer.build_with_context(builder, &self.context);
        let _ = self.steps[position].span.set(span.span_context().clone());
        self.with(position, |step| *step = Some((self.context.with_span(span), started, 0)));
    }

    fn step_finished(&self, event: &Event<'_>) {
        let Event::StepFinished { position, status, duration, error, .. } = *event else { return };
        let Some((context, started, failed)) = self.with(position, Option::take) else { return };
        let span = context.span();
        span.set_attribute(KeyValue::new("pipeline.step.status", status.name()));
        span.set_attribute(KeyValue::new("pipeline.step.attempts", i64::from(failed) + 1));
        if let Some(error) = error {
            span.set_attribute(KeyValue::new("error.type", error.kind().name()));
            span.add_event("exception", exception(error, error.attempt()));
        }
        if status.is_failure() {
            span.set_status(SpanStatus::error(error.map_or("", StepError::message).to_owned()));
        } else if status.has_output() {
            span.set_status(SpanStatus::Ok);
        }
        span.end_with_timestamp(started + duration);
    }
}

/// Returns an error as the attributes of an event, by the semantic conventions.
fn exception(error: &StepError, attempt: u32) -> Vec<KeyValue> {
    vec![
        KeyValue::new("exception.type", error.kind().name()),
        KeyValue::new("exception.message", error.message().to_owned()),
        KeyValue::new("pipeline.step.attempt", i64::from(attempt)),
    ]
}

impl Observer for TracedRun {
    fn on_event(&self, event: &Event<'_>) {
        match *event {
            Event::StepStarted { run_id, position, .. } => self.step_started(run_id, position),
            Event::StepFinished { .. } => self.step_finished(event),
            Event::AttemptFailed { position, attempt, error, .. } => {
                self.with(position, |step| {
                    if let Some((_, _, failed)) = step {
                        *failed = attempt;
                    }
                });
                self.of(position).span().add_event("exception", exception(error, attempt));
            }
            Event::FallbackUsed { position, error, .. } => {
                self.of(position).span().add_event("exception", exception(error, error.attempt()));
            }
            Event::SlowPoll { position, time, .. } => {
                let time = KeyValue::new("pipeline.step.poll", time.as_secs_f64());
                self.of(position).span().add_event("slow poll", vec![time]);
            }
            Event::NestedRunFinished { position, nested, .. } => {
                let id = KeyValue::new("pipeline.run.id", nested.run_id.clone());
                let succeeded = KeyValue::new("pipeline.run.succeeded", nested.succeeded);
                self.of(position).span().add_event("nested run", vec![id, succeeded]);
            }
            Event::SlotsChanged { share, reason, .. } => {
                let share = KeyValue::new("pipeline.run.slots", share.to_string());
                let reason = KeyValue::new("pipeline.run.reason", reason.to_owned());
                self.context.span().add_event("slots changed", vec![share, reason]);
            }
            Event::RunFinished { duration, succeeded, end, .. } => {
                let status = if succeeded { RunStatus::Succeeded } else { end.report().status };
                let span = self.context.span();
                span.set_attribute(KeyValue::new("pipeline.run.status", status.to_string()));
                match status {
                    RunStatus::Succeeded => span.set_status(SpanStatus::Ok),
                    RunStatus::Failed => span.set_status(SpanStatus::error("steps failed")),
                    RunStatus::Cancelled => {}
                }
                span.end_with_timestamp(self.started + duration);
            }
            Event::RunStarted { .. } | Event::AttemptStarted { .. } => {}
        }
    }

    fn wants_enter(&self) -> bool {
        true
    }

    fn enter(&self, call: &StepCall<'_>) {
        inside::enter(|| {
            let context = self.with(call.position, |step| step.as_ref().map(|(context, ..)| context.clone()));
            context.map(Context::attach)
        });
    }

    fn exit(&self, _: &StepCall<'_>) {
        inside::exit();
    }
}
