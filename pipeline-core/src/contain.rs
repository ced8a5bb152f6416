//! Calls user code so that a panic stays a value.
//!
//! Every call of user code by the framework (the step itself, `Drop`, `Display`, an observer) goes through here. A panic's
//! payload is user data too: its `Drop` may panic, and is contained as well.

use std::any::Any;
use std::cell::RefCell;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    /// Where the last panic of this thread happened, while a guarded call is under way.
    static PANIC_PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Calls `code`.
///
/// # Errors
/// Returns the message and location of a panic.
#[inline]
pub fn guard<T>(code: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(code)).map_err(panic_message)
}

/// Adds their location to the messages of later panics: installs a panic hook once, which also calls the earlier hook.
pub fn note_panic_places() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let earlier = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let place = info.location().map(|at| format!("{}:{}:{}", at.file(), at.line(), at.column()));
            let _ = PANIC_PLACE.try_with(|cell| {
                if let Ok(mut cell) = cell.try_borrow_mut() {
                    *cell = place;
                }
            });
            earlier(info);
        }));
    });
}

#[cold]
fn panic_message(payload: Box<dyn Any + Send>) -> String {
    // The payload's own drop may panic too, elsewhere.
    let place = PANIC_PLACE.try_with(|cell| cell.try_borrow_mut().ok()?.take()).ok().flatten();
    let mut message = payload
        .downcast_ref::<&'static str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".to_owned());
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // A payload whose drop panics could do so forever: forget it.
        std::mem::forget(second);
        let _ = PANIC_PLACE.try_with(|cell| cell.try_borrow_mut().map(|mut cell| cell.take()));
    }
    if let Some(remedy) = remedy(&message) {
        message = remedy.to_owned();
    }
    if let Some(place) = place {
        message.push_str(", at ");
        message.push_str(&place);
    }
    message
}

/// Returns a replacement for a panic message of the runtime that does not lead to the cause.
fn remedy(message: &str) -> Option<&'static str> {
    let blocks = message.starts_with("Cannot start a runtime from within a runtime")
        || message.starts_with("Cannot drop a runtime in a context where blocking is not allowed");
    blocks.then_some(
        "async code started or dropped a tokio runtime of its own, or blocked on one: `.await` instead, or make the step a plain \
         `fn`, which may block",
    )
}

/// Returns the text of a user's error, or a replacement if its `Display` panics.
pub fn display<E: Error + ?Sized>(error: &E) -> String {
    guard(|| error.to_string()).unwrap_or_else(|panic| format!("(the error's own Display panicked: {panic})"))
}
