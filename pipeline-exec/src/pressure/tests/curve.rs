use std::time::Duration;

use crate::pressure::{Curve, Recorder, Sample};

fn sample(memory: u64, cpu_millis: u64, threads: u32) -> Sample {
    let cpu = Duration::from_millis(cpu_millis);
    Sample { memory, cpu, threads, ..Sample::default() }
}

/// Makes a recorder of `count` samples, one per second, with two cores in use.
fn recorded(count: u64, memory: impl Fn(u64) -> u64) -> Recorder {
    let mut recorder = Recorder::new();
    for second in 0..count {
        recorder.record(Duration::from_secs(second), &sample(memory(second), 7_000 + second * 2_000, 3));
    }
    recorder
}

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() < 1e-9
}

#[test]
fn without_samples_a_curve_is_empty() {
    assert_eq!(Recorder::new().curve(), Curve::default());
}

#[test]
fn few_samples_are_all_kept_with_their_peaks_and_means() {
    let mut recorder = Recorder::new();
    let samples = [(0, 10, 500, 1), (1000, 90, 1500, 9), (2000, 20, 1500, 2), (4000, 30, 5500, 2)];
    for (at, memory, cpu, threads) in samples {
        recorder.record(Duration::from_millis(at), &sample(memory, cpu, threads));
    }
    let curve = recorder.curve();
    assert_eq!(curve.points.iter().map(|point| point.memory).collect::<Vec<_>>(), [10, 90, 20, 30]);
    assert_eq!(
        curve.points.iter().map(|point| point.at.as_millis()).collect::<Vec<_>>(),
        [0, 1000, 2000, 4000]
    );
    let cores: Vec<f64> = curve.points.iter().map(|point| point.cpu).collect();
    assert!(cores.iter().zip([0.0, 1.0, 0.0, 2.0]).all(|(seen, right)| close(*seen, right)), "{cores:?}");
    assert_eq!((curve.peak_memory, curve.peak_threads, curve.samples), (90, 9, 4));
    assert!(close(curve.mean_cpu, 1.25), "{}", curve.mean_cpu);
    assert!(close(curve.peak_cpu, 2.0), "{}", curve.peak_cpu);
}

#[test]
fn the_points_are_bounded_and_reach_to_the_last_sample() {
    for count in [511, 512, 513, 514, 1023, 1024, 1025, 1026, 5000, 100_003] {
        let curve = recorded(count, |_| 5).curve();
        assert!((256..=512).contains(&curve.points.len()), "{count}: {}", curve.points.len());
        assert_eq!(curve.samples, count);
        assert_eq!(
            curve.points.last().map(|point| point.at),
            Some(Duration::from_secs(count - 1)),
            "{count}"
        );
        // Each point stands for as many samples as the others; the last one may still be filling.
        let apart: Vec<_> = curve.points.windows(2).map(|pair| pair[1].at.abs_diff(pair[0].at)).collect();
        let (last, full) = apart.split_last().expect("points");
        assert!(full.iter().all(|span| *span == full[0]) && *last <= full[0], "{count}: {apart:?}");
    }
}

#[test]
fn merging_points_loses_no_peak_and_no_processor_time() {
    for peak in [0, 1, 510, 511, 512, 1023, 1024, 7777, 9999] {
        let curve = recorded(10_000, |second| if second == peak { 1000 } else { 1 }).curve();
        assert_eq!(curve.points.iter().filter(|point| point.memory == 1000).count(), 1, "{peak}");
        assert_eq!(curve.peak_memory, 1000, "{peak}");
        assert!(curve.points.iter().all(|point| close(point.cpu, 2.0)), "{:?}", curve.points);
        assert!(close(curve.mean_cpu, 2.0) && close(curve.peak_cpu, 2.0));
    }
}

#[test]
fn a_tick_of_the_clock_within_a_short_span_is_no_peak() {
    let mut recorder = Recorder::new();
    // 10 ms of processor time are counted within 1 ms, then nothing for a second.
    for (at, cpu) in [(0, 0), (1, 10), (1000, 10)] {
        recorder.record(Duration::from_millis(at), &sample(1, cpu, 1));
    }
    let curve = recorder.curve();
    assert!(close(curve.peak_cpu, 0.01), "{}", curve.peak_cpu);
}

#[test]
fn a_curve_survives_json() {
    let curve = recorded(700, |second| second).curve();
    let json = serde_json::to_string(&curve).expect("json");
    assert_eq!(serde_json::from_str::<Curve>(&json).expect("a curve"), curve);
}
