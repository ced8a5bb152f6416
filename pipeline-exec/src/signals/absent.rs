//! The listener of other systems, and of builds without the feature: it hears nothing.

use std::io;
use std::time::Duration;

use super::Signal;
use crate::stopper::Stopper;

#[derive(Debug)]
pub(crate) struct Listening;

#[allow(clippy::unnecessary_wraps, reason = "the listener's own can fail")]
pub(crate) fn listen() -> io::Result<Listening> {
    Ok(Listening)
}

impl Listening {
    #[allow(clippy::unused_self, reason = "the listener's own needs it")]
    pub(crate) fn attach(&self, _: Stopper, _: Option<Duration>) {}

    #[allow(clippy::unused_self, reason = "the listener's own needs it")]
    pub(crate) fn stopped_by(&self) -> Option<Signal> {
        None
    }
}
