//! What an expansion of `#[step]` may name; not public API, and free to change in any release.

pub use core;
pub use inventory;
pub use std;

pub use crate::call::{AsyncStep, Call, Callable, Code, Failure, Fallible, Started, StepFuture, SyncStep};
pub use crate::check::{
    Edge, Gives, Param, Reads, Resource, Viewed, check_acyclic, check_after, check_edge, check_error,
    check_fan_in, check_output, check_param, check_param_view, check_resource, check_view, deeper,
};
pub use crate::context::StepContext;
pub use crate::error::StepError;
pub use crate::input::{InputDef, InputKind, Mode, ParamDef, Quorum, Source};
pub use crate::params::{boxed_default, parse_param};
pub use crate::policy::{Backoff, Policy};
pub use crate::registry::Registration;
pub use crate::step::{DefFn, Lane, Location, Package, Step, StepDef};
pub use crate::ty::TypeDef;
pub use crate::view::View;

/// Depth of the graph above a step: evaluating it is what makes rustc report a cycle.
pub use crate::check::Depth;
