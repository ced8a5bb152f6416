//! The owned types that borrowed parameters are read from. The macro reads a trait object from its box.

use std::path::{Path, PathBuf};

/// A type that a parameter can borrow, and the output type that it is borrowed from.
///
/// Every sized type is read from itself; `[T]` from `Vec<T>`, `str` from `String`, `Path` from `PathBuf`.
pub trait View: 'static {
    /// The type that the upstream step returns.
    type Owned: 'static;

    /// Borrows the view from the owned value.
    fn view(owned: &Self::Owned) -> &Self;
}

impl<T: 'static> View for T {
    type Owned = T;
    fn view(owned: &T) -> &T {
        owned
    }
}

impl<T: 'static> View for [T] {
    type Owned = Vec<T>;
    fn view(owned: &Vec<T>) -> &[T] {
        owned
    }
}

impl View for str {
    type Owned = String;
    fn view(owned: &String) -> &str {
        owned
    }
}

impl View for Path {
    type Owned = PathBuf;
    fn view(owned: &PathBuf) -> &Path {
        owned
    }
}
