use std::time::Duration;

use crate::pressure::{Change, Controller, Pressure, Sample, Share};

/// Passes one sample per second to the controller, in percent of a limit of 1000. Returns the changes with their second.
fn changes(controller: &mut Controller, percents: &[u64]) -> Vec<(usize, Pressure, usize)> {
    let observe = |(second, percent): (usize, &u64)| {
        let sample = Sample::of_memory(percent * 10);
        let change = controller.observe(Duration::from_secs(second as u64), &sample)?;
        assert_eq!(change.at.as_secs(), second as u64);
        // 8 slots; 0 for one step at a time.
        let slots = if change.share.is_one_at_a_time() { 0 } else { change.share.of(8) };
        Some((second, change.pressure, slots))
    };
    percents.iter().enumerate().filter_map(observe).collect()
}

fn of_eight_slots() -> Controller {
    Controller::new(1000).slots(8)
}

fn one_change(controller: &mut Controller, sample: &Sample) -> Change {
    controller.observe(Duration::from_secs(1), sample).expect("a change")
}

#[test]
fn high_memory_halves_the_share_each_time_down_to_one_step_at_a_time() {
    use Pressure::High;
    let seen = changes(&mut of_eight_slots(), &[79, 80, 94, 80, 85, 85]);
    assert_eq!(seen, [(1, High, 4), (2, High, 2), (3, High, 1), (4, High, 0)]);
}

#[test]
fn critical_memory_leaves_one_step_at_a_time_at_once() {
    assert_eq!(changes(&mut of_eight_slots(), &[10, 95, 96, 200]), [(1, Pressure::Critical, 0)]);
}

#[test]
fn calm_memory_doubles_the_share_after_each_third_observation() {
    use Pressure::{Critical, Normal, Recovering};
    let seen = changes(&mut of_eight_slots(), &[95, 69, 69, 69, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(
        seen,
        [(0, Critical, 0), (3, Recovering, 1), (6, Recovering, 2), (9, Recovering, 4), (12, Normal, 8)]
    );
}

#[test]
fn between_calm_and_high_nothing_changes_and_calm_starts_over() {
    use Pressure::{High, Normal};
    let seen = changes(&mut of_eight_slots(), &[80, 70, 79, 75, 69, 69, 70, 69, 69, 79, 69, 69, 69]);
    assert_eq!(seen, [(0, High, 4), (12, Normal, 8)]);
}

#[test]
fn high_memory_interrupts_a_recovery() {
    use Pressure::{High, Normal, Recovering};
    let seen = changes(&mut of_eight_slots(), &[80, 80, 0, 0, 0, 80, 0, 0, 0, 0, 0, 0]);
    assert_eq!(
        seen,
        [(0, High, 4), (1, High, 2), (4, Recovering, 4), (5, High, 2), (8, Recovering, 4), (11, Normal, 8)]
    );
}

#[test]
fn critical_is_reported_once_although_memory_goes_up_and_down() {
    assert_eq!(changes(&mut of_eight_slots(), &[95, 94, 95, 80, 99, 75, 96]), [(0, Pressure::Critical, 0)]);
}

#[test]
fn critical_memory_is_reported_although_the_share_cannot_shrink() {
    let mut controller = Controller::new(1000).slots(1);
    assert_eq!(changes(&mut controller, &[80, 95]), [(0, Pressure::High, 0), (1, Pressure::Critical, 0)]);
}

#[test]
fn a_lane_of_seven_slots_shrinks_to_three_and_one_and_grows_back() {
    let mut controller = Controller::new(1000).slots(7);
    let mut slots = Vec::new();
    for memory in [800, 800, 800, 0, 0, 0, 0, 0, 0, 0, 0, 0] {
        let change = controller.observe(Duration::ZERO, &Sample::of_memory(memory));
        slots.extend(change.map(|change| (change.share.of(7), change.share.is_one_at_a_time())));
    }
    assert_eq!(slots, [(3, false), (1, false), (1, true), (1, false), (3, false), (7, false)]);
}

#[test]
fn the_smaller_limit_applies_and_the_reason_names_its_source() {
    let gib = |tenths: u64| tenths * (1 << 30) / 10;
    let mut sample = Sample::of_memory(gib(34));
    let change = one_change(&mut Controller::new(gib(40)), &sample);
    assert_eq!(change.reason, "memory 3.4 GiB of 4.0 GiB (84 %)");
    sample.limit_seen = Some(gib(80));
    assert_eq!(one_change(&mut Controller::new(gib(40)), &sample).reason, change.reason);
    sample.limit_seen = Some(gib(35));
    let change = one_change(&mut Controller::new(gib(40)), &sample);
    assert_eq!(change.pressure, Pressure::Critical);
    assert_eq!(change.reason, "memory 3.4 GiB of 3.5 GiB (97 % of the limit of its cgroup)");
}

#[test]
fn without_a_limit_of_the_run_that_of_the_sample_applies() {
    let mut sample = Sample::of_memory(1 << 40);
    let mut controller = Controller::new(u64::MAX);
    assert_eq!(controller.observe(Duration::ZERO, &sample), None);
    sample.limit_seen = Some(1 << 40);
    assert_eq!(one_change(&mut controller, &sample).pressure, Pressure::Critical);
}

#[test]
fn no_memory_at_all_is_critical_and_not_a_division_by_zero() {
    let mut sample = Sample::of_memory(1);
    assert_eq!(one_change(&mut Controller::new(0), &sample).pressure, Pressure::Critical);
    sample.limit_seen = Some(0);
    assert_eq!(one_change(&mut Controller::new(5), &sample).pressure, Pressure::Critical);
}

#[test]
fn a_change_describes_a_lane() {
    let mut controller = of_eight_slots();
    let change = one_change(&mut controller, &Sample::of_memory(850));
    assert_eq!(change.in_lane("CPU", 8), "memory 850 B of 1000 B (85 %): CPU slots 8 → 4");
    assert_eq!(change.to_string(), "memory 850 B of 1000 B (85 %): 1/2 of the slots, all slots before");
    let change = one_change(&mut controller, &Sample::of_memory(990));
    let text = "memory 990 B of 1000 B (99 %): one step at a time, 1/2 of the slots before";
    assert_eq!(change.in_lane("CPU", 8), text);
}

#[test]
fn a_change_without_effect_names_a_remedy() {
    let mut controller = Controller::new(1000).slots(1);
    one_change(&mut controller, &Sample::of_memory(800));
    let text = one_change(&mut controller, &Sample::of_memory(1000)).to_string();
    assert!(text.contains("already") && text.contains("raise the limit"), "{text}");
}

#[test]
fn a_change_survives_json_and_a_share_of_zero_is_refused() {
    let change = one_change(&mut of_eight_slots(), &Sample::of_memory(850));
    let json = serde_json::to_value(&change).expect("json");
    assert_eq!((&json["share"], &json["before"], &json["pressure"]), (&2.into(), &1.into(), &"high".into()));
    assert_eq!(serde_json::from_value::<Change>(json).expect("a change"), change);
    assert!(serde_json::from_str::<Share>("0").is_err());
}
