use crate::pressure::{Budget, Sample};
use crate::settings::{MOST_SLOTS, Settings, cores};

const GIB: u64 = 1 << 30;

/// The slots of the CPU, blocking and IO lane.
fn slots(cores: usize, memory: u64, limit: Option<u64>) -> Vec<usize> {
    Budget::new(cores, memory, limit).lanes.iter().map(|lane| lane.slots).collect()
}

#[test]
fn with_enough_memory_the_budget_is_the_default_settings() {
    assert_eq!(Budget::new(cores(), 1 << 50, None).settings(), Settings::default());
}

#[test]
fn machines_have_the_slots_that_their_cores_and_memory_allow() {
    let cases = [
        (1, GIB / 2, None, [1, 8, 128]),
        (2, 4 * GIB, None, [2, 64, 256]),
        (8, 16 * GIB, None, [8, 64, 256]),
        (8, 16 * GIB, Some(GIB / 2), [4, 8, 128]),
        (8, GIB / 2, Some(16 * GIB), [4, 8, 128]),
        (64, 256 * GIB, None, [64, 64, 256]),
    ];
    for (cores, memory, limit, right) in cases {
        assert_eq!(slots(cores, memory, limit), right, "{cores} cores, {memory} B, {limit:?}");
    }
}

#[test]
fn no_lane_is_without_a_slot_or_beyond_what_settings_allow() {
    assert_eq!(slots(0, 0, Some(0)), [1, 1, 1]);
    assert_eq!(slots(usize::MAX, u64::MAX, None)[0], MOST_SLOTS);
}

#[test]
fn the_table_says_why() {
    let table = Budget::new(8, 16 * GIB, Some(GIB / 2)).to_string();
    let right = "\
8 cores, 16.0 GiB of memory, limit 512.0 MiB
lane      slots  why
cpu           4  memory: 256.0 MiB for this lane, 64.0 MiB per step
blocking      8  memory: 128.0 MiB for this lane, 16.0 MiB per step
io          128  memory: 128.0 MiB for this lane, 1.0 MiB per step";
    assert_eq!(table, right);
    let table = Budget::new(8, 16 * GIB, None).to_string();
    assert!(table.contains("cpu           8  one slot per core"), "{table}");
}

#[test]
fn the_budget_of_this_machine_takes_the_smaller_limit_and_needs_to_know_the_memory() {
    let mut sample = Sample::of_memory(GIB);
    assert_eq!(Budget::here(&sample, None), None);
    sample.available = Some(3 * GIB);
    sample.limit_seen = Some(2 * GIB);
    assert_eq!(Budget::here(&sample, Some(9 * GIB)), Some(Budget::new(cores(), 4 * GIB, Some(2 * GIB))));
}
