//! What stands for a token bucket where the feature `rate` is off: there is none. A limit with a rate is reported then
//! before anything runs ([`LimitSettings::wrong`](super::LimitSettings)).

use super::{RateLimit, Time};

/// There is no such thing.
#[derive(Debug)]
pub(super) enum Bucket {}

impl Bucket {
    /// `None`: rates are not compiled in.
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
