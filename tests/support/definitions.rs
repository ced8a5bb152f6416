//! The definitions of a run's figures, computed again from the times of its steps.

use std::time::Duration;

use pipeline::RunReport;

/// Asserts that the figures of a report are what their definitions say (I06). For runs without retries.
#[track_caller]
pub(crate) fn check(report: &RunReport) {
    let figures = &report.figures;
    let lengths: Vec<Duration> = report.steps.iter().map(|step| step.duration.unwrap_or_default()).collect();
    let total: Duration = lengths.iter().sum();
    // Steps are in plan order, so the steps before each one are done before it.
    let mut paths: Vec<Duration> = Vec::with_capacity(lengths.len());
    for (step, length) in report.steps.iter().zip(&lengths) {
        let before = step.upstream.iter().map(|&earlier| paths[earlier]).max().unwrap_or_default();
        paths.push(before + *length);
    }
    let path = paths.into_iter().max().unwrap_or_default();
    assert_eq!((figures.total, figures.critical_path), (total, path), "D and P");
    let on_path = figures.critical_steps.iter().filter_map(|name| report.step(name)?.duration);
    assert_eq!(on_path.sum::<Duration>(), path, "the steps on the critical path");
    let [t, d, p] = [report.wall, total, path].map(|time| time.as_secs_f64());
    let w = figures.slots as f64;
    for (name, figure, wanted) in [
        ("parallel efficiency", figures.parallel_efficiency, (100.0 * (d / w) / t).min(100.0)),
        ("speed-up", figures.speed_up, d / t),
        ("critical-path ratio", figures.critical_path_ratio, t / p),
        ("schedule efficiency", figures.schedule_efficiency, p.max(d / w) / t),
        ("utilisation", figures.utilisation, d / (w * t)),
    ] {
        assert!((figure - wanted).abs() <= 1e-6 * wanted.max(1.0), "{name}: {figure}, but {wanted}");
    }
    let spans: Vec<(Duration, Duration)> =
        report.steps.iter().filter_map(|step| Some((step.start?, step.start? + step.duration?))).collect();
    let at_once = |at: Duration| spans.iter().filter(|(start, end)| *start <= at && at < *end).count();
    let peak = spans.iter().map(|(start, _)| at_once(*start)).max().unwrap_or(0);
    assert_eq!(figures.peak_concurrency, peak, "peak concurrency");
}
