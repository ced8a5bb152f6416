//! The token bucket of a build without the feature `rate`: there is none. A limit with a rate is reported before anything
//! runs ([`LimitSettings::wrong`](super::LimitSettings)).

use super::{RateLimit, Time};

/// No bucket.
#[derive(Debug)]
pub(super) enum Bucket {}

impl Bucket {
    /// Returns `None`: rates are not compiled in.
    pub(super) fn new(_: &RateLimit) -> Option<Self> {
        None
    }

    pub(super) fn check(&self, _: Time) -> Result<(), Time> {
        match *self {}
    }

    pub(super) fn take(&mut self, _: Time) -> Result<(), Time> {
        match *self {}
    }
}
