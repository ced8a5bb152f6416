//! A run as a timeline: the trace-event format, which Perfetto (ui.perfetto.dev) and `chrome://tracing` open.
//!
//! One process per run. Steps of a lane that ran beside each other are on tracks of their own, so that no two slices of a
//! track overlap: how many tracks a lane has is how many of its slots were in use at once, at the most.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use pipeline_core::Lane;
use serde_json::{Value, json};

use crate::report::{RunReport, StepReport};

/// A drawing of more edges shows nothing, and takes long to draw.
const MOST_EDGES: usize = 20_000;
/// Tracks of one lane have numbers above a multiple of this; what belongs to the whole run has 0.
const TRACKS: usize = 1_000_000;
const PROCESS: u32 = 1;

/// Writes the trace of a run. Events are in order of time, after those that name process and tracks.
pub(crate) fn write(report: &RunReport, out: &mut impl Write) -> io::Result<()> {
    let tracks = tracks(&report.steps);
    let mut events = slices(report, &tracks);
    flows(report, &tracks, &mut events);
    slots_in_use(&report.steps, &mut events);
    resources(report, &mut events);
    events.sort_by_key(|(at, order, _)| (*at, *order));
    let names = names(report, &tracks).into_iter().chain(events.into_iter().map(|(_, _, event)| event));
    out.write_all(b"{\"displayTimeUnit\":\"ms\",\"otherData\":")?;
    serde_json::to_writer(&mut *out, &about(report))?;
    out.write_all(b",\"traceEvents\":[")?;
    for (index, event) in names.enumerate() {
        out.write_all(if index == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *out, &event)?;
    }
    out.write_all(b"\n]}\n")
}

/// An event, with when it is and its place among those of the same moment.
type Placed = (Duration, u8, Value);

fn about(report: &RunReport) -> Value {
    json!({
        "run_id": report.run_id,
        "status": report.status,
        "started_unix_ms": report.started_unix_ms,
        "steps_without_times": report.steps.iter().filter(|step| span(step).is_none()).count(),
    })
}

/// Start and end of a step that ran.
fn span(step: &StepReport) -> Option<(Duration, Duration)> {
    step.start.zip(step.duration).map(|(start, time)| (start, start + time))
}

/// Microseconds, to the nanosecond: the unit of the format.
fn micros(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e3
}

/// The track of each step that ran: the first of its lane that is free when it starts.
fn tracks(steps: &[StepReport]) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..steps.len()).filter(|&step| span(&steps[step]).is_some()).collect();
    order.sort_by_key(|&step| span(&steps[step]));
    let mut tracks = vec![None; steps.len()];
    for lane in Lane::ALL {
        // Which tracks are free, and when those in use become so.
        let mut free = std::collections::BTreeSet::new();
        let mut in_use = std::collections::BTreeSet::new();
        let mut made = 0;
        for &step in order.iter().filter(|&&step| steps[step].lane == lane) {
            let Some((start, end)) = span(&steps[step]) else { continue };
            while let Some(&(until, track)) = in_use.first().filter(|&&(until, _)| until <= start) {
                in_use.remove(&(until, track));
                free.insert(track);
            }
            let track = free.pop_first().unwrap_or_else(|| {
                made += 1;
                made - 1
            });
            in_use.insert((end, track));
            tracks[step] = Some(lane.index() * TRACKS + track + 1);
        }
    }
    tracks
}

fn names(report: &RunReport, tracks: &[Option<usize>]) -> Vec<Value> {
    let named = |what: &str, track: usize, args: Value| json!({"ph": "M", "pid": PROCESS, "tid": track, "name": what, "args": args});
    let mut names = vec![named("process_name", 0, json!({"name": format!("run {}", report.run_id)}))];
    let used: std::collections::BTreeSet<usize> = tracks.iter().flatten().copied().collect();
    for track in used {
        let lane = Lane::ALL[track / TRACKS].name();
        names.push(named("thread_name", track, json!({"name": format!("{lane} {}", track % TRACKS)})));
        names.push(named("thread_sort_index", track, json!({"sort_index": track})));
    }
    names
}

/// A complete event for each step that ran.
fn slices(report: &RunReport, tracks: &[Option<usize>]) -> Vec<Placed> {
    let slice = |(step, track): (&StepReport, &Option<usize>)| {
        let ((start, end), track) = (span(step)?, (*track)?);
        let mut args = json!({
            "status": step.status,
            "attempts": step.attempts,
            "wait_ms": step.wait.map(|wait| micros(wait) / 1e3),
            "thread": step.thread,
            "step": step.id,
            "location": step.location,
        });
        if let Some(error) = &step.error {
            args["error"] = json!({"kind": error.kind, "message": error.message});
        }
        if !step.activity.counters.is_empty() {
            args["counters"] = json!(step.activity.counters);
        }
        Some((
            start,
            1,
            json!({
                "ph": "X", "pid": PROCESS, "tid": track, "name": step.name, "cat": step.lane,
                "ts": micros(start), "dur": micros(end.saturating_sub(start)), "args": args,
            }),
        ))
    };
    report.steps.iter().zip(tracks).filter_map(slice).collect()
}

/// An arrow for each edge, from the end of one step to the start of the other.
fn flows(report: &RunReport, tracks: &[Option<usize>], events: &mut Vec<Placed>) {
    let edges = report.steps.iter().map(|step| step.upstream.len()).sum::<usize>();
    if edges > MOST_EDGES {
        return;
    }
    let mut number = 0;
    for (step, report_of) in report.steps.iter().enumerate() {
        for &upstream in &report_of.upstream {
            let place = |step: usize| Some((span(report.steps.get(step)?)?, (*tracks.get(step)?)?));
            let (Some(((_, from), from_track)), Some(((to, _), to_track))) = (place(upstream), place(step))
            else {
                continue;
            };
            number += 1;
            // An arrow belongs to the slice that it lies in, so its begin is just inside.
            let from = from.saturating_sub(Duration::from_nanos(1)).min(to);
            let end = |phase: &str, at: Duration, track: usize| json!({"ph": phase, "pid": PROCESS, "tid": track, "name": "needs", "cat": "edge", "id": number, "ts": micros(at), "bp": "e"});
            events.push((from, 2, end("s", from, from_track)));
            events.push((to, 3, end("f", to, to_track)));
        }
    }
}

/// How many steps of each lane were under way, whenever that changed.
fn slots_in_use(steps: &[StepReport], events: &mut Vec<Placed>) {
    let mut changes: BTreeMap<Duration, [i64; 3]> = BTreeMap::new();
    for step in steps {
        let Some((start, end)) = span(step) else { continue };
        changes.entry(start).or_default()[step.lane.index()] += 1;
        changes.entry(end).or_default()[step.lane.index()] -= 1;
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

/// Memory and processor, where they were sampled.
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
