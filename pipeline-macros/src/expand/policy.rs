//! How a step runs: as data for its definition, and as the code that its call needs.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Lit, Type};

use super::call::{binding, local};
use super::checks::constant;
use super::def::text;
use crate::input::{Holds, How, Input, InputKind};
use crate::model::StepModel;
use crate::own::own;
use crate::param::ungrouped;
use crate::shape::arguments;

/// The policy: the default one, with the fields that options set.
pub(super) fn value(model: &StepModel) -> TokenStream {
    let set = model.policy.fields();
    if set.is_empty() {
        return quote!(__pipeline::Policy::NONE);
    }
    let policy = own("policy");
    let set = set.iter().map(|(field, value)| {
        let field = format_ident!("{field}");
        quote!(__pipeline::set(&mut #policy.#field, #value);)
    });
    quote!({
        let mut #policy = __pipeline::Policy::NONE;
        #(#set)*
        #policy
    })
}

/// The functions that the options name, with their types, the limits, and the cases of a switch.
pub(super) fn checks(model: &StepModel) -> TokenStream {
    let policy = &model.policy;
    let bool = quote!(__pipeline::core::primitive::bool);
    let returned = &model.output.ty;
    let error = quote!(<#returned as __pipeline::Fallible>::Error);
    let looked_at: Vec<Type> = model.inputs.iter().map(looked_at).collect();
    let functions = [
        ("retry_if", &policy.retry_if, quote!(fn(&#error) -> #bool)),
        ("on_failure", &policy.on_failure, quote!(fn(&__pipeline::StepError))),
        ("parallel_if", &policy.parallel_if, quote!(fn() -> #bool)),
        ("when", &policy.when, quote!(fn(#(#looked_at),*) -> #bool)),
        ("key", &policy.key, quote!(fn(#(#looked_at),*) -> __pipeline::std::string::String)),
    ];
    let functions = functions.into_iter().filter_map(|(name, function, ty)| {
        Some(constant(&own(name), &ty, &function.as_ref()?.to_token_stream()))
    });
    let limits = policy.limits.iter().map(|limit| {
        let (name, amount) = (text(&limit.name), limit.amount);
        quote!((#name, #amount))
    });
    let limits = (!policy.limits.is_empty()).then(|| {
        let (list, count) = (own("limits"), policy.limits.len());
        quote! {
            static #list: [
                (__pipeline::std::borrow::Cow<'static, __pipeline::core::primitive::str>, __pipeline::core::primitive::u32);
                #count
            ] = [#(#limits),*];
        }
    });
    let cases = model.cases.as_ref().map(|cases| {
        let (count, steps) = (cases.steps.len(), cases.steps.iter().map(|step| &step.name));
        let list = own("cases");
        quote!(static #list: [__pipeline::DefFn; #count] = [#(#steps.def),*];)
    });
    quote!(#(#functions)* #limits #cases)
}

/// The type of a parameter in a condition: a borrowed one as it is, an owned one by reference.
fn looked_at(input: &Input) -> Type {
    let ty = &input.ty;
    match &input.kind {
        InputKind::Many { holds: Holds::List, .. } => {
            let item = arguments(ty, "Vec").and_then(|items| items.first().copied());
            item.map_or_else(|| ty.clone(), |item| syn::parse_quote!(&[#item]))
        }
        _ if is_owned(input) => syn::parse_quote!(&#ty),
        _ => ty.clone(),
    }
}

/// Whether the parameter is passed by value and is not a borrow.
fn is_owned(input: &Input) -> bool {
    match &input.kind {
        InputKind::One { how, .. } | InputKind::Param { how, .. } => matches!(how, How::Take(_)),
        InputKind::Many { holds, .. } => *holds != Holds::Chosen,
        InputKind::Resource { .. } | InputKind::Context => false,
    }
}

/// Ends the call if the condition is not met.
pub(super) fn condition(model: &StepModel) -> TokenStream {
    if model.policy.when.is_none() {
        return TokenStream::new();
    }
    let arguments = model.inputs.iter().enumerate().map(|(index, input)| {
        let local = local(index);
        let is_context = matches!(input.kind, InputKind::Context);
        if is_owned(input) || is_context { quote!(&#local) } else { quote!(#local) }
    });
    let (when, failure) = (own("when"), own("failure"));
    quote! {
        if let __pipeline::CalledErr(#failure) = __pipeline::condition(|| (#when)(#(#arguments),*)) {
            return __pipeline::CalledErr(#failure);
        }
    }
}

/// `fn key`, if the step has a part of its own in its key.
pub(super) fn key(model: &StepModel) -> TokenStream {
    if model.policy.key.is_none() {
        return TokenStream::new();
    }
    let (call, key) = (own("call"), own("key"));
    let bindings = model.inputs.iter().enumerate().map(|(index, input)| match &input.kind {
        // Nothing is moved out before the step runs.
        InputKind::One { how: How::Take(ty), .. } => {
            let local = local(index);
            quote!(let #local = #call.view::<#ty>(#index);)
        }
        _ => binding(index, input, model),
    });
    let arguments = model.inputs.iter().enumerate().map(|(index, input)| {
        let local = local(index);
        let is_value = match &input.kind {
            InputKind::One { how: How::Take(_), .. } => false,
            kind => is_owned(input) || matches!(kind, InputKind::Context),
        };
        if is_value { quote!(&#local) } else { quote!(#local) }
    });
    quote! {
        fn key(
            #call: __pipeline::Call<'_>,
        ) -> __pipeline::core::option::Option<__pipeline::std::string::String> {
            #(#bindings)*
            __pipeline::core::option::Option::Some((#key)(#(#arguments),*))
        }
    }
}

/// The failure, with the answer of the filter about `error`.
pub(super) fn retry_if(model: &StepModel, error: &Ident, failure: &TokenStream) -> TokenStream {
    if model.policy.retry_if.is_none() {
        return failure.clone();
    }
    // Called first: the failure takes the error.
    let (worth_it, retry_if) = (own("worth_it"), own("retry_if"));
    quote!({
        let #worth_it = __pipeline::is_worth_it(#retry_if, &#error);
        #failure.retry_if(#worth_it)
    })
}

/// `fn fallback`, if the step has one.
pub(super) fn fallback(model: &StepModel) -> TokenStream {
    let Some(fallback) = &model.policy.fallback else { return TokenStream::new() };
    let error = own("error");
    let output = model.output.handed_on();
    let value = match ungrouped(fallback) {
        Expr::Closure(closure) if closure.inputs.is_empty() => {
            quote_spanned!(fallback.span()=> __pipeline::fallback_value::<#output, _>(#fallback))
        }
        Expr::Closure(_) => {
            quote_spanned!(fallback.span()=> __pipeline::fallback_of_error::<#output, _>(#fallback, #error))
        }
        // The type of the path decides what it is.
        Expr::Path(_) => {
            quote_spanned!(fallback.span()=> __pipeline::fallback_of::<#output, _, _>(#fallback, #error))
        }
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
            quote_spanned!(text.span()=> __pipeline::core::convert::From::from(#text))
        }
        _ => fallback.to_token_stream(),
    };
    let value_ident = own("value");
    quote! {
        fn fallback(
            #error: &__pipeline::StepError,
        ) -> __pipeline::core::option::Option<Self::Output> {
            let #value_ident: #output = #value;
            __pipeline::core::option::Option::Some(#value_ident)
        }
    }
}
