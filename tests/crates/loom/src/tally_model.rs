//! A group of three members, of which some have to succeed: exactly one decides, and sees the others' outputs.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use crate::counter::Counters;
use crate::tally::Tally;

/// The members' outputs, their group, and the step that waits for it.
struct Members {
    outputs: [UnsafeCell<bool>; 3],
    tally: Tally,
    reader: Counters,
}

/// Runs three members, each on its own thread; returns how many of them started the reader.
fn end_all(succeed: [bool; 3], needed: u32) {
    loom::model(move || {
        let members = Arc::new(Members {
            outputs: std::array::from_fn(|_| UnsafeCell::new(false)),
            tally: Tally::new(3, needed),
            reader: Counters::new(1, 0),
        });
        let ends = |member: usize| {
            let members = Arc::clone(&members);
            move || {
                if succeed[member] {
                    members.outputs[member].with_mut(|output| unsafe { *output = true });
                }
                let decides = members.tally.arrive(member as u32, succeed[member]);
                if decides {
                    assert!(members.reader.arrive(), "the one that decides starts the reader");
                    check(&members, succeed, needed, member);
                }
                decides
            }
        };
        let others = [1, 2].map(|member| thread::spawn(ends(member)));
        let mut deciders = usize::from(ends(0)());
        for other in others {
            deciders += usize::from(other.join().expect("no panic"));
        }
        assert_eq!(deciders, 1, "exactly one member decides");
    });
}

/// What the reader sees when it starts.
fn check(members: &Members, succeed: [bool; 3], needed: u32, decider: usize) {
    let enough = succeed.iter().filter(|succeeds| **succeeds).count() >= needed as usize;
    assert_eq!(
        members.tally.winner(),
        enough.then_some(decider as u32),
        "the winner completed the quorum"
    );
    if !enough {
        return;
    }
    if needed as usize == succeed.iter().filter(|succeeds| **succeeds).count() {
        // All successes were needed, so each output was stored before and may be read.
        for (output, _) in members.outputs.iter().zip(succeed).filter(|(_, succeeds)| *succeeds) {
            output.with(|output| assert!(unsafe { *output }));
        }
    } else {
        members.outputs[decider].with(|output| assert!(unsafe { *output }));
    }
}

#[test]
fn two_successes_of_three_members_start_the_reader_once() {
    end_all([true, true, false], 2);
}

#[test]
fn two_failures_of_three_members_start_the_reader_once_if_two_are_needed() {
    end_all([true, false, false], 2);
}

#[test]
fn the_first_success_of_three_starts_the_reader_once() {
    end_all([true, true, true], 1);
}

#[test]
fn three_failures_start_the_reader_once() {
    end_all([false, false, false], 1);
}
