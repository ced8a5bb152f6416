//! The guards that a thread holds inside of steps, innermost last.
//!
//! A guard of `tracing` or OpenTelemetry must be dropped on the thread that made it, in reverse order. The hooks of an
//! observer cannot hold it, so each thread keeps its guards here.

use std::any::Any;
use std::cell::RefCell;

thread_local! {
    static INSIDE: RefCell<Vec<Option<Box<dyn Any>>>> = const { RefCell::new(Vec::new()) };
}

/// Keeps the guard that `enter` returns until [`exit`]. An entry is also made if `enter` returns none or panics, so that each
/// exit has its entry.
pub(super) fn enter<G: Any>(enter: impl FnOnce() -> Option<G>) {
    INSIDE.with_borrow_mut(|inside| inside.push(None));
    // A subscriber's code may run here, and enter again on this thread.
    if let Some(guard) = enter() {
        let place = |inside: &mut Vec<Option<Box<dyn Any>>>| {
            if let Some(last) = inside.last_mut() {
                *last = Some(Box::new(guard));
            }
        };
        INSIDE.with_borrow_mut(place);
    }
}

/// Drops the guard entered last.
pub(super) fn exit() {
    let guard = INSIDE.with_borrow_mut(Vec::pop);
    drop(guard);
}
