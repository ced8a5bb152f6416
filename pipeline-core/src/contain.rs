//! Calls user code so that a panic stays a value.
//!
//! Every call of user code by the framework (the step itself, `Drop`, `Display`, an observer) goes through here. A panic's
//! payload is user data too: its `Drop` may panic, and is contained as well.

use std::any::Any;
use std::cell::RefCell;
use std::error::Error;
use std::fmt;
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
        .map(|text| display(*text))
        .or_else(|| payload.downcast_ref::<String>().map(display))
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

/// Maximum number of bytes of an error's text.
pub const MOST_TEXT: usize = 64 * 1024;

/// Maximum number of causes of an error that are followed.
pub const MOST_CAUSES: usize = 32;

/// Returns the text of a user's value: at most [`MOST_TEXT`] bytes of it. If its `Display` panics or fails, the text says so.
pub fn display(value: &(impl fmt::Display + ?Sized)) -> String {
    display_of(value, None)
}

/// As [`display`]; if the value cannot be shown, the text has the name of its type.
pub(crate) fn display_of(value: &(impl fmt::Display + ?Sized), ty: Option<&str>) -> String {
    let mut text = Bounded { text: String::new(), is_cut: false };
    let written = guard(|| fmt::write(&mut text, format_args!("{value}")));
    let of_type = || ty.map_or_else(String::new, |ty| format!("; its type is `{ty}`"));
    match written {
        Err(panic) => format!("(the error's own Display panicked: {panic}{})", of_type()),
        Ok(Err(_)) if !text.is_cut => format!("{} (the error's own Display failed{})", text.text, of_type()),
        Ok(_) => text.into_text(),
    }
}

/// Returns the texts of an error's causes, outermost first: at most [`MOST_CAUSES`], because an error may be its own cause.
pub fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut causes = Vec::new();
    let mut latest = error;
    loop {
        match guard(|| latest.source()) {
            Ok(None) => break,
            Ok(Some(_)) if causes.len() == MOST_CAUSES => {
                causes.push(format!("(more than {MOST_CAUSES} causes: the others are not shown)"));
                break;
            }
            Ok(Some(cause)) => {
                causes.push(display(cause));
                latest = cause;
            }
            Err(panic) => {
                causes.push(format!("(the error's own source() panicked: {panic})"));
                break;
            }
        }
    }
    causes
}

/// A user's value. A panic in its drop is contained wherever it is dropped; the panic hook prints it.
#[derive(Debug)]
pub(crate) struct Contained<T>(Option<T>);

impl<T> Contained<T> {
    pub(crate) fn new(value: T) -> Self {
        Contained(Some(value))
    }

    pub(crate) fn get(&self) -> &T {
        self.0.as_ref().expect("invariant: the value is there until it is dropped")
    }
}

impl<T> Drop for Contained<T> {
    fn drop(&mut self) {
        drop_each(self.0.take());
    }
}

/// Drops values of users. A panic in one does not keep the others from being dropped.
pub(crate) fn drop_each<T>(values: impl IntoIterator<Item = T>) {
    for value in values {
        let _ = guard(|| drop(value));
    }
}

/// A text that takes no more than [`MOST_TEXT`] bytes.
struct Bounded {
    text: String,
    is_cut: bool,
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        // A `Display` may ignore the refusal and write on.
        if self.is_cut {
            return Err(fmt::Error);
        }
        let room = MOST_TEXT - self.text.len();
        self.text.push_str(&more[..more.floor_char_boundary(room)]);
        self.is_cut = more.len() > room;
        if self.is_cut { Err(fmt::Error) } else { Ok(()) }
    }
}

impl Bounded {
    fn into_text(self) -> String {
        if self.is_cut { self.text + "… (cut: the text is longer than 64 KiB)" } else { self.text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ignores that its text was refused.
    struct WritesOn;

    impl fmt::Display for WritesOn {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            // One byte of room is left, which half an `é` cannot fill.
            let _ = write!(f, "a{}", "é".repeat(MOST_TEXT));
            let _ = f.write_str("x");
            Ok(())
        }
    }

    #[test]
    fn a_text_that_was_cut_stays_cut() {
        let text = display(&WritesOn);
        assert!(text.ends_with("é… (cut: the text is longer than 64 KiB)"), "{} bytes", text.len());
    }
}
