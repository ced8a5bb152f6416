//! What is drawn, and how long a run is said to take.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use console::measure_text_width;
use pipeline_core::frame::Status;
use pipeline_core::{DagBuilder, Lane, Plan, PlanOptions, ProgressSoFar, RunScope};

use super::expectation::{Expectation, TimeLeft};
use super::picture::{Moment, Picture, Size};
use super::tracker::{Ended, Running, Snapshot, Tracker};
use super::words;
use crate::cli::paint::Paint;
use crate::event::{Event, RunView};
use crate::settings::Settings;

const WIDE: Size = Size { lines: 24, columns: 80 };

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A run that has just started, of a graph and with settings.
fn started(build: impl FnOnce(&mut DagBuilder), settings: Settings) -> Tracker {
    let mut dag = DagBuilder::new();
    build(&mut dag);
    let plan = Plan::new(Arc::new(dag.build().expect("a graph")), &PlanOptions::default()).expect("a plan");
    let (plan, scope) = (Arc::new(plan), Arc::new(RunScope::new("id")));
    let view = RunView::new(plan, scope, Arc::new(settings), SystemTime::now());
    let tracker = Tracker::default();
    tracker.note(&Event::RunStarted { run_id: "id", planned: view.plan().planned(), view: &view });
    tracker
}

/// So many steps that wait for nothing, named as told.
fn independent(count: usize, name: impl Fn(usize) -> String) -> impl FnOnce(&mut DagBuilder) {
    move |dag| {
        (0..count).for_each(|n| _ = dag.blocking(name(n), (), |()| Ok::<_, String>(1_u32)));
    }
}

/// `s0` before `s1` before `s2`.
fn chain(dag: &mut DagBuilder) {
    let first = dag.cpu("s0", (), |()| 1_u32);
    let second = dag.cpu("s1", (first,), |(n,)| *n);
    dag.cpu("s2", (second,), |(n,)| *n);
}

fn start(tracker: &Tracker, position: usize) {
    tracker.note(&Event::StepStarted { run_id: "id", step: "a step", position, lane: Lane::Cpu });
}

fn end(tracker: &Tracker, position: usize, status: Status, duration: Duration) {
    let (run_id, step, error, because, output, cached_from) = ("id", "a step", None, None, None, None);
    tracker.note(&Event::StepFinished {
        run_id,
        step,
        position,
        status,
        duration,
        error,
        because,
        output,
        cached_from,
    });
}

fn running(step: usize, elapsed: Duration) -> Running {
    Running { step, elapsed, attempt: 1, in_attempt: Some(elapsed), retry_in: Duration::ZERO }
}

fn drawn(tracker: &Tracker, snapshot: &Snapshot, still_for: Duration, size: Size) -> Vec<String> {
    let expectation: Expectation = [("s1".to_owned(), seconds(3))].into_iter().collect();
    let time_left = TimeLeft::new(expectation);
    let moment = Moment { time_left: &time_left, left: Some(seconds(80)), still_for };
    let run = tracker.run().expect("it has started");
    Picture::new(Paint::default()).draw(run, snapshot, &moment, size)
}

/// How long the run is said to take, with this known of earlier ones.
fn left(tracker: &Tracker, snapshot: &Snapshot, known: &[(&str, u64)]) -> Option<Duration> {
    let known = known.iter().map(|(name, took)| ((*name).to_owned(), seconds(*took)));
    let left = TimeLeft::new(known.collect()).of(tracker.run().expect("it has started"), snapshot)?;
    Some(Duration::from_millis((left.as_secs_f64() * 1e3).round() as u64))
}

#[test]
fn each_step_is_counted_by_its_status() {
    let tracker = started(independent(5, |n| format!("s{n}")), Settings::default());
    (0..5).for_each(|n| start(&tracker, n));
    start(&tracker, 5);
    let ends = [Status::Succeeded, Status::Failed, Status::TimedOut, Status::Skipped];
    ends.into_iter().enumerate().for_each(|(n, status)| end(&tracker, n, status, seconds(1)));
    let snapshot = tracker.run().expect("it has started").snapshot();
    assert_eq!(snapshot.ended, Ended { all: 4, failed: 2, skipped: 1, cancelled: 0 });
    assert_eq!(snapshot.running.iter().map(|running| running.step).collect::<Vec<_>>(), [4]);
}

#[test]
fn as_many_rows_as_fit_are_drawn_and_none_is_wider_than_the_terminal() {
    let names = ["plain", "漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字", "evil\u{1b}[2J\u{202e}\r\n", "long"];
    let name = |n: usize| format!("{}{}", names[n % 4].repeat(1 + n % 3 * 20), n);
    let tracker = started(independent(64, name), Settings::default());
    let snapshot = Snapshot {
        planned: 64,
        running: (0..64).map(|n| running(n, seconds(9))).collect(),
        ..Snapshot::default()
    };
    for (lines, columns) in [(24, 80), (24, 160), (10, 40), (2, 12), (0, 0)] {
        let drawn = drawn(&tracker, &snapshot, seconds(0), Size { lines, columns });
        let rows = (lines / 2).max(2);
        assert_eq!(drawn.len(), rows + 1, "rows and the bar: {drawn:#?}");
        for line in &drawn {
            assert!(measure_text_width(line) <= columns.saturating_sub(1).max(10), "{columns}: {line:?}");
            assert!(!line.contains(char::is_control) && !line.contains('\u{202e}'), "{line:?}");
        }
        if columns > 40 {
            assert_eq!(drawn[rows - 1], format!("… and {} more running", 64 - rows + 1));
        }
    }
}

#[test]
fn a_row_says_which_attempt_and_what_is_unusual() {
    let tracker = started(chain, Settings::default());
    let mut rows =
        vec![running(0, seconds(65)), running(1, seconds(7)), running(2, Duration::from_millis(100))];
    rows[0].attempt = 2;
    let snapshot =
        Snapshot { planned: 3, running: rows.clone(), elapsed: seconds(66), ..Snapshot::default() };
    let lines = drawn(&tracker, &snapshot, seconds(0), WIDE);
    assert_eq!(
        lines,
        [
            "s0  cpu        1m05s  attempt 2",
            "s1  cpu         7.0s  usually 3.0s",
            "[>                      ]  0/3 steps  1m06s, about 1m20s left",
        ],
        "one that has just started has no row"
    );
    rows[0].in_attempt = None;
    rows[0].retry_in = Duration::from_millis(1500);
    let snapshot = Snapshot { running: rows, ..snapshot };
    assert_eq!(drawn(&tracker, &snapshot, seconds(0), WIDE)[0], "s0  cpu        1m05s  attempt 2 in 1.5s");
}

#[test]
fn after_a_while_without_progress_the_picture_says_what_the_run_waits_for() {
    let tracker = started(chain, Settings::default());
    let mut snapshot = Snapshot { planned: 3, running: vec![running(0, seconds(20))], ..Snapshot::default() };
    let line = |snapshot: &Snapshot, still_for| {
        drawn(&tracker, snapshot, still_for, Size { columns: 120, ..WIDE }).into_iter().rev().nth(1)
    };
    assert_eq!(line(&snapshot, seconds(9)).as_deref(), Some("s0  cpu        20.0s"));
    let wanted = "no progress for 12.0s: waiting for s0; 2 steps not started yet";
    assert_eq!(line(&snapshot, seconds(12)).as_deref(), Some(wanted));
    snapshot.running.clear();
    let wanted = "no progress for 12.0s; 3 steps wait for a limit, memory or an approval";
    assert_eq!(line(&snapshot, seconds(12)).as_deref(), Some(wanted));
}

#[test]
fn a_heartbeat_names_what_runs_longest() {
    let tracker = started(independent(12, |n| format!("s{n}")), Settings::default());
    let ended = Ended { all: 1, failed: 1, ..Ended::default() };
    let mut snapshot =
        Snapshot { planned: 12, ended, running: vec![running(3, seconds(31))], ..Snapshot::default() };
    snapshot.running[0].attempt = 2;
    let text = |snapshot: &Snapshot| {
        super::heartbeat::text(tracker.run().expect("it has started"), snapshot, Some(seconds(5)))
    };
    assert_eq!(text(&snapshot), "1 of 12 ended, 1 failed, about 5s left: s3 31.0s (attempt 2)");
    snapshot.running = (0..11).map(|n| running(n, seconds(31))).collect();
    assert!(text(&snapshot).ends_with("s6 31.0s, s7 31.0s, … and 3 more"), "{}", text(&snapshot));
    snapshot.running.clear();
    assert!(text(&snapshot).ends_with("left: no step"), "{}", text(&snapshot));
}

#[test]
fn the_remaining_time_is_that_of_the_longest_path_as_it_took_before() {
    let tracker = started(chain, Settings::default());
    let known = [("s0", 10), ("s1", 20), ("s2", 30)];
    let snapshot = Snapshot { running: vec![running(0, seconds(4))], ..Snapshot::default() };
    assert_eq!(left(&tracker, &snapshot, &known), Some(seconds(56)), "from the first snapshot on");
    let late = Snapshot { running: vec![running(0, seconds(40))], ..Snapshot::default() };
    assert_eq!(left(&tracker, &late, &known), Some(seconds(50)), "late by more than was expected");
    end(&tracker, 0, Status::Succeeded, seconds(10));
    assert_eq!(left(&tracker, &Snapshot::default(), &known), Some(seconds(50)));
}

#[test]
fn the_remaining_time_is_that_of_the_slots_where_these_are_few() {
    let tracker =
        started(independent(6, |n| format!("s{n}")), Settings { blocking: 2, ..Settings::default() });
    let known = [("s0", 10), ("s1", 10), ("s2", 10), ("s3", 10), ("s4", 10), ("s5", 10)];
    assert_eq!(left(&tracker, &Snapshot::default(), &known), Some(seconds(30)));
    let one = started(independent(6, |n| format!("s{n}")), Settings::default().workers(1));
    assert_eq!(left(&one, &Snapshot::default(), &known), Some(seconds(60)));
}

#[test]
fn what_is_not_known_takes_as_long_as_its_cost_says_and_nothing_is_guessed_too_early() {
    let tracker = started(chain, Settings::default());
    let snapshot = |elapsed| Snapshot { elapsed, ..Snapshot::default() };
    assert_eq!(left(&tracker, &snapshot(seconds(9)), &[]), None, "no step has ended yet");
    end(&tracker, 0, Status::Succeeded, seconds(4));
    assert_eq!(left(&tracker, &snapshot(seconds(1)), &[]), None);
    assert_eq!(left(&tracker, &snapshot(seconds(4)), &[]), Some(seconds(8)), "each as the first");
    assert_eq!(
        left(&tracker, &snapshot(seconds(1)), &[("s1", 6)]),
        Some(seconds(11)),
        "6, and the mean of 4 and 6"
    );
}

#[test]
fn there_is_no_estimate_while_the_last_step_takes_longer_than_ever() {
    let tracker = started(independent(1, |n| format!("s{n}")), Settings::default());
    let known = [("s0", 3)];
    let after = |elapsed| {
        let running = vec![running(0, seconds(elapsed))];
        left(
            &tracker,
            &Snapshot { planned: 1, running, elapsed: seconds(elapsed), ..Snapshot::default() },
            &known,
        )
    };
    assert_eq!([after(1), after(4), after(6)], [Some(seconds(2)), Some(seconds(0)), None]);
}

#[test]
fn times_and_amounts_fit_their_columns() {
    let elapsed = [(0, "0.0s"), (4_250, "4.2s"), (59_999, "59.9s"), (65_000, "1m05s"), (7_380_000, "2h03m")];
    for (millis, wanted) in elapsed {
        assert_eq!(words::elapsed(Duration::from_millis(millis)), wanted);
    }
    let about =
        [(0, "less than 1s left"), (12, "about 12s left"), (86, "about 1m20s left"), (700, "about 11m left")];
    for (time, wanted) in about {
        assert_eq!(words::about(seconds(time)), wanted);
    }
    let progress = |done, total, since| {
        let mut progress = ProgressSoFar::default();
        (progress.done, progress.total) = (done, total);
        words::progress(&progress, since)
    };
    assert_eq!(progress(120, Some(1000), seconds(4)), "120/1000  12%  30/s");
    assert_eq!(progress(u64::MAX, Some(1), Duration::ZERO), format!("{}/1  100%", u64::MAX));
    assert_eq!(progress(5, None, seconds(2)), "5  2.5/s");
    assert_eq!(
        (progress(0, None, seconds(2)), progress(0, Some(0), seconds(2))),
        (String::new(), "0/0".into())
    );
}
