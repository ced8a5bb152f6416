//! The rule of the gate: a thread that adds work asks for a place afterwards; a driver that leaves its place looks for
//! work afterwards. So work never remains without a driver.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering, fence};
use loom::thread;

use crate::gate::Gate;

/// A queue reduced to its length, as weakly ordered as a deque may be.
struct Lane {
    gate: Gate,
    queued: AtomicUsize,
    done: AtomicUsize,
}

impl Lane {
    fn new(limit: usize) -> Self {
        Lane { gate: Gate::new(limit), queued: AtomicUsize::new(0), done: AtomicUsize::new(0) }
    }

    fn take(&self) -> bool {
        let mut queued = self.queued.load(Ordering::Relaxed);
        while queued > 0 {
            match self.queued.compare_exchange(queued, queued - 1, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => queued = now,
            }
        }
        false
    }

    /// Adds one piece of work and makes sure that a driver is there.
    fn bring(&self) {
        self.queued.fetch_add(1, Ordering::Release);
        fence(Ordering::SeqCst);
        self.drive();
    }

    /// Works while there is work and a place.
    fn drive(&self) {
        while self.gate.has_room() && self.gate.enter() {
            while self.take() {
                self.done.fetch_add(1, Ordering::Relaxed);
            }
            self.gate.leave();
            if self.queued.load(Ordering::Relaxed) == 0 {
                return;
            }
        }
    }
}

#[test]
fn no_work_is_left_when_one_driver_leaves_as_another_adds_some() {
    loom::model(|| {
        let lane = Arc::new(Lane::new(1));
        let other = {
            let lane = Arc::clone(&lane);
            thread::spawn(move || lane.bring())
        };
        lane.bring();
        other.join().expect("no panic");
        assert_eq!(lane.done.load(Ordering::Relaxed), 2, "work remained");
        assert!(lane.gate.has_room(), "a place was not released");
    });
}

#[test]
fn a_gate_never_admits_more_than_its_limit() {
    loom::model(|| {
        let gate = Arc::new(Gate::new(1));
        let inside = Arc::new(AtomicUsize::new(0));
        let visit = || {
            let (gate, inside) = (Arc::clone(&gate), Arc::clone(&inside));
            move || {
                if gate.enter() {
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two are inside");
                    inside.fetch_sub(1, Ordering::SeqCst);
                    gate.leave();
                }
            }
        };
        let other = thread::spawn(visit());
        visit()();
        other.join().expect("no panic");
    });
}

/// A nested run's lane: all slots of the lane are taken, and a slot is lent while work comes.
#[test]
fn work_that_comes_as_a_slot_is_lent_is_done() {
    loom::model(|| {
        let lane = Arc::new(Lane::new(0));
        let lends = {
            let lane = Arc::clone(&lane);
            thread::spawn(move || {
                lane.gate.set_limit(1);
                if lane.queued.load(Ordering::Relaxed) > 0 {
                    lane.drive();
                }
            })
        };
        lane.bring();
        lends.join().expect("no panic");
        assert_eq!(lane.done.load(Ordering::Relaxed), 1, "work remained");
    });
}
