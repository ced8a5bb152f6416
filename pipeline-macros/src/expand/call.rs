//! `impl SyncStep` or `impl AsyncStep`: binds the inputs and calls the function.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Type;

use super::checks::{again_name, error_name};
use super::policy;
use crate::from::Quorum;
use crate::input::{Holds, How, Input, InputKind, One, checked};
use crate::model::StepModel;
use crate::own::own;
use crate::shape::{Access, is_object, looked_at};

/// The impl, after the functions that project fields.
pub(super) fn call(model: &StepModel) -> TokenStream {
    let name = &model.ident;
    let projections = model.inputs.iter().enumerate().map(|(index, input)| projection(index, input));
    let bindings = model.inputs.iter().enumerate().map(|(index, input)| binding(index, input, model));
    let arguments = model.inputs.iter().enumerate().map(|(index, input)| {
        // The argument has the span of the parameter's type, so that rustc reports a wrong one there.
        let (first, last) = ends(&input.ty);
        let mut local = local(index);
        local.set_span(local.span().located_at(last));
        if matches!(input.kind, InputKind::Context) {
            quote_spanned!(first=> &#local)
        } else {
            quote!(#local)
        }
    });
    let (keyword, wait, kind) = if model.is_async {
        (quote_spanned!(name.span()=> async fn), quote!(.await), quote!(AsyncStep))
    } else {
        (quote!(fn), quote!(), quote!(SyncStep))
    };
    let called = quote!(#name(#(#arguments),*)#wait);
    let failure = if model.output.error.is_some() {
        error_name().into_token_stream()
    } else {
        quote_spanned!(model.output.span=> __pipeline::Failure::from_error)
    };
    let (output, error) = (own("output"), own("error"));
    let failed = policy::retry_if(model, &error, &quote!(#failure(#error)));
    let body = if model.output.fallible {
        quote_spanned! {model.output.span=>
            match #called {
                __pipeline::CalledOk(#output) => __pipeline::CalledOk(#output),
                __pipeline::CalledErr(#error) => __pipeline::CalledErr(#failed),
            }
        }
    } else {
        quote!(__pipeline::CalledOk(#called))
    };
    let condition = policy::condition(model);
    let (fallback, case) = (policy::fallback(model), super::switch::case(model));
    let key = policy::key(model);
    let call = call_ident();
    let output = quote_spanned!(model.output.span=> Self::Output);
    // rustc reports a future that is not `Send` on this impl, and so on the name of the function.
    quote_spanned! {name.span()=>
        #(#projections)*
        impl __pipeline::#kind for #name {
            #keyword call(
                #call: __pipeline::Call<'_>,
            ) -> __pipeline::Called<#output> {
                #(#bindings)*
                #condition
                #body
            }

            #fallback
            #case
            #key
        }
    }
}

/// Binds one parameter to a local variable.
pub(super) fn binding(index: usize, input: &Input, model: &StepModel) -> TokenStream {
    let (call, local, checked) = (call_ident(), local(index), checked(index));
    let value = match &input.kind {
        InputKind::One { from: One::Field(edge, _), how } => {
            let (path, project) = (&edge.path, projection_ident(index));
            let output = quote!(<#path as __pipeline::Step>::Output);
            match how {
                How::Look(Access::Borrow, _) => quote!(#project(#call.view::<#output>(#index))),
                How::Look(Access::Option, _) => quote!(#call.option::<#output>(#index).map(#project)),
                How::Look(Access::Result, _) => quote!(#call.outcome::<#output>(#index).map(#project)),
                How::Take(_) => unreachable!("a field is not taken"),
            }
        }
        InputKind::One { how: How::Look(access, view), .. } => {
            let read = match access {
                Access::Borrow => quote!(view),
                Access::Option => quote!(option),
                Access::Result => quote!(outcome),
            };
            let seen = looked_at(view);
            unboxed(*access, view, quote!(#call.#read::<#seen>(#index)))
        }
        InputKind::One { how: How::Take(_), .. } if model.policy.retries() => {
            let again = again_name(index);
            quote!((#again)(#call, #index))
        }
        InputKind::One { how: How::Take(ty), .. } => quote!(#call.take::<#ty>(#index)),
        InputKind::Many { holds: Holds::Chosen, access, view, .. } => {
            let read = match access {
                Access::Borrow => quote!(chosen),
                Access::Option => quote!(chosen_option),
                Access::Result => quote!(chosen_outcome),
            };
            let seen = looked_at(view);
            unboxed(*access, view, quote!(#call.#read::<#seen>(#index)))
        }
        InputKind::Many { holds, quorum, access, view, .. } => {
            let keyed = *holds == Holds::Map;
            let items = collected(index, keyed, *quorum, *access, view);
            quote!(__pipeline::core::iter::Iterator::collect(#items))
        }
        InputKind::Param { .. } | InputKind::Resource { .. } => quote!((#checked.read)(#call, #index)),
        InputKind::Context => quote!(#call.context()),
    };
    // The condition looks at a collection before its type is known from the function.
    let ty = match &input.kind {
        InputKind::Many { .. } if model.policy.when.is_some() || model.policy.key.is_some() => {
            let ty = &input.ty;
            quote!(: #ty)
        }
        _ => TokenStream::new(),
    };
    quote!(let #local #ty = #value;)
}

/// What is read of one step: of a trait object, what its box holds.
fn unboxed(access: Access, view: &Type, value: TokenStream) -> TokenStream {
    match access {
        _ if !is_object(view) => value,
        Access::Borrow => quote!(__pipeline::unboxed(#value)),
        Access::Option | Access::Result => quote!(#value.map(__pipeline::unboxed)),
    }
}

/// The items of a fan-in.
fn collected(index: usize, keyed: bool, quorum: Quorum, access: Access, view: &Type) -> TokenStream {
    let (call, seen) = (call_ident(), looked_at(view));
    let map = |items, item| {
        if is_object(view) { quote!(__pipeline::core::iter::Iterator::map(#items, #item)) } else { items }
    };
    let (name, item) = (own("name"), own("item"));
    let value = unboxed(access, view, item.to_token_stream());
    let read = match (access, quorum, keyed) {
        (Access::Borrow, Quorum::All, _) => quote!(views),
        (Access::Borrow, _, true) => {
            let items = quote!(#call.available_named::<#seen>(#index));
            return map(items, quote!(|(#name, #item)| (#name, #value)));
        }
        (Access::Borrow, _, false) => quote!(available),
        (Access::Option, ..) => quote!(options),
        (Access::Result, ..) => quote!(outcomes),
    };
    let values = map(quote!(#call.#read::<#seen>(#index)), quote!(|#item| #value));
    if keyed { quote!(__pipeline::core::iter::Iterator::zip(#call.names(#index), #values)) } else { values }
}

/// The function that borrows a field of an output.
fn projection(index: usize, input: &Input) -> TokenStream {
    let InputKind::One { from: One::Field(edge, members), how: How::Look(_, view) } = &input.kind else {
        return TokenStream::new();
    };
    let (path, name) = (&edge.path, projection_ident(index));
    // The coercion has the span of the whole type, so that rustc reports an error there.
    let (first, last) = ends(view);
    let output = own("output");
    let mut field = own("field");
    field.set_span(last);
    let reference = quote_spanned!(first=> &);
    let coerced = if is_object(view) { quote_spanned!(first=> &**) } else { quote_spanned!(first=> &*) };
    quote! {
        fn #name(#output: &<#path as __pipeline::Step>::Output) -> #reference #view {
            let #field = &#output #(.#members)*;
            #coerced #field
        }
    }
}

pub(super) fn ends(tokens: &impl quote::ToTokens) -> (Span, Span) {
    let mut spans = tokens.to_token_stream().into_iter().map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    (first, spans.last().unwrap_or(first))
}

fn projection_ident(index: usize) -> Ident {
    own(format_args!("project_{index}"))
}

pub(super) fn local(index: usize) -> Ident {
    own(format_args!("value_{index}"))
}

fn call_ident() -> Ident {
    own("call")
}
