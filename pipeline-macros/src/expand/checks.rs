//! What rustc has to prove: one constant for each edge, run parameter and resource, on the user's own tokens.
//!
//! The rest of the expansion reads these constants and repeats none of their bounds, so each mistake is one error.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Path, Type};

use crate::input::{Edge, How, Input, InputKind, Many, One, checked};
use crate::model::StepModel;
use crate::own::{at, own};
use crate::shape::{is_object, looked_at};

/// The constants.
pub(super) fn checks(model: &StepModel) -> TokenStream {
    let inputs = model.inputs.iter().enumerate().map(|(index, input)| self::input(index, input));
    let again = model.inputs.iter().enumerate().filter(|_| model.policy.retries());
    let again = again.map(|(index, input)| self::again(index, input));
    let cases = model.cases.iter().flat_map(|cases| &cases.steps);
    let steps = model.after.iter().chain(&model.branch).chain(cases).map(step);
    let policy = super::policy::checks(model);
    let error = error(model);
    quote!(#(#inputs)* #(#again)* #(#steps)* #policy #error)
}

/// A static with the name of the step, which reads those of the steps that this one waits for.
///
/// If steps wait for each other, rustc reports a cycle of these statics: it lists the steps in order, each with the token that names
/// the next. A static is found by a function of the type: a constant of a trait would add steps of the compiler to the cycle, and
/// rustc evaluates only short chains of them.
pub(super) fn acyclic(model: &StepModel) -> TokenStream {
    let name = &model.ident;
    let mut own = name.clone();
    own.set_span(at(name.span()));
    let upstream = model.edges().map(|edge| {
        let path = &edge.path;
        quote_spanned!(path.span()=> & *<#path>::step())
    });
    quote_spanned! {own.span()=>
        static #own: __pipeline::core::primitive::bool = true #(#upstream)*;
        impl #name {
            #[doc(hidden)]
            pub const fn step() -> &'static __pipeline::core::primitive::bool {
                &#own
            }
        }
    }
}

fn input(index: usize, input: &Input) -> TokenStream {
    let name = checked(index);
    let ty = &input.ty;
    match &input.kind {
        InputKind::One { from: One::Edge(edge), how: How::Look(_, view) | How::Take(view) } => {
            self::edge(edge, view)
        }
        InputKind::One { from: One::Field(edge, _), .. } => step(edge),
        InputKind::One { how: How::Look(_, view) | How::Take(view), .. } => type_of(&name, view),
        InputKind::Many { from, view, .. } => {
            let edges = match from {
                Many::Edges(edges) => &edges[..],
                _ => &[],
            };
            let edges = edges.iter().map(|edge| {
                let (span, path) = (edge.path.span(), in_parentheses(&edge.path));
                let wanted = looked_at(view);
                let check = quote_spanned!(span=> __pipeline::check_fan_in::<#path, #wanted>());
                constant(&edge.name, &quote!(__pipeline::Edge), &check)
            });
            let ty = type_of(&name, view);
            quote!(#ty #(#edges)*)
        }
        InputKind::Param { how: How::Take(owned), .. } => {
            let read = quote!(fn(__pipeline::Call<'_>, __pipeline::core::primitive::usize) -> #owned);
            let check = quote_spanned!(ty.span()=> __pipeline::check_param::<#owned>());
            constant(&name, &quote!(__pipeline::Param<#read>), &check)
        }
        InputKind::Param { how: How::Look(_, view), .. } => {
            let read =
                quote!(for<'a> fn(__pipeline::Call<'a>, __pipeline::core::primitive::usize) -> &'a #view);
            let check = quote_spanned!(ty.span()=> __pipeline::check_param_view::<#view>());
            constant(&name, &quote!(__pipeline::Param<#read>), &check)
        }
        InputKind::Resource { ty: resource, .. } => {
            let check = if is_object(resource) { quote!(check_object) } else { quote!(check_resource) };
            let check = quote_spanned!(ty.span()=> __pipeline::#check::<#resource>());
            constant(&name, &quote!(__pipeline::Resource<#resource>), &check)
        }
        InputKind::Context => TokenStream::new(),
    }
}

/// A step of which nothing is read.
fn step(edge: &Edge) -> TokenStream {
    let (name, span, path) = (&edge.name, edge.path.span(), in_parentheses(&edge.path));
    let check = quote_spanned!(span=> __pipeline::check_after::<#path>());
    constant(name, &quote!(__pipeline::Edge), &check)
}

/// How a step that retries takes an output: each attempt but the last gets a clone.
fn again(index: usize, input: &Input) -> TokenStream {
    let InputKind::One { how: How::Take(owned), .. } = &input.kind else { return TokenStream::new() };
    let read = quote!(fn(__pipeline::Call<'_>, __pipeline::core::primitive::usize) -> #owned);
    let check = quote_spanned!(input.ty.span()=> __pipeline::check_again::<#owned>());
    constant(&again_name(index), &read, &check)
}

/// The constant of an output that is taken more than once.
pub(super) fn again_name(index: usize) -> Ident {
    own(format_args!("again_{index}"))
}

/// How the error of the function becomes a failure, if the return type spells the error.
fn error(model: &StepModel) -> TokenStream {
    let Some(error) = &model.output.error else { return TokenStream::new() };
    let check = quote_spanned!(error.span()=> __pipeline::check_error::<#error>());
    constant(&error_name(), &quote!(fn(#error) -> __pipeline::Failure), &check)
}

/// The constant of the error type.
pub(super) fn error_name() -> Ident {
    own("error_type")
}

fn edge(edge: &Edge, wanted: &Type) -> TokenStream {
    let (name, span, path) = (&edge.name, edge.path.span(), in_parentheses(&edge.path));
    let wanted = looked_at(wanted);
    // rustc puts a wrong type on the argument `wanted`, and what is no step on the rest.
    let check = quote_spanned!(span=> __pipeline::check_edge::<#path, #wanted>());
    constant(name, &quote!(__pipeline::Edge), &check)
}

fn type_of(name: &Ident, view: &Type) -> TokenStream {
    let looked_at = looked_at(view);
    let check = quote_spanned!(view.span()=> __pipeline::check_view::<#looked_at>());
    constant(name, &quote!(__pipeline::Viewed), &check)
}

/// The path as a type: without parentheses, rustc would take a function of the name for a constant.
fn in_parentheses(path: &Path) -> TokenStream {
    quote_spanned!(at(path.span())=> (#path))
}

pub(super) fn constant(name: &Ident, ty: &TokenStream, value: &TokenStream) -> TokenStream {
    quote!(const #name: #ty = #value;)
}
