//! Attempts that may be given up: exactly one of the attempt and the watchdog ends the step.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use crate::counter::Counters;

const SUCCEEDED: u8 = 1;
const TIMED_OUT: u8 = 8;

/// A step whose attempts are watched. Only the thread that claimed the step touches the slot.
struct Step {
    counters: Counters,
    slot: UnsafeCell<Option<u32>>,
}

impl Step {
    fn new() -> Arc<Self> {
        Arc::new(Step { counters: Counters::new(0, 0), slot: UnsafeCell::new(None) })
    }

    /// The end of an attempt's code: stores the output unless it is too late.
    fn put(&self, attempt: u32) -> bool {
        let claimed = self.counters.claim(attempt);
        if claimed {
            self.slot.with_mut(|slot| unsafe {
                assert!((*slot).is_none(), "an output is put once");
                *slot = Some(attempt);
            });
            assert!(self.counters.is_claimed(attempt));
            self.counters.end(SUCCEEDED);
        }
        claimed
    }

    /// Ends the step on behalf of an attempt, with an error in the slot.
    fn give_up(&self, attempt: u32) -> bool {
        let given_up = self.counters.give_up(attempt);
        if given_up {
            self.slot.with_mut(|slot| unsafe { *slot = Some(0) });
            self.counters.end(TIMED_OUT);
        }
        given_up
    }

    fn look(&self) -> u32 {
        self.slot.with(|slot| unsafe { (*slot).expect("a step that has ended has something in its slot") })
    }
}

#[test]
fn exactly_one_of_the_attempt_and_the_watchdog_ends_the_step() {
    loom::model(|| {
        let step = Step::new();
        step.counters.begin(1);
        let runs = {
            let step = Arc::clone(&step);
            thread::spawn(move || step.put(1))
        };
        let looks = {
            let step = Arc::clone(&step);
            thread::spawn(move || match step.counters.ended() {
                Some(SUCCEEDED) => assert_eq!(step.look(), 1),
                Some(_) => assert_eq!(step.look(), 0),
                None => {}
            })
        };
        let given_up = step.give_up(1);
        let put = runs.join().expect("no panic");
        looks.join().expect("no panic");
        assert!(put != given_up, "exactly one of the two ends the step");
        assert_eq!(step.counters.ended(), Some(if put { SUCCEEDED } else { TIMED_OUT }));
    });
}

#[test]
fn a_deadline_and_a_stop_do_not_both_end_the_step() {
    loom::model(|| {
        let step = Step::new();
        step.counters.begin(1);
        let other = {
            let step = Arc::clone(&step);
            thread::spawn(move || step.give_up(1))
        };
        let here = step.give_up(1);
        let there = other.join().expect("no panic");
        assert!(here != there, "a deadline and a stop at the same moment end the step once");
    });
}

#[test]
fn a_late_attempt_cannot_claim_the_step_during_the_next_one() {
    loom::model(|| {
        let step = Step::new();
        step.counters.begin(1);
        let late = {
            let step = Arc::clone(&step);
            thread::spawn(move || step.put(1))
        };
        // The watchdog gives the first attempt up and starts the second; the first may return at any moment.
        let second = step.counters.give_up(1) && {
            step.counters.begin(2);
            assert!(step.put(2), "the second attempt was not given up");
            true
        };
        let first = late.join().expect("no panic");
        assert!(first != second, "one attempt stores its output");
        assert_eq!(step.look(), if first { 1 } else { 2 });
    });
}
