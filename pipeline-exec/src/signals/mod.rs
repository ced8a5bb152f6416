//! SIGINT and SIGTERM: the first stops the runs that listen, the second ends the process.

#[cfg_attr(not(all(unix, feature = "signal")), path = "absent.rs")]
mod listener;

use std::fmt;

pub(crate) use self::listener::{Listening, listen};

/// A signal that stops runs; see [`Pipeline::stop_on_signals`](crate::Pipeline::stop_on_signals).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: from a service manager, or `kill`.
    Terminate,
}

impl Signal {
    /// Returns `SIGINT` or `SIGTERM`.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Interrupt => "SIGINT",
            Signal::Terminate => "SIGTERM",
        }
    }

    /// Returns the exit code of a process that the signal ended, as shells report it: 130 or 143.
    pub fn exit_code(self) -> u8 {
        match self {
            Signal::Interrupt => 130,
            Signal::Terminate => 143,
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
