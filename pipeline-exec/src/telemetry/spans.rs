//! Runs and steps as spans of `tracing`.

use std::sync::{Arc, Mutex, PoisonError};

use pipeline_core::frame::Status;
use tracing::{Level, Span, debug, debug_span, error, field, info, info_span, warn};

use super::inside;
use crate::event::{Event, Observer, RunView, StepCall};

/// Makes a `tracing` span for each run and each of its steps: `pipeline.observe(Spans::new())`.
///
/// | span | level | fields |
/// |---|---|---|
/// | `run` | info | `run_id`, `planned`; at its end `succeeded`, `duration` |
/// | `step` | info | `run_id`, `step`, `lane`; at its end `status`, `attempt` (the last one), `duration` |
/// | `attempt` | debug | `attempt`, from the second on: what the step logs in it is in here |
///
/// A run's span is a child of the span that is current where the run is started. Durations are in seconds. What a step logs
/// is in its span, on any thread and after any `await`. A run that it starts, such as one
/// [within](crate::Pipeline::within) it, is a child of its span; a task that it spawns is not, as always in `tracing`.
///
/// Failed attempts, fallbacks and slow polls (warn) and the step's failure (error) are events in the step's span. Skipped
/// steps (debug) and changed slots (info) are events in the run's span. All have the target `pipeline`.
///
/// Spans and events go to the subscriber that is current on the thread that makes them, so set a global one. Texts are
/// recorded as strings, which `tracing_subscriber` escapes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spans(());

impl Spans {
    /// Makes the observer. One serves any number of pipelines and runs.
    pub const fn new() -> Self {
        Spans(())
    }
}

impl Observer for Spans {
    fn on_event(&self, _: &Event<'_>) {}

    fn for_run(&self, run: &RunView) -> Option<Arc<dyn Observer>> {
        let plan = run.plan();
        let span = info_span!(target: "pipeline", "run", run_id = run.run_id(), planned = plan.planned(), succeeded = field::Empty, duration = field::Empty);
        let steps = (0..plan.len()).map(|_| Mutex::default()).collect();
        Some(Arc::new(SpansOfRun { run: Mutex::new(span), steps }))
    }
}

/// The spans of one run.
struct SpansOfRun {
    /// None after the run has ended: a span is closed once it is dropped everywhere, and a kept run keeps this observer.
    run: Mutex<Span>,
    /// The spans of running steps, by position.
    steps: Box<[Mutex<StepSpans>]>,
}

/// The spans of a step: none before its start and after its end.
#[derive(Default)]
struct StepSpans {
    step: Option<Span>,
    /// The number and span of an attempt after the first.
    attempt: Option<(u32, Span)>,
}

impl SpansOfRun {
    fn with<T>(&self, position: usize, look: impl FnOnce(&mut StepSpans) -> T) -> T {
        look(&mut self.steps[position].lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn run(&self) -> Span {
        self.run.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the span of a running step, or else the run's. Events are made inside of it, not only as its children, because
    /// formats that list the spans of an event list the current ones.
    fn of(&self, position: usize) -> Span {
        self.with(position, |spans| spans.step.clone()).unwrap_or_else(|| self.run())
    }
}

impl Observer for SpansOfRun {
    fn on_event(&self, event: &Event<'_>) {
        match *event {
            Event::StepStarted { run_id, step, position, lane, .. } => {
                let span = info_span!(target: "pipeline", parent: &self.run(), "step", run_id, step, lane = lane.name(), status = field::Empty, attempt = field::Empty, duration = field::Empty);
                self.with(position, |spans| spans.step = Some(span));
            }
            Event::AttemptFailed { position, attempt, error, retry_in, .. } => {
                let (error, retry_in) = (error.message(), retry_in.as_secs_f64());
                self.of(position)
                    .in_scope(|| warn!(target: "pipeline", attempt, error, retry_in, "attempt failed"));
            }
            Event::FallbackUsed { position, error, .. } => {
                let error = error.message();
                self.of(position).in_scope(|| warn!(target: "pipeline", error, "fallback used"));
            }
            Event::SlowPoll { position, time, .. } => {
                let time = time.as_secs_f64();
                self.of(position).in_scope(|| warn!(target: "pipeline", time, "the step blocks its thread"));
            }
            Event::NestedRunFinished { position, nested, .. } => {
                let (run_id, succeeded) = (&nested.run_id, nested.succeeded);
                self.of(position)
                    .in_scope(|| info!(target: "pipeline", run_id, succeeded, "nested run finished"));
            }
            Event::SlotsChanged { share, reason, .. } => {
                let share = share.to_string();
                self.run().in_scope(|| info!(target: "pipeline", share, reason, "slots changed"));
            }
            Event::StepFinished { .. } => self.step_finished(event),
            Event::RunFinished { duration, succeeded, .. } => {
                let mut run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
                let span = std::mem::replace(&mut *run, Span::none());
                drop(run);
                span.record("succeeded", succeeded);
                span.record("duration", duration.as_secs_f64());
            }
            Event::RunStarted { .. } | Event::AttemptStarted { .. } => {}
        }
    }

    fn wants_enter(&self) -> bool {
        // Without a subscriber, nothing has to be entered.
        tracing::level_filters::LevelFilter::current() >= Level::ERROR
    }

    fn enter(&self, call: &StepCall<'_>) {
        inside::enter(|| self.span_of_call(call).map(Span::entered));
    }

    fn exit(&self, _: &StepCall<'_>) {
        inside::exit();
    }
}

impl SpansOfRun {
    fn span_of_call(&self, call: &StepCall<'_>) -> Option<Span> {
        self.with(call.position, |spans| {
            let step = spans.step.as_ref()?;
            if call.attempt <= 1 {
                return Some(step.clone());
            }
            if let Some((attempt, span)) = &spans.attempt
                && *attempt == call.attempt
            {
                return Some(span.clone());
            }
            let span = debug_span!(target: "pipeline", parent: step, "attempt", attempt = call.attempt);
            // If spans of this level are disabled, use the step's.
            let span = if span.is_disabled() { step.clone() } else { span };
            spans.attempt = Some((call.attempt, span.clone()));
            Some(span)
        })
    }

    fn step_finished(&self, event: &Event<'_>) {
        let Event::StepFinished { step, position, status, duration, error, .. } = *event else { return };
        let spans = self.with(position, std::mem::take);
        let attempt = spans.attempt.as_ref().map_or(1, |(attempt, _)| *attempt);
        let Some(span) = spans.step else {
            self.run().in_scope(|| debug!(target: "pipeline", step, status = status.name(), "step not run"));
            return;
        };
        span.record("status", status.name());
        span.record("attempt", attempt);
        span.record("duration", duration.as_secs_f64());
        if let Some(error) = error {
            let (kind, error) = (error.kind().name(), error.message());
            if status.is_failure() {
                span.in_scope(|| error!(target: "pipeline", kind, error, "step failed"));
            } else if status == Status::Cancelled {
                span.in_scope(|| info!(target: "pipeline", kind, error, "step cancelled"));
            }
        }
    }
}
