//! Calls waiters without recursion.

use std::cell::RefCell;
use std::collections::VecDeque;

use super::queue::{Callback, Outcome};

/// A waiter to call, and the outcome for it.
type Delivery = (Callback, Outcome);

thread_local! {
    /// The calls left for this thread; `Some` while it is calling.
    static CALLING: RefCell<Option<VecDeque<Delivery>>> = const { RefCell::new(None) };
}

/// Calls waiters on this thread: now, or after the call that is running if a waiter calls this. So a waiter that gives its
/// permit back at once, and thereby admits the next one, causes no recursion.
///
/// If a waiter panics, the others are called all the same.
pub(super) fn deliver(calls: Vec<Delivery>) {
    let mut calls = Some(VecDeque::from(calls));
    let is_first = CALLING.try_with(|calling| match &mut *calling.borrow_mut() {
        Some(queue) => {
            queue.extend(calls.take().into_iter().flatten());
            false
        }
        idle => {
            *idle = calls.take();
            true
        }
    });
    match is_first {
        Ok(true) => {
            let _rest = Rest;
            call_all();
        }
        Ok(false) => {}
        // The thread is ending, and its variables are gone.
        Err(_) => calls.into_iter().flatten().for_each(|(waiter, outcome)| waiter(outcome)),
    }
}

/// Makes the calls that are left after a waiter has panicked.
struct Rest;

impl Drop for Rest {
    fn drop(&mut self) {
        call_all();
    }
}

fn call_all() {
    while let Some((waiter, outcome)) = next() {
        waiter(outcome);
    }
}

/// Returns the next call; without any, the thread is idle again.
fn next() -> Option<Delivery> {
    let next = CALLING.try_with(|calling| {
        let mut calling = calling.borrow_mut();
        let next = calling.as_mut().and_then(VecDeque::pop_front);
        if next.is_none() {
            *calling = None;
        }
        next
    });
    next.ok().flatten()
}
