//! Interleaved samples and their medians.

use std::fmt;
use std::time::Duration;

/// How much medians of two runs of a bench differ on a quiet machine.
const NOISE: f64 = 1.05;

/// What the measurements say about the targets.
#[derive(Debug)]
pub(crate) struct Verdicts {
    quick: bool,
    kept: bool,
}

/// The most that is wanted of a measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// Nothing is expected.
    None,
    /// A time or an amount, which the machine's load changes: the quick form does not judge it.
    Most(f64),
    /// A ratio to something that was measured in turn with it: the quick form fails if it is more than twice as much.
    Ratio(f64),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::None => Ok(()),
            Target::Most(most) | Target::Ratio(most) => write!(f, "<= {most}"),
        }
    }
}

impl Verdicts {
    pub(crate) fn new(quick: bool) -> Self {
        Verdicts { quick, kept: true }
    }

    /// Prints a line of the third table.
    pub(crate) fn line(&mut self, measure: &str, value: f64, unit: &str, target: Target) {
        let verdict = self.judge(value, target);
        println!("{measure},{value:.3},{unit},{target},{verdict}");
    }

    /// Judges a measurement; returns the verdict in words, empty if nothing is expected.
    pub(crate) fn judge(&mut self, value: f64, target: Target) -> &'static str {
        let (most, is_ratio) = match target {
            Target::None => return "",
            Target::Most(most) => (most, false),
            Target::Ratio(most) => (most, true),
        };
        let verdict = match value {
            value if value <= most => "ok",
            value if value <= NOISE * most => "ok within noise",
            value if is_ratio && value > 2.0 * most => "MISSED GROSSLY",
            _ => "MISSED",
        };
        self.kept &= match verdict {
            "MISSED" => self.quick,
            "MISSED GROSSLY" => false,
            _ => true,
        };
        verdict
    }

    /// Whether no target was missed; in the quick form, none grossly.
    pub(crate) fn are_good(&self) -> bool {
        self.kept
    }
}

/// Times one contender once, in nanoseconds per step.
pub(crate) type Sample<'a> = Box<dyn FnMut() -> f64 + 'a>;

/// Takes `rounds` samples of each contender in turn (A B C A B C …), so that other load on the machine affects all of
/// them, and returns the medians.
pub(crate) fn interleaved<const N: usize>(rounds: usize, contenders: [Sample<'_>; N]) -> [f64; N] {
    in_turn(rounds, contenders).map(median)
}

/// The same, and returns the least of each.
pub(crate) fn interleaved_least<const N: usize>(rounds: usize, contenders: [Sample<'_>; N]) -> [f64; N] {
    in_turn(rounds, contenders).map(least)
}

fn in_turn<const N: usize>(rounds: usize, mut contenders: [Sample<'_>; N]) -> [Vec<f64>; N] {
    let mut samples: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(rounds));
    for _ in 0..rounds {
        for (samples, contender) in samples.iter_mut().zip(&mut contenders) {
            samples.push(contender());
        }
    }
    samples
}

/// The least of some samples: other load on the machine only ever adds.
pub(crate) fn least(samples: impl IntoIterator<Item = f64>) -> f64 {
    samples.into_iter().fold(f64::INFINITY, f64::min)
}

pub(crate) fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// Nanoseconds per step.
pub(crate) fn per_step(time: Duration, steps: usize) -> f64 {
    time.as_nanos() as f64 / steps as f64
}

/// Options from the command line (or the environment).
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "one per flag of the command line")]
pub(crate) struct Options {
    /// `--quick`: fewer and smaller, for CI.
    pub(crate) quick: bool,
    /// `--steps N`: only this size.
    pub(crate) steps: Option<usize>,
    /// `--shape NAME`: only this shape.
    pub(crate) shape: Option<String>,
    /// `--lane async|cpu`: only this lane.
    pub(crate) lane: Option<String>,
    /// `--rounds N`.
    pub(crate) rounds: Option<usize>,
    /// `--profile`: only our own runs, `--rounds` of them, for a profiler.
    pub(crate) profile: bool,
    /// `--timeouts`: with `--profile`, a timeout on every step.
    pub(crate) timeouts: bool,
    /// `--report`: with `--profile`, timings on.
    pub(crate) report: bool,
    /// `--observed KIND`: with `--profile`, an observer.
    pub(crate) observed: Option<String>,
    /// `--everything`: only runs that are recorded, reported and summarised, by size.
    #[cfg(feature = "cli")]
    pub(crate) everything: bool,
    /// `--skip-extra`: only the first tables.
    pub(crate) skip_extra: bool,
    /// `--skip-shapes`: only the last table.
    pub(crate) skip_shapes: bool,
}

impl Options {
    pub(crate) fn read() -> Self {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let has = |name: &str| arguments.iter().any(|argument| argument == name);
        let value = |name: &str| {
            let at = arguments.iter().position(|argument| argument == name)?;
            arguments.get(at + 1).cloned()
        };
        let number = |name: &str| value(name).map(|text| text.parse().expect("a number"));
        Options {
            quick: has("--quick") || std::env::var_os("BENCH_QUICK").is_some(),
            steps: number("--steps"),
            shape: value("--shape"),
            lane: value("--lane"),
            rounds: number("--rounds"),
            profile: has("--profile"),
            timeouts: has("--timeouts"),
            report: has("--report"),
            observed: value("--observed"),
            #[cfg(feature = "cli")]
            everything: has("--everything"),
            skip_extra: has("--skip-extra"),
            skip_shapes: has("--skip-shapes"),
        }
    }
}
