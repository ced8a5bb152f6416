//! What a pipeline is made of, as data: definitions, handles of a builder, plans, problems, and ways to look at them.
//!
//! | to | use |
//! |---|---|
//! | hold what a [`DagBuilder`](crate::DagBuilder) made | [`Handle`](crate::Handle), [`Instance`], [`Included`], [`Refs`], [`Inputs`] |
//! | pick steps of a graph | [`Selection`] |
//! | look at a graph | [`StepSpec`], [`Levels`], [`CriticalPath`], [`Statistics`] |
//! | draw or store a graph | [`Format`], [`GraphDocument`] |
//! | see what one run executes | [`Plan`], [`PlanOptions`] |
//! | see what is wrong before anything runs | [`Problem`], [`ProblemCode`] |
//! | say what a step does if something goes wrong, and what is stored of it | [`Policy`], [`Backoff`], [`CachePolicy`] |

pub use pipeline_core::{
    Backoff, CachePolicy, CriticalPath, DefRef, Format, GraphDocument, Included, InputDef, InputDocument,
    InputKind, Inputs, Instance, Levels, Location, Mode, Package, ParamDef, Plan, PlanOptions, Policy,
    Problem, ProblemCode, Quorum, Refs, Selection, Source, Statistics, StepDef, StepDocument, StepSpec,
    TypeDef, View, packages, registered, registered_as,
};
#[cfg(feature = "report")]
pub use pipeline_exec::graph_page;
