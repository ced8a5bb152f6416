//! The memory and processor time that a run uses, and the slots that it may have because of that.
//!
//! A [`Sampler`] measures, a [`Controller`] decides, a [`Recorder`] keeps the measurements, a [`Budget`] proposes the slots to
//! start with. None of them reads a clock, sleeps or knows the engine: the watchdog of a run calls them and acts.

mod budget;
mod cgroup;
mod control;
mod curve;
mod monitor;
mod process;
mod procfs;
mod sample;
mod share;
#[cfg(test)]
mod tests;

pub use self::budget::{Budget, LaneBudget};
pub use self::control::{Change, Controller, Pressure};
pub use self::curve::{Curve, CurvePoint, Recorder};
pub(crate) use self::monitor::Monitor;
pub use self::process::ProcessSampler;
pub use self::sample::{Sample, Sampler};
pub use self::share::Share;
