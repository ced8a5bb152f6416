//! The settings that code has set, whatever their values.

use std::collections::BTreeSet;

/// Remembers which settings were set by a method. By default, nothing is remembered: for settings that have no value unless
/// they are set.
pub(super) trait Remember {
    fn mark(&mut self, _key: &'static str) {}

    fn is_explicit(&self, _key: &str) -> bool {
        false
    }
}

/// The keys of the settings that code has set by a method. They are no part of the value: all are equal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Explicit(pub(super) BTreeSet<&'static str>);

impl PartialEq for Explicit {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
