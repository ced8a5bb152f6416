//! Calls whoever's turn has come, without recursion.

use std::cell::RefCell;
use std::collections::VecDeque;

use super::Turn;
use super::waiting::Waiter;

/// A waiter, and what it is told.
type Delivery = (Waiter, Turn);

thread_local! {
    /// What this thread still has to call; `Some` while it is calling.
    static CALLING: RefCell<Option<VecDeque<Delivery>>> = const { RefCell::new(None) };
}

/// Calls waiters on this thread: now, or after the call under way where this is called by one of them. So a waiter that
/// gives its permit back at once, which makes the next one's turn come, makes no recursion.
///
/// A waiter that panics does not keep the others from being called.
pub(super) fn deliver(turns: impl Iterator<Item = Delivery>) {
    let mut turns = Some(turns.collect());
    let is_first = CALLING.try_with(|calling| match &mut *calling.borrow_mut() {
        Some(queue) => {
            queue.extend(turns.take().into_iter().flatten());
            false
        }
        idle => {
            *idle = turns.take();
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
        Err(_) => turns.into_iter().flatten().for_each(|(waiter, turn)| waiter(turn)),
    }
}

/// Calls what is left when a waiter has panicked.
struct Rest;

impl Drop for Rest {
    fn drop(&mut self) {
        call_all();
    }
}

fn call_all() {
    while let Some((waiter, turn)) = next() {
        waiter(turn);
    }
}

/// What to call next; where there is nothing, the thread is idle again.
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
