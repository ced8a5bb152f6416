//! A run as a timeline: the trace-event format, which Perfetto (ui.perfetto.dev) and `chrome://tracing` open.
//!
//! One process per run. Steps of a lane that ran at the same time are on separate tracks, so slices of a track never
//! overlap: a lane has as many tracks as its peak use of slots. A retried step has a slice for each attempt; between
//! attempts it has no slot and no track. A step from the store did not run and has no slice. The
//! trace of a large run has a selection of its steps, as the page does.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use pipeline_core::frame::Status;
use pipeline_core::{FailureKind, Lane};
use serde_json::{Value, json};

use crate::report::{AttemptReport, RunReport, StepReport};

/// Maximum number of arrows: more show nothing and take long to draw.
const MOST_EDGES: usize = 20_000;
/// Tracks of one lane have numbers above a multiple of this; the whole run has 0.
const TRACKS: usize = 1_000_000;
/// Not the number of a track: viewers would call it the main thread.
const PROCESS: u32 = 4_000_000;

/// Writes the trace of a run: the events that name process and tracks, then the others in order of time.
pub(crate) fn write(report: &RunReport, out: &mut impl Write) -> io::Result<()> {
    let slices = slices(&report.steps);
    let mut events = slices.iter().map(Slice::event).collect();
    flows(report, &slices, &mut events);
    // Not of a selection: the others were in slots, too.
    if report.left_out() == 0 {
        slots_in_use(&slices, &mut events);
    }
    resources(report, &mut events);
    events.sort_by_key(|(at, order, _)| (*at, *order));
    let names = names(report, &slices).into_iter().chain(events.into_iter().map(|(_, _, event)| event));
    out.write_all(b"{\"displayTimeUnit\":\"ms\",\"otherData\":")?;
    serde_json::to_writer(&mut *out, &about(report))?;
    out.write_all(b",\"traceEvents\":[")?;
    for (index, event) in names.enumerate() {
        out.write_all(if index == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *out, &event)?;
    }
    out.write_all(b"\n]}\n")
}

/// An event, with its time and its rank among those of the same time.
type Placed = (Duration, u8, Value);

fn about(report: &RunReport) -> Value {
    let mut about = json!({
        "run_id": report.run_id,
        "status": report.status,
        "started_unix_ms": report.started_unix_ms,
        "steps_without_times": report.steps.iter().filter(|step| attempts(step).next().is_none()).count(),
    });
    if report.left_out() > 0 {
        about["steps_left_out"] = report.left_out().into();
    }
    about
}

/// A failed attempt that was followed by another.
type Told<'r> = Option<&'r AttemptReport>;

/// One attempt of a step that ran.
struct Slice<'r> {
    /// Its position in the report.
    index: usize,
    step: &'r StepReport,
    told: Told<'r>,
    start: Duration,
    end: Duration,
    track: usize,
}

/// Returns start and end of each attempt of a step that ran.
fn attempts(step: &StepReport) -> impl Iterator<Item = (Duration, Duration, Told<'_>)> {
    let timed = step.timed_attempts();
    timed.filter_map(|(times, told)| Some((times.start, times.start + times.duration?, told)))
}

/// Returns microseconds, the unit of the format, with decimals.
fn micros(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e3
}

/// Returns a slice for each attempt that ran, in order of time, on the first free track of its lane.
fn slices(steps: &[StepReport]) -> Vec<Slice<'_>> {
    let of_step = |(index, step)| {
        attempts(step).map(move |(start, end, told)| Slice { index, step, told, start, end, track: 0 })
    };
    let mut slices: Vec<Slice<'_>> = steps.iter().enumerate().flat_map(of_step).collect();
    slices.sort_by_key(|slice| (slice.start, slice.end));
    for lane in Lane::ALL {
        // The free tracks, and when the others become free.
        let mut free = std::collections::BTreeSet::new();
        let mut in_use = std::collections::BTreeSet::new();
        let mut made = 0;
        for slice in slices.iter_mut().filter(|slice| slice.step.lane == lane) {
            while let Some(&(until, track)) = in_use.first().filter(|&&(until, _)| until <= slice.start) {
                in_use.remove(&(until, track));
                free.insert(track);
            }
            let track = free.pop_first().unwrap_or_else(|| {
                made += 1;
                made - 1
            });
            in_use.insert((slice.end, track));
            slice.track = lane.index() * TRACKS + track + 1;
        }
    }
    slices
}

fn names(report: &RunReport, slices: &[Slice<'_>]) -> Vec<Value> {
    let named = |what: &str, track: usize, args: Value| json!({"ph": "M", "pid": PROCESS, "tid": track, "name": what, "args": args});
    let mut names = vec![named("process_name", 0, json!({"name": format!("run {}", report.run_id)}))];
    let used: std::collections::BTreeSet<usize> = slices.iter().map(|slice| slice.track).collect();
    for track in used {
        let lane = Lane::ALL[track / TRACKS].name();
        names.push(named("thread_name", track, json!({"name": format!("{lane} {}", track % TRACKS)})));
        names.push(named("thread_sort_index", track, json!({"sort_index": track})));
    }
    names
}

impl Slice<'_> {
    /// Returns its complete event.
    fn event(&self) -> Placed {
        let step = self.step;
        let mut args = json!({
            "status": step.status,
            "attempts": step.attempts,
            "wait_ms": step.wait.map(|wait| micros(wait) / 1e3),
            "thread": step.thread,
            "step": step.id,
            "location": step.location,
        });
        if step.attempts_are_timed() {
            let last = || step.failed_attempts.last().map_or(1, |failed| failed.attempt + 1);
            args["attempt"] = json!(self.told.map_or_else(last, |failed| failed.attempt));
        }
        let error = self.told.map(|failed| &failed.error).or(step.error.as_ref());
        if let Some(error) = error {
            args["error"] = json!({"kind": error.kind, "message": error.message});
        }
        if let Some(failed) = self.told {
            let timed_out = failed.error.kind == FailureKind::TimedOut;
            args["status"] = json!(if timed_out { Status::TimedOut } else { Status::Failed });
            args["retried_after_ms"] = json!(micros(failed.retried_after) / 1e3);
        } else if !step.activity.counters.is_empty() {
            args["counters"] = json!(step.activity.counters);
        }
        let event = json!({
            "ph": "X", "pid": PROCESS, "tid": self.track, "name": step.name, "cat": step.lane,
            "ts": micros(self.start), "dur": micros(self.end.saturating_sub(self.start)), "args": args,
        });
        (self.start, 1, event)
    }
}

/// Returns an arrow for each edge, from the end of one step to the start of the other.
fn flows(report: &RunReport, slices: &[Slice<'_>], events: &mut Vec<Placed>) {
    let edges = report.steps.iter().map(|step| step.upstream.len()).sum::<usize>();
    if edges > MOST_EDGES {
        return;
    }
    // The first and the last slice of each step.
    let mut ends: Vec<Option<(&Slice<'_>, &Slice<'_>)>> = vec![None; report.steps.len()];
    for slice in slices {
        let first = ends[slice.index].map_or(slice, |(first, _)| first);
        ends[slice.index] = Some((first, slice));
    }
    let mut number = 0;
    for (step, report_of) in report.steps.iter().enumerate() {
        for &upstream in &report_of.upstream {
            let place = |step: usize| ends.get(step).copied().flatten();
            let (Some((_, from)), Some((to, _))) = (place(upstream), place(step)) else { continue };
            let (from, from_track, to, to_track) = (from.end, from.track, to.start, to.track);
            number += 1;
            // An arrow belongs to the slice that contains it, so its start is just inside.
            let from = from.saturating_sub(Duration::from_nanos(1)).min(to);
            let end = |phase: &str, at: Duration, track: usize| json!({"ph": phase, "pid": PROCESS, "tid": track, "name": "needs", "cat": "edge", "id": number, "ts": micros(at), "bp": "e"});
            events.push((from, 2, end("s", from, from_track)));
            events.push((to, 3, end("f", to, to_track)));
        }
    }
}

/// Returns the number of running steps of each lane, whenever it changed.
fn slots_in_use(slices: &[Slice<'_>], events: &mut Vec<Placed>) {
    let mut changes: BTreeMap<Duration, [i64; 3]> = BTreeMap::new();
    for slice in slices {
        changes.entry(slice.start).or_default()[slice.step.lane.index()] += 1;
        changes.entry(slice.end).or_default()[slice.step.lane.index()] -= 1;
    }
    let mut now = [0_i64; 3];
    for (at, change) in changes {
        let args: serde_json::Map<String, Value> = Lane::ALL
            .iter()
            .map(|lane| {
                now[lane.index()] += change[lane.index()];
                (lane.name().to_owned(), json!(now[lane.index()]))
            })
            .collect();
        events.push((at, 0, counter("slots in use", at, &Value::Object(args))));
    }
}

/// Returns memory and processor use, if they were sampled.
fn resources(report: &RunReport, events: &mut Vec<Placed>) {
    for point in report.resources.iter().flat_map(|curve| &curve.points) {
        let memory = json!({"MiB": point.memory as f64 / f64::from(1 << 20)});
        events.push((point.at, 0, counter("memory", point.at, &memory)));
        events.push((point.at, 0, counter("cpu", point.at, &json!({"cores": point.cpu}))));
    }
}

fn counter(name: &str, at: Duration, args: &Value) -> Value {
    json!({"ph": "C", "pid": PROCESS, "tid": 0, "name": name, "ts": micros(at), "args": args})
}
