//! The breaker: every transition, a model, and its effect on admission.

use proptest::prelude::*;

use super::*;
use crate::limits::breaker::{Circuit, Ending, Shut};
use crate::limits::{Breaker, BreakerState};

/// An action on a breaker, or an expectation.
enum Do {
    /// A step is admitted at this millisecond, under the next number.
    Enter(u64, usize),
    /// A step is refused at this millisecond.
    Refused(u64, Shut),
    /// The step of this number ends at this millisecond.
    End(usize, Ending, u64),
    State(u64, BreakerState),
}

use BreakerState::{Closed, HalfOpen, Open};
use Do::{End, Enter, Refused, State};
use Ending::{Failure, Success, Unknown};

fn run(breaker: Breaker, script: &[Do]) {
    let mut circuit = Circuit::new(breaker, None);
    let mut tickets = Vec::new();
    for step in script {
        match step {
            Enter(at, number) => {
                assert_eq!((circuit.check(ms(*at)), tickets.len()), (Ok(()), *number));
                tickets.push(circuit.enter(ms(*at)));
            }
            Refused(at, shut) => assert_eq!(circuit.check(ms(*at)), Err(*shut)),
            End(number, ending, at) => circuit.leave(tickets[*number], *ending, ms(*at)),
            State(at, state) => assert_eq!(circuit.state(ms(*at)), *state),
        }
    }
}

#[test]
fn it_opens_after_failures_in_a_row() {
    let script =
        [Enter(0, 0), End(0, Failure, 1), State(1, Closed), Enter(2, 1), End(1, Failure, 3), State(3, Open)];
    run(Breaker::new(2, ms(10)), &script);
    let open = Shut::Until(ms(13));
    let script = [
        Enter(0, 0),
        Enter(0, 1),
        End(0, Failure, 1),
        End(1, Failure, 3),
        Refused(3, open),
        Refused(12, open),
    ];
    run(Breaker::new(2, ms(10)), &script);
}

#[test]
fn a_success_between_failures_keeps_it_closed_and_an_unknown_ending_does_not() {
    let enter = || [Enter(0, 0), Enter(0, 1), Enter(0, 2)];
    let closed = [End(0, Failure, 1), End(1, Success, 1), End(2, Failure, 1), State(1, Closed)];
    run(Breaker::new(2, ms(10)), &enter().into_iter().chain(closed).collect::<Vec<_>>());
    let open = [End(0, Failure, 1), End(1, Unknown, 1), End(2, Failure, 1), State(1, Open)];
    run(Breaker::new(2, ms(10)), &enter().into_iter().chain(open).collect::<Vec<_>>());
}

/// Opened at 0 for 10 ms; admitted so far: number 0.
fn opened(then: impl IntoIterator<Item = Do>) -> Vec<Do> {
    [Enter(0, 0), End(0, Failure, 0)].into_iter().chain(then).collect()
}

#[test]
fn after_the_cooldown_it_admits_its_probes_only() {
    let script =
        [State(9, Open), State(10, HalfOpen), Enter(10, 1), Enter(10, 2), Refused(99, Shut::Probing)];
    run(Breaker::new(1, ms(10)).probes(2), &opened(script));
}

#[test]
fn enough_probes_that_succeed_close_it() {
    let script = [
        Enter(10, 1),
        End(1, Success, 11),
        State(11, HalfOpen),
        Enter(11, 2),
        Refused(11, Shut::Probing),
        End(2, Success, 12),
        State(12, Closed),
    ];
    run(Breaker::new(1, ms(10)).probes(2), &opened(script));
}

#[test]
fn a_probe_that_fails_opens_it_for_a_whole_cooldown() {
    let script = [
        Enter(10, 1),
        Enter(10, 2),
        End(1, Failure, 15),
        Refused(24, Shut::Until(ms(25))),
        End(2, Success, 16),
        State(24, Open),
        Enter(25, 3),
    ];
    run(Breaker::new(1, ms(10)).probes(2), &opened(script));
}

#[test]
fn a_probe_without_an_outcome_makes_room_for_another() {
    let script =
        [Enter(10, 1), Refused(11, Shut::Probing), End(1, Unknown, 12), State(12, HalfOpen), Enter(12, 2)];
    run(Breaker::new(1, ms(10)), &opened(script));
}

#[test]
fn results_of_steps_admitted_before_it_opened_are_ignored() {
    let script = [
        Enter(0, 0),
        Enter(0, 1),
        Enter(0, 2),
        End(0, Failure, 0),
        End(1, Success, 5),
        State(5, Open),
        Enter(10, 3),
        End(2, Failure, 11),
        State(11, HalfOpen),
        End(3, Success, 12),
        State(12, Closed),
    ];
    run(Breaker::new(1, ms(10)), &script);
}

/// A model of the breaker that keeps only the history since the last change.
#[derive(Default)]
struct Model {
    opened: Option<u64>,
    endings: Vec<Ending>,
    under_way: u32,
    changes: u64,
}

impl Model {
    fn admits(&self, breaker: &Breaker, now: u64) -> bool {
        let successes = self.endings.iter().filter(|ending| **ending == Success).count() as u32;
        self.opened.is_none_or(|opened| {
            now >= opened + breaker.cooldown.as_millis() as u64 && successes + self.under_way < breaker.probes
        })
    }

    fn change(&mut self, opened: Option<u64>) {
        *self = Model { opened, changes: self.changes + 1, ..Model::default() };
    }

    fn end(&mut self, breaker: &Breaker, ending: Ending, now: u64) {
        self.under_way -= 1;
        self.endings.push(ending);
        let said: Vec<_> = self.endings.iter().filter(|ending| **ending != Unknown).collect();
        let in_a_row = |which| said.iter().rev().take_while(|ending| ***ending == which).count() as u32;
        let failures = if self.opened.is_some() { 1 } else { breaker.failures };
        if in_a_row(Failure) >= failures {
            self.change(Some(now));
        } else if self.opened.is_some() && in_a_row(Success) >= breaker.probes {
            self.change(None);
        }
    }
}

proptest! {
    #[test]
    fn it_follows_the_model(
        failures in 1u32..4,
        probes in 1u32..4,
        script in prop::collection::vec((0u64..6, prop::bool::ANY, any::<prop::sample::Index>(), 0u8..5), 1..200),
    ) {
        let breaker = Breaker::new(failures, ms(10)).probes(probes);
        let (mut circuit, mut model) = (Circuit::new(breaker.clone(), None), Model::default());
        let (mut now, mut running) = (0, Vec::new());
        for (passed, is_start, which, ending) in script {
            now += passed;
            if is_start {
                let admits = model.admits(&breaker, now);
                prop_assert_eq!(circuit.check(ms(now)).is_ok(), admits);
                if admits {
                    running.push((circuit.enter(ms(now)), model.changes));
                    model.under_way += 1;
                }
            } else if !running.is_empty() {
                let (ticket, changes) = running.swap_remove(which.index(running.len()));
                let ending = [Success, Success, Failure, Failure, Unknown][usize::from(ending)];
                circuit.leave(ticket, ending, ms(now));
                if changes == model.changes {
                    model.end(&breaker, ending, now);
                }
            }
        }
    }
}

#[test]
fn an_open_breaker_refuses_waiters_and_later_steps() {
    let breaker = Breaker::new(1, ms(10));
    let limits = Limits::new().limit("api", LimitSettings::new(1).breaker(breaker));
    let (need, turns) = (limits.need(&[("api", 1)], 0), Turns::default());
    (1..=3).for_each(|name| turns.ask(&need, 0, ZERO, name));
    turns.granted_first().failed(ms(5));
    turns.ask(&need, 0, ms(6), 4);
    let told_now = turns.take();
    assert_eq!(told_now.len(), 3);
    for (_, turn) in told_now {
        let Turn::Refused(refusal) = turn else { panic!("not refused: {turn:?}") };
        assert_eq!((&*refusal.name, refusal.until), ("api", Some(ms(15))));
        assert!(refusal.to_string().contains("limit `api` is open"));
    }
    assert_eq!((limits.snapshot()[0].breaker, limits.snapshot()[0].waiting), (Some(Open), 0));
}

#[test]
fn runs_that_share_limits_share_the_breaker_and_its_probe() {
    let breaker = Breaker::new(1, ms(10));
    let limits = Limits::new().limit("api", LimitSettings::new(9).breaker(breaker));
    let (need, turns) = (limits.need(&[("api", 1)], 0), Turns::default());
    turns.ask(&need, 1, ZERO, 1);
    turns.granted_first().failed(ZERO);
    turns.ask(&need, 1, ms(10), 2);
    let probe = turns.granted_first();
    turns.ask(&need, 2, ms(11), 3);
    assert!(matches!(&turns.take()[..], [(3, Turn::Refused(refusal))] if refusal.until.is_none()));
    probe.succeeded(ms(12));
    turns.ask(&need, 2, ms(13), 4);
    assert_eq!(names(&turns.granted()), [4]);
    assert_eq!(limits.snapshot()[0].breaker, Some(Closed));
}
