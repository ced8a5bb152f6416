//! What a thread has entered on its way into steps, innermost last.
//!
//! A guard of `tracing` or OpenTelemetry must be dropped on the thread that made it, in reverse order; the hooks of an
//! observer have no place for one. So each thread keeps its own.

use std::any::Any;
use std::cell::RefCell;

thread_local! {
    static INSIDE: RefCell<Vec<Option<Box<dyn Any>>>> = const { RefCell::new(Vec::new()) };
}

/// Goes in: keeps what `enter` gives until [`exit`]. Counted also where `enter` gives nothing or panics, so that each exit
/// has its own entry.
pub(super) fn enter<G: Any>(enter: impl FnOnce() -> Option<G>) {
    INSIDE.with_borrow_mut(|inside| inside.push(None));
    // Code of a subscriber's may run here, and come back to this thread's stack.
    if let Some(guard) = enter() {
        let place = |inside: &mut Vec<Option<Box<dyn Any>>>| {
            if let Some(last) = inside.last_mut() {
                *last = Some(Box::new(guard));
            }
        };
        INSIDE.with_borrow_mut(place);
    }
}

/// Comes out of what was entered last.
pub(super) fn exit() {
    let guard = INSIDE.with_borrow_mut(Vec::pop);
    drop(guard);
}
