//! The model of a pipeline: step definitions, registry, graph, plan, frame. No runtime, no clock, no I/O.
//!
//! | concept | type | made from |
//! |---|---|---|
//! | a step as written | [`StepDef`] | `#[step]`, or a closure given to a [`DagBuilder`] |
//! | the graph, checked and ordered | [`Dag`] | the registry, or a builder |
//! | the part of a graph that a run executes | [`Plan`] | a graph and its targets |
//! | the state of one run | [`Frame`](frame::Frame) | a plan, parameters and resources |
//!
//! Data flows one way: each value is made from the one before. All are immutable except the frame.

#![warn(clippy::print_stdout, clippy::print_stderr)]

mod activity;
mod builder;
mod call;
mod cells;
mod check;
mod codec;
pub mod contain;
mod context;
mod dag;
mod dead_letter;
mod error;
mod exact;
mod fingerprint;
pub mod frame;
mod hash;
mod lane;
pub mod layout;
mod lists;
mod location;
mod naming;
pub mod notes;
mod params;
mod plan;
mod policy;
#[doc(hidden)]
pub mod private;
mod probe;
mod problem;
mod registry;
mod resources;
mod rng;
mod secret;
mod short_type;
mod signal;
mod step;
mod sync;
mod value;
mod view;

pub use activity::{ProgressSoFar, StepActivity, StepProgress};
pub use builder::{DagBuilder, Handle, Included, Inputs, Instance, Refs};
pub use codec::{Codec, StoreAs, StoredForm};
pub use context::{Cancelled, RunScope, RunningStep, StepContext};
pub use dag::{
    CriticalPath, Dag, DefRef, Format, GraphDocument, InputDocument, Levels, Selection, Statistics,
    StepDocument, StepSpec,
};
pub use dead_letter::DeadLetter;
pub use error::{FailureKind, StepError};
pub use fingerprint::{Fingerprint, FingerprintWriter};
pub use lane::{Lane, LaneSpec};
pub use location::{Location, Package};
pub use params::{BoundParams, CopyFn, ParamDef, ParamValue, Params, ParseFn};
pub use plan::{Plan, PlanOptions, StepParam};
pub use policy::{Backoff, CachePolicy, Policy};
pub use problem::{Problem, ProblemCode, Problems, closest, is_slip};
pub use registry::{packages, registered, registered_as};
pub use resources::Resources;
pub use rng::StepRng;
pub use secret::Secret;
pub use short_type::short_type;
pub use step::{InputDef, InputKind, Mode, Quorum, Source, Step, StepDef};
pub use value::TypeDef;
pub use view::View;
