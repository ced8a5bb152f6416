use std::time::Duration;

use proptest::prelude::*;

use crate::pressure::{Change, Controller, Pressure, Sample, Share};

const LIMIT: u64 = 1_000;

fn observe(controller: &mut Controller, memory: u64) -> Option<Change> {
    controller.observe(Duration::ZERO, &Sample::of_memory(memory))
}

/// A controller that has observed samples.
fn controller() -> impl Strategy<Value = Controller> {
    (1..5000_usize, prop::collection::vec(0..2 * LIMIT, 0..60)).prop_map(|(slots, past)| {
        let mut controller = Controller::new(LIMIT).slots(slots);
        for memory in past {
            observe(&mut controller, memory);
        }
        controller
    })
}

proptest! {
    #[test]
    fn a_share_leaves_every_lane_a_slot_and_gives_none_more(
        slots in 1..5000_usize, lane in 1..5000_usize, memory in prop::collection::vec(0..2 * LIMIT, 0..200),
    ) {
        let mut controller = Controller::new(LIMIT).slots(slots);
        for memory in memory {
            observe(&mut controller, memory);
            prop_assert!((1..=lane).contains(&controller.share().of(lane)));
            prop_assert!(controller.share().fraction() > 0.0);
        }
    }

    #[test]
    fn a_change_is_told_exactly_when_the_share_changes_or_memory_becomes_critical(
        mut controller in controller(), memory in prop::collection::vec(0..2 * LIMIT, 0..60),
    ) {
        for memory in memory {
            let (share, pressure) = (controller.share(), controller.pressure());
            let change = observe(&mut controller, memory);
            let alarmed = controller.pressure() == Pressure::Critical && pressure != Pressure::Critical;
            prop_assert_eq!(change.is_some(), controller.share() != share || alarmed);
            if let Some(change) = change {
                prop_assert_eq!((change.before, change.share), (share, controller.share()));
            }
        }
    }

    #[test]
    fn enough_calm_gives_every_slot_back(
        mut controller in controller(), calm in prop::collection::vec(0..LIMIT * 7 / 10, 50),
    ) {
        for memory in calm {
            observe(&mut controller, memory);
        }
        prop_assert_eq!((controller.share(), controller.pressure()), (Share::ALL, Pressure::Normal));
    }

    #[test]
    fn constant_high_memory_takes_slots_away_until_one_step_runs_at_a_time(
        mut controller in controller(), memory in LIMIT * 8 / 10..2 * LIMIT,
    ) {
        for _ in 0..20 {
            let before = controller.share();
            observe(&mut controller, memory);
            let after = controller.share();
            prop_assert!(after.is_one_at_a_time() || after.fraction() < before.fraction());
        }
        prop_assert!(controller.share().is_one_at_a_time());
    }

    #[test]
    fn below_high_no_slot_is_taken_away(
        mut controller in controller(), memory in prop::collection::vec(0..LIMIT * 8 / 10, 0..60),
    ) {
        for memory in memory {
            let before = controller.share().fraction();
            observe(&mut controller, memory);
            prop_assert!(controller.share().fraction() >= before);
        }
    }

    #[test]
    fn from_the_beginning_nothing_changes_below_high(
        slots in 1..5000_usize, memory in prop::collection::vec(0..LIMIT * 8 / 10, 0..60),
    ) {
        let mut controller = Controller::new(LIMIT).slots(slots);
        for memory in memory {
            prop_assert_eq!(observe(&mut controller, memory), None);
        }
    }

    #[test]
    fn memory_that_swings_within_ten_percent_never_gives_a_slot_back_and_takes_it_again(
        base in 0..LIMIT, swings in prop::collection::vec(0..LIMIT / 10, 0..200),
    ) {
        let mut controller = Controller::new(LIMIT).slots(8);
        let (mut grown, mut shrunk) = (false, false);
        for swing in swings {
            let before = controller.share().fraction();
            observe(&mut controller, base + swing);
            grown |= controller.share().fraction() > before;
            shrunk |= controller.share().fraction() < before;
        }
        prop_assert!(!(grown && shrunk));
    }
}
