//! What an executor of your own needs: the state of one run, and the tokens by which steps start and end.
//!
//! Implement [`Execute`] and hand it to [`Pipeline::run_with`](crate::Pipeline::run_with); or, without the feature
//! `exec`, bind a [`Plan`](crate::graph::Plan) to [`Params`] and [`Resources`] and drive a [`Frame`] yourself.

pub use pipeline_core::frame::{Attempt, Finished, Frame, Given, GivenUp, Progress, Ready, Roots, Suspended};
pub use pipeline_core::{BoundParams, ParamValue, Params, Resources, RunScope};
#[cfg(feature = "exec")]
pub use pipeline_exec::Execute;
