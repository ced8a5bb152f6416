//! Documented steps: one example to run, and links that have one meaning.

use pipeline::prelude::*;

/// Loads.
///
/// ```
/// assert_eq!(documented::load(), 1);
/// ```
#[step]
pub fn load() -> u32 {
    1
}

/// Doubles what [`load`] gives.
#[step]
pub fn doubled(load: &u32) -> u32 {
    load * 2
}

/// Has a text from elsewhere:
#[step]
#[doc = concat!("one from a macro, ", "and")]
#[doc = include_str!("part.txt")]
/// one from here.
pub fn joined(doubled: &u32) -> u32 {
    *doubled
}

/// Selects the steps of this crate.
pub fn pipeline() -> Pipeline {
    Pipeline::to::<joined>()
}

#[test]
fn the_doc_of_a_step_has_all_of_its_parts() {
    let doc = "Has a text from elsewhere:\none from a macro, and\none from a file,\n\none from here.";
    assert_eq!(<joined as pipeline::Step>::def().doc, doc);
}
