//! The memory and processor time of a run over time, in bounded memory.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Sample;

/// More points than a plot shows. At four samples per second, points are first merged after two minutes.
const MOST_POINTS: usize = 512;
/// Processor time is reported in units of 10 ms: over a shorter span, one unit would read as a peak.
const LEAST_SPAN: Duration = Duration::from_millis(100);

/// Memory and processor time over a run, as data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Curve {
    /// In order of time, at most 512.
    pub points: Vec<CurvePoint>,
    /// Number of samples that the points were made of.
    pub samples: u64,
    /// The most memory in a sample, in bytes.
    pub peak_memory: u64,
    /// The most threads in a sample.
    pub peak_threads: u32,
    /// Average cores in use from the first to the last sample: 2.0 means two cores all the time.
    pub mean_cpu: f64,
    /// The most cores in use over a tenth of a second or more; for a shorter run, the mean.
    pub peak_cpu: f64,
}

impl Curve {
    /// The most memory in the points of a span of time, in bytes; `None` if there is none.
    pub(crate) fn peak_memory_in(&self, start: Duration, end: Duration) -> Option<u64> {
        let first = self.points.partition_point(|point| point.at < start);
        let within = self.points[first..].iter().take_while(|point| point.at <= end);
        within.map(|point| point.memory).max()
    }
}

/// The part of a curve from the previous point to this one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CurvePoint {
    /// Its end, since the run began.
    pub at: Duration,
    /// The most memory in it, in bytes.
    pub memory: u64,
    /// Average cores in use.
    pub cpu: f64,
    /// The most threads in it.
    pub threads: u32,
}

/// Collects samples for a [`Curve`]. It keeps at most 512 points, however long the run is: when they are full, it merges
/// each two into one, and later points stand for twice as many samples. No peak is lost.
///
/// ```
/// use std::time::Duration;
///
/// use pipeline_exec::pressure::{Recorder, Sample};
///
/// let mut recorder = Recorder::new();
/// recorder.record(Duration::ZERO, &Sample::of_memory(100));
/// recorder.record(Duration::from_secs(1), &Sample::of_memory(300));
/// assert_eq!(recorder.curve().peak_memory, 300);
/// ```
#[derive(Clone, Debug)]
pub struct Recorder {
    points: Vec<Point>,
    /// Number of samples of a full point, and of the last one.
    per_point: u64,
    in_last: u64,
    samples: u64,
    first: Usage,
    /// The start of the span in which the next peak is measured.
    mark: Usage,
    peak_cpu: f64,
}

#[derive(Clone, Copy, Debug)]
struct Point {
    usage: Usage,
    memory: u64,
    threads: u32,
}

/// A moment, and the processor time used until then.
#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    at: Duration,
    cpu: Duration,
}

impl Usage {
    /// Returns the cores in use since an earlier moment; 0 for no time.
    fn since(self, earlier: Usage) -> f64 {
        let time = self.at.saturating_sub(earlier.at).as_secs_f64();
        let cpu = self.cpu.saturating_sub(earlier.cpu).as_secs_f64();
        if time > 0.0 { cpu / time } else { 0.0 }
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Recorder::new()
    }
}

impl Recorder {
    /// Makes a recorder without samples.
    pub fn new() -> Self {
        Recorder {
            points: Vec::new(),
            per_point: 1,
            in_last: 1,
            samples: 0,
            first: Usage::default(),
            mark: Usage::default(),
            peak_cpu: 0.0,
        }
    }

    /// Adds a sample made `now` after the run began. Samples come in order of time. Processor time counts from the first
    /// one to the last one, so take them at the start and the end of the run.
    pub fn record(&mut self, now: Duration, sample: &Sample) {
        let usage = Usage { at: now, cpu: sample.cpu };
        if self.samples == 0 {
            (self.first, self.mark) = (usage, usage);
        }
        self.samples += 1;
        if now.saturating_sub(self.mark.at) >= LEAST_SPAN {
            self.peak_cpu = self.peak_cpu.max(usage.since(self.mark));
            self.mark = usage;
        }
        self.keep(Point { usage, memory: sample.memory, threads: sample.threads });
    }

    fn keep(&mut self, point: Point) {
        if self.in_last == self.per_point && self.points.len() == MOST_POINTS {
            self.points =
                self.points.chunks(2).map(|pair| pair[1..].iter().copied().fold(pair[0], joined)).collect();
            self.per_point *= 2;
            self.in_last = self.per_point;
        }
        match self.points.last_mut() {
            Some(last) if self.in_last < self.per_point => {
                *last = joined(*last, point);
                self.in_last += 1;
            }
            _ => {
                self.points.push(point);
                self.in_last = 1;
            }
        }
    }

    /// Returns the curve of the samples so far.
    pub fn curve(&self) -> Curve {
        let before = std::iter::once(self.first).chain(self.points.iter().map(|point| point.usage));
        let points = self.points.iter().zip(before).map(|(point, before)| CurvePoint {
            at: point.usage.at,
            memory: point.memory,
            cpu: point.usage.since(before),
            threads: point.threads,
        });
        let mean_cpu = self.points.last().map_or(0.0, |last| last.usage.since(self.first));
        Curve {
            points: points.collect(),
            samples: self.samples,
            peak_memory: self.points.iter().map(|point| point.memory).max().unwrap_or(0),
            peak_threads: self.points.iter().map(|point| point.threads).max().unwrap_or(0),
            mean_cpu,
            peak_cpu: self.peak_cpu.max(mean_cpu),
        }
    }
}

/// Merges two neighbouring points.
fn joined(earlier: Point, later: Point) -> Point {
    Point {
        usage: later.usage,
        memory: earlier.memory.max(later.memory),
        threads: earlier.threads.max(later.threads),
    }
}
