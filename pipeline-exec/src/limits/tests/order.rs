//! The order of admission, case by case.

use super::*;

#[test]
fn a_name_that_was_never_configured_is_a_mutex() {
    let limits = Limits::new();
    let (need, turns) = (limits.need(&[("file", 1)], 0), Turns::default());
    (1..=3).for_each(|name| turns.ask(&need, 0, ZERO, name));
    let first = turns.granted();
    assert_eq!(names(&first), [1]);
    drop(first);
    assert_eq!(names(&turns.granted()), [2]);
    assert_eq!(names(&turns.granted()), [3]);
}

#[test]
fn the_more_urgent_goes_first_and_of_equals_the_earlier() {
    let limits = Limits::new();
    let turns = Turns::default();
    for (name, urgency) in [(1, 0), (2, 1), (3, 7), (4, 1), (5, 7)] {
        turns.ask(&limits.need(&[("db", 1)], urgency), 0, ZERO, name);
    }
    let order: Vec<u64> = std::iter::from_fn(|| turns.granted().pop()).map(|(name, _)| name).collect();
    assert_eq!(order, [1, 3, 5, 2, 4]);
}

#[test]
fn nothing_is_held_while_something_else_is_lacking() {
    let limits = Limits::new();
    let turns = Turns::default();
    turns.ask(&limits.need(&[("b", 1)], 0), 0, ZERO, 1);
    let b = turns.granted();
    turns.ask(&limits.need(&[("a", 1), ("b", 1)], 0), 0, ZERO, 2);
    assert_eq!(limits.snapshot()[0].in_use, 0);
    drop(b);
    assert_eq!(names(&turns.granted()), [2]);
}

#[test]
fn a_large_need_is_not_starved_by_small_ones() {
    let limits = capacities([("cores", 4)]);
    let turns = Turns::default();
    let small = limits.need(&[("cores", 1)], 0);
    (1..=3).for_each(|name| turns.ask(&small, 0, ZERO, name));
    let mut running = turns.granted();
    turns.ask(&limits.need(&[("cores", 4)], 0), 0, ZERO, 4);
    turns.ask(&small, 0, ZERO, 5);
    for _ in 0..2 {
        drop(running.pop());
        assert!(turns.granted().is_empty());
    }
    drop(running.pop());
    let large = turns.granted();
    assert_eq!(names(&large), [4]);
    drop(large);
    assert_eq!(names(&turns.granted()), [5]);
}

#[test]
fn a_large_need_of_two_names_is_not_starved_by_small_needs_that_take_turns() {
    let limits = capacities([("cores", 2), ("memory", 2)]);
    let turns = Turns::default();
    let (core, byte) = (limits.need(&[("cores", 1)], 0), limits.need(&[("memory", 1)], 0));
    turns.ask(&core, 0, ZERO, 1);
    turns.ask(&byte, 0, ZERO, 2);
    let mut running = turns.granted();
    turns.ask(&limits.need(&[("cores", 2), ("memory", 2)], 0), 0, ZERO, 3);
    drop(running.remove(0));
    turns.ask(&core, 0, ZERO, 4);
    assert!(turns.granted().is_empty(), "the cores that came back are kept for the large need");
    drop(running.remove(0));
    let large = turns.granted();
    assert_eq!(names(&large), [3]);
    drop(large);
    assert_eq!(names(&turns.granted()), [4]);
}

#[test]
fn waiters_that_need_other_limits_pass() {
    let limits = capacities([("gpu", 1), ("db", 3)]);
    let turns = Turns::default();
    let both = limits.need(&[("gpu", 1), ("db", 1)], 5);
    (1..=4).for_each(|name| turns.ask(&both, 0, ZERO, name));
    let running = turns.granted();
    let db = limits.need(&[("db", 1)], 0);
    (5..=6).for_each(|name| turns.ask(&db, 0, ZERO, name));
    // One is in use and one is set aside for the next waiter of the gpu; the waiters behind it reserve nothing.
    assert_eq!((names(&running), names(&turns.granted())), (vec![1], vec![5]));
}

#[test]
fn a_need_above_the_capacity_is_reported_and_runs_alone() {
    let limits = capacities([("memory", 8)]);
    let turns = Turns::default();
    let huge = limits.need(&[("memory", 6), ("memory", 6)], 0);
    let clamped = &huge.clamped()[0];
    assert_eq!((&*clamped.name, clamped.amount, clamped.capacity), ("memory", 12, 8));
    turns.ask(&limits.need(&[("memory", 1)], 0), 0, ZERO, 1);
    turns.ask(&huge, 0, ZERO, 2);
    turns.ask(&limits.need(&[("memory", 1)], 0), 0, ZERO, 3);
    let one = turns.granted();
    assert_eq!(names(&one), [1]);
    drop(one);
    let alone = turns.granted();
    assert_eq!((names(&alone), limits.snapshot()[0].in_use), (vec![2], 8));
    limits.set_capacity("memory", 20);
    assert_eq!(names(&turns.granted()), [3]);
    drop(alone);
    assert_eq!(limits.snapshot()[0].in_use, 0);
}

#[test]
fn more_capacity_admits_at_once_and_less_as_permits_come_back() {
    let limits = capacities([("db", 1)]);
    let (need, turns) = (limits.need(&[("db", 1)], 0), Turns::default());
    (1..=5).for_each(|name| turns.ask(&need, 0, ZERO, name));
    let mut running = turns.granted();
    limits.set_capacity("db", 3);
    running.extend(turns.granted());
    assert_eq!(names(&running), [1, 2, 3]);
    limits.set_capacity("db", 1);
    running.truncate(1);
    assert!(turns.granted().is_empty());
    limits.set_capacity("db", 0);
    running.clear();
    assert!(turns.granted().is_empty());
    limits.set_capacity("db", 1);
    assert_eq!(names(&turns.granted()), [4]);
    assert_eq!(limits.snapshot()[0].peak, 3);
}

#[test]
fn withdrawn_waiters_are_dropped_uncalled_and_reserve_nothing() {
    let limits = capacities([("cores", 2)]);
    let turns = Turns::default();
    let small = limits.need(&[("cores", 1)], 0);
    turns.ask(&small, 1, ZERO, 1);
    turns.ask(&limits.need(&[("cores", 2)], 0), 7, ZERO, 2);
    turns.ask(&small, 1, ZERO, 3);
    let _one = turns.granted();
    assert_eq!(limits.snapshot()[0].waiting, 2);
    limits.withdraw(7);
    assert_eq!(names(&turns.granted()), [3]);
    assert_eq!(limits.snapshot()[0].waiting, 0);
}

#[test]
fn a_withdrawn_waiter_may_use_the_limits_in_its_drop() {
    let limits = Limits::new();
    let (need, turns) = (limits.need(&[("db", 1)], 0), Turns::default());
    turns.ask(&need, 1, ZERO, 1);
    turns.ask(&limits.need(&[("file", 1)], 0), 1, ZERO, 2);
    let [(_, held), (_, captured)] = <[_; 2]>::try_from(turns.granted()).unwrap();
    let request = need.request(7, ZERO, move |_| drop(captured));
    assert!(matches!(request, Request::Parked));
    limits.withdraw(7);
    assert_eq!(limits.snapshot().iter().map(|limit| limit.in_use).collect::<Vec<_>>(), [1, 0]);
    drop(held);
}

#[test]
fn a_hundred_thousand_waiters_that_give_back_at_once_need_no_stack() {
    let limits = Limits::new();
    let need = limits.need(&[("db", 1)], 0);
    let count = Arc::new(Mutex::new(0));
    let Request::Now(first, _) = need.request(0, ZERO, drop) else { panic!("not granted") };
    for _ in 0..100_000 {
        let count = count.clone();
        let request = need.request(0, ZERO, move |turn| {
            *count.lock().unwrap() += 1;
            drop(turn);
        });
        assert!(matches!(request, Request::Parked));
    }
    std::thread::Builder::new().stack_size(64 << 10).spawn(move || drop(first)).unwrap().join().unwrap();
    assert_eq!(*count.lock().unwrap(), 100_000);
}

#[test]
fn the_next_waiter_is_called_after_a_panic() {
    let limits = Limits::new();
    let (need, turns) = (limits.need(&[("db", 1)], 0), Turns::default());
    turns.ask(&need, 0, ZERO, 1);
    let first = turns.granted();
    let request = need.request(0, ZERO, |_turn| panic!("in a waiter"));
    assert!(matches!(request, Request::Parked));
    turns.ask(&need, 0, ZERO, 2);
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(first)));
    assert!(panic.is_err());
    assert_eq!(names(&turns.granted()), [2]);
    turns.ask(&need, 0, ZERO, 3);
    assert_eq!(names(&turns.granted()), [3], "the thread is idle again");
}

#[test]
fn clones_share_their_limits() {
    let limits = capacities([("api", 1)]);
    let (here, there) = (limits.need(&[("api", 1)], 0), limits.clone().need(&[("api", 1)], 0));
    let turns = Turns::default();
    turns.ask(&here, 1, ZERO, 1);
    turns.ask(&there, 2, ZERO, 2);
    assert_eq!(names(&turns.granted()), [1]);
    assert_eq!(names(&turns.granted()), [2]);
}

#[test]
fn an_empty_need_is_always_granted() {
    let limits = capacities([("db", 0)]);
    let turns = Turns::default();
    let nothing = limits.need::<&str>(&[], 0);
    turns.ask(&nothing, 0, ZERO, 1);
    turns.ask(&limits.need(&[("db", 0)], 0), 0, ZERO, 2);
    assert_eq!(names(&turns.granted()), [1, 2]);
}
