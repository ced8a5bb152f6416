//! Which settings code has set, whatever their values.

use std::collections::BTreeSet;
use std::fmt;

/// The keys of the settings that code has set by a method. It says where values come from, and is no part of what they are:
/// all are equal.
#[derive(Clone, Default)]
pub(crate) struct Said(BTreeSet<&'static str>);

impl Said {
    pub(super) fn add(&mut self, key: &'static str) {
        self.0.insert(key);
    }

    /// Whether code has set what is at this key, or something below it.
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.contains(key)
    }
}

impl PartialEq for Said {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
