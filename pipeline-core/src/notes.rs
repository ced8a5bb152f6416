//! Files that a value names, noted by the value's code: while it is read as a run parameter, and while it is encoded.

use std::any::Any;
use std::cell::RefCell;
use std::sync::Arc;

/// Something that belongs to a value besides its text.
pub type Note = Arc<dyn Any + Send + Sync>;

thread_local! {
    /// The notes of the value that this thread reads or encodes at the moment; `None` at other times.
    static NOTES: RefCell<Option<Vec<Note>>> = const { RefCell::new(None) };
}

/// Adds a note to the value that this thread reads or encodes at the moment. Does nothing at other times.
pub fn note(on: impl FnOnce() -> Note) {
    NOTES.with_borrow_mut(|notes| {
        if let Some(notes) = notes {
            notes.push(on());
        }
    });
}

/// Calls `read`, which reads or encodes a value, and also returns the notes that are added meanwhile.
pub fn collect<T>(read: impl FnOnce() -> T) -> (T, Vec<Note>) {
    let earlier = NOTES.replace(Some(Vec::new()));
    let value = read();
    (value, NOTES.replace(earlier).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_belong_to_the_innermost_value_that_is_read() {
        note(|| unreachable!("nothing is read"));
        let ((), outer) = collect(|| {
            note(|| Arc::new(1));
            let ((), inner) = collect(|| note(|| Arc::new(2)));
            assert_eq!(inner[0].downcast_ref(), Some(&2));
            note(|| Arc::new(3));
        });
        let outer: Vec<i32> = outer.iter().filter_map(|note| note.downcast_ref().copied()).collect();
        assert_eq!(outer, [1, 3]);
    }
}
