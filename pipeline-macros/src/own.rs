//! Names and places of what an expansion adds to the tokens of the user.

use std::fmt::Display;

use proc_macro2::{Ident, Span};

/// Returns a name for an item or a variable of the expansion.
///
/// Items have no hygiene, and a pattern matches a constant of the user that has its name. So each name has a prefix that no
/// user writes.
pub(crate) fn own(name: impl Display) -> Ident {
    Ident::new(&format!("__pipeline_{name}"), Span::mixed_site())
}

/// Returns the place of a token of the user, for tokens that the user did not write: rustc shows errors there, and applies no
/// lint of the user's crate.
pub(crate) fn at(place: Span) -> Span {
    Span::mixed_site().located_at(place)
}
