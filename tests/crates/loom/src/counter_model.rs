//! Outputs are plain memory: loom fails a test in which two threads access one without an order between them.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use crate::counter::Counters;

/// A slot as the frame has it: the counters alone decide who may access it.
struct Output {
    counters: Counters,
    value: UnsafeCell<Option<u64>>,
}

impl Output {
    fn new(missing: u32, readers: u32) -> Self {
        Output { counters: Counters::new(missing, readers), value: UnsafeCell::new(None) }
    }

    fn put(&self, value: u64) {
        self.value.with_mut(|slot| unsafe { *slot = Some(value) });
        self.counters.end(1);
    }

    fn read(&self) -> u64 {
        self.value.with(|slot| unsafe { (*slot).expect("an input is there when its reader starts") })
    }

    fn release(&self) {
        if self.counters.release() {
            assert!(!self.counters.is_gone(), "an output is dropped once");
            self.counters.mark_gone();
            self.value.with_mut(|slot| unsafe { *slot = None });
        }
    }
}

#[test]
fn a_step_starts_once_and_sees_both_inputs() {
    loom::model(|| {
        let outputs = Arc::new([Output::new(0, 1), Output::new(0, 1), Output::new(2, 0)]);
        let ends = |own: usize| {
            let outputs = Arc::clone(&outputs);
            move || {
                outputs[own].put(own as u64 + 1);
                let starts = outputs[2].counters.arrive();
                if starts {
                    let sum = outputs[0].read() + outputs[1].read();
                    outputs[2].put(sum);
                }
                starts
            }
        };
        let other = thread::spawn(ends(1));
        let here = ends(0)();
        let there = other.join().expect("no panic");
        assert!(here != there, "exactly one of two finishers starts the step");
        assert_eq!(outputs[2].read(), 3);
    });
}

#[test]
fn an_output_is_dropped_once_and_after_both_of_its_readers() {
    loom::model(|| {
        let output = Arc::new(Output::new(0, 2));
        output.put(7);
        let reads = || {
            let output = Arc::clone(&output);
            move || {
                assert_eq!(output.read(), 7);
                output.release();
            }
        };
        let other = thread::spawn(reads());
        reads()();
        other.join().expect("no panic");
        assert!(output.counters.is_gone(), "the last reader drops it");
    });
}

#[test]
fn a_taker_comes_after_every_reader() {
    loom::model(|| {
        // One output, two readers, and a taker that waits for both.
        let steps = Arc::new([Output::new(0, 3), Output::new(2, 0)]);
        steps[0].put(7);
        let reads = || {
            let steps = Arc::clone(&steps);
            move || {
                assert_eq!(steps[0].read(), 7);
                if steps[1].counters.arrive() {
                    let taken = steps[0].value.with_mut(|slot| unsafe { (*slot).take() });
                    steps[0].counters.mark_gone();
                    steps[1].put(taken.expect("not taken before"));
                }
            }
        };
        let other = thread::spawn(reads());
        reads()();
        other.join().expect("no panic");
        assert_eq!(steps[1].read(), 7);
    });
}

#[test]
fn an_observer_that_sees_the_end_sees_the_output() {
    loom::model(|| {
        let output = Arc::new(Output::new(0, 0));
        let onlooker = {
            let output = Arc::clone(&output);
            thread::spawn(move || {
                if output.counters.ended().is_some() {
                    assert_eq!(output.read(), 7);
                }
            })
        };
        output.put(7);
        onlooker.join().expect("no panic");
    });
}
