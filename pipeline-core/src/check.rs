//! Compile-time checks that an expansion calls on the user's own tokens, so that rustc underlines them.

use std::error::Error;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::call::{Call, Failure};
use crate::params::{ParseFn, parse_param};
use crate::probe::holds_secret;
use crate::step::{DefFn, Step};
use crate::value::TypeDef;
use crate::view::View;

/// The type that a parameter reads is the one that the upstream returns. Reported on the type of the parameter.
#[diagnostic::on_unimplemented(
    message = "the upstream step returns `{Output}`, but this parameter reads `{Self}`",
    label = "the upstream step returns `{Output}`",
    note = "`&T`, `Option<&T>` and `Result<&T, &StepError>` read a step that returns `T`; `&[T]` reads `Vec<T>`, `&str` reads `String`, `&Path` reads `PathBuf`, `&dyn Trait` reads `Box<dyn Trait>`",
    note = "if the upstream returns an alias of `Result`, mark it `#[step(fallible)]`"
)]
pub trait Reads<Output: ?Sized> {}

#[diagnostic::do_not_recommend]
impl<T: ?Sized> Reads<T> for T {}

/// The type that one step of a fan-in returns is the one that the parameter reads. Reported on the step.
#[diagnostic::on_unimplemented(
    message = "this step of the fan-in returns `{Self}`, but the parameter collects `{Wanted}`",
    label = "returns `{Self}`",
    note = "the steps of a fan-in return one type: convert the output in a separate step, or read it with a separate parameter"
)]
pub trait Gives<Wanted: ?Sized> {}

#[diagnostic::do_not_recommend]
impl<T: ?Sized> Gives<T> for T {}

/// A value that each attempt of a step with retries can have. Reported on the type of the parameter.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is taken by value by a step that retries: each attempt needs its own; derive `Clone` for it, or borrow it (`&T`)",
    label = "cannot be cloned"
)]
pub trait Again: Clone {}

#[diagnostic::do_not_recommend]
impl<T: Clone> Again for T {}

/// A type that a run parameter can be read as. Reported on the type of the parameter.
#[diagnostic::on_unimplemented(
    message = "a run parameter is read by serde, which cannot read `{Self}`",
    label = "is or holds a type without `Deserialize`",
    note = "derive `serde::Deserialize` for the type and for every type in it; a value that the program makes is a `#[resource]`"
)]
pub trait Readable: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> Readable for T {}

/// An edge to a step that is named by path.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// The definition of the upstream.
    pub def: DefFn,
    /// The type of its output.
    pub ty: TypeDef,
}

/// Returns the edge to `Upstream`, whose output can be read as `Wanted`.
pub const fn check_edge<Upstream, Wanted>() -> Edge
where
    Upstream: Step,
    Wanted: View + ?Sized,
    Wanted::Owned: Reads<Upstream::Output>,
{
    check_after::<Upstream>()
}

/// One edge of a fan-in, whose outputs are read as `Wanted`.
pub const fn check_fan_in<Upstream, Wanted>() -> Edge
where
    Upstream: Step,
    Wanted: View + ?Sized,
    Upstream::Output: Gives<Wanted::Owned>,
{
    check_after::<Upstream>()
}

/// Returns the edge to `Upstream`, whatever its output.
pub const fn check_after<Upstream: Step>() -> Edge {
    Edge { def: Upstream::def, ty: TypeDef::of::<Upstream::Output>() }
}

/// The type that a parameter reads if its upstream is found at start-up.
#[derive(Clone, Copy, Debug)]
pub struct Viewed {
    /// The output type that the upstream must have.
    pub ty: TypeDef,
}

/// Returns the output type that `Wanted` is read from.
pub const fn check_view<Wanted>() -> Viewed
where
    Wanted: View + ?Sized,
    Wanted::Owned: Send + Sync,
{
    Viewed { ty: TypeDef::of::<Wanted::Owned>() }
}

/// Takes an output by value for a step with retries: a clone for each attempt except the last.
pub const fn check_again<T: Again + 'static>() -> fn(Call<'_>, usize) -> T {
    |call, index| call.take_or_clone(index)
}

/// Returns the output type of a step.
pub const fn check_output<S: Step>() -> TypeDef {
    TypeDef::of::<S::Output>()
}

/// How an error of type `E` becomes a failure.
pub const fn check_error<E: Into<Box<dyn Error + Send + Sync>>>() -> fn(E) -> Failure {
    |error| Failure::from_error(error)
}

/// How a run parameter is read, in the form `R`.
#[derive(Clone, Copy, Debug)]
pub struct Param<R> {
    /// The type that it is read as.
    pub ty: TypeDef,
    /// Reads it into the type.
    pub parse: ParseFn,
    /// Returns whether the type can hold a secret.
    pub secret: fn() -> Option<bool>,
    /// Hands it to a call.
    pub read: R,
}

/// A run parameter by value.
pub const fn check_param<T>() -> Param<fn(Call<'_>, usize) -> T>
where
    T: Readable + Send + Sync + 'static,
{
    Param {
        ty: TypeDef::of::<T>(),
        parse: parse_param::<T>,
        secret: holds_secret::<T>,
        read: |call, index| call.param(index),
    }
}

/// A run parameter by reference.
pub const fn check_param_view<P>() -> Param<for<'a> fn(Call<'a>, usize) -> &'a P>
where
    P: View + ?Sized,
    P::Owned: Readable + Send + Sync + 'static,
{
    Param {
        ty: TypeDef::of::<P::Owned>(),
        parse: parse_param::<P::Owned>,
        secret: holds_secret::<P::Owned>,
        read: |call, index| call.param_view(index),
    }
}

/// How a resource is read.
#[derive(Clone, Copy, Debug)]
pub struct Resource<T: ?Sized + 'static> {
    /// The type by which it is found first.
    pub ty: TypeDef,
    /// The types that can hold it instead.
    pub holders: &'static [TypeDef],
    /// Hands it to a call.
    pub read: for<'a> fn(Call<'a>, usize) -> &'a T,
}

/// A resource, which the whole run shares.
pub const fn check_resource<P>() -> Resource<P>
where
    P: View + Send + Sync + ?Sized,
    P::Owned: Send + Sync,
{
    Resource {
        ty: TypeDef::of::<P::Owned>(),
        holders: const { &[TypeDef::of::<Box<P>>(), TypeDef::of::<Arc<P>>()] },
        read: |call, index| call.resource(index),
    }
}

/// A resource that is read as a trait object.
pub const fn check_object<P: Send + Sync + ?Sized + 'static>() -> Resource<P> {
    Resource {
        ty: TypeDef::of::<Box<P>>(),
        holders: const { &[TypeDef::of::<Arc<P>>()] },
        read: |call, index| call.object(index),
    }
}
