//! Items that an expansion of `#[step]` may name. Not public API; they can change in any release.

pub use core;
pub use inventory;
pub use std;

pub use crate::call::{
    Call, Callable, Code, Failure, Fallback, Fallible, Started, StepFuture, condition, fallback_of,
    fallback_of_error, fallback_value, is_worth_it,
};
pub use crate::check::{
    Again, Edge, Gives, Param, Readable, Reads, Resource, Viewed, check_after, check_again, check_edge,
    check_error, check_fan_in, check_object, check_output, check_param, check_param_view, check_resource,
    check_view,
};
pub use crate::codec::{Codec, FromJson, NotFromJson, NotToJson, NotToStore, StoredForm, ToJson, ToStore};
pub use crate::context::StepContext;
pub use crate::error::StepError;
pub use crate::lane::Lane;
pub use crate::location::{Location, package};
pub use crate::params::{Copying, NotCopied, ParamDef, boxed_default, parse_param};
pub use crate::policy::{Backoff, CachePolicy, Policy};
pub use crate::registry::Registration;
pub use crate::step::{
    AsyncStep, DefFn, InputDef, InputKind, Mode, Quorum, Source, Step, StepDef, SyncStep, case_number,
};
pub use crate::value::TypeDef;
pub use crate::view::View;

/// Returns the object in a box; `&*` would look for an implementation by the box first.
#[allow(clippy::borrowed_box, reason = "the box is what an upstream returned")]
pub fn unboxed<T: ?Sized>(object: &Box<T>) -> &T {
    object
}

/// The result of a call.
pub type Called<T> = Result<T, Failure>;

/// Under the usual names, rustc would call the path to them an unnecessary qualification of the user's.
pub use std::{
    boxed::Box as Boxed,
    result::Result::{Err as CalledErr, Ok as CalledOk},
};

/// Writes a field of a constant. The old value owns nothing, and is forgotten: a constant cannot drop.
pub const fn set<T>(field: &mut T, value: T) {
    std::mem::forget(std::mem::replace(field, value));
}
