//! From the model to tokens.
//!
//! Beside the function as written stand the type of its name and one anonymous constant, which holds everything else:
//! it imports core's private module as `__pipeline` and names all of its parts, std included, through that.

mod call;
mod checks;
mod def;
mod policy;
mod switch;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;

use crate::args::Args;
use crate::error::Errors;
use crate::fallback;
use crate::model::StepModel;
use crate::parse::StepFn;
use crate::path;
use crate::validate::validate;

/// Expands `#[step(args)] item`.
pub(crate) fn step(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::read(args, &mut errors);
    let step: StepFn = match syn::parse2(item.clone()) {
        Ok(step) => step,
        Err(error) => {
            errors.push(error);
            return fallback::reject(&item, errors);
        }
    };
    validate(&step, &mut errors);
    match StepModel::new(&step, &args, &mut errors) {
        Some(model) if errors.is_empty() => expand(&step, &model, &args),
        _ => fallback::reject_step(&step, &args, errors),
    }
}

fn expand(item: &StepFn, model: &StepModel, args: &Args) -> TokenStream {
    let (marker, cfgs, import) = (marker(item), item.cfgs(), path::import(args.krate.as_ref()));
    let checks = checks::checks(model);
    let def = def::def(model);
    let call = call::call(model);
    let name = &model.ident;
    quote! {
        #item
        #marker
        #(#cfgs)*
        #[allow(deprecated, unused_parens, unused_qualifications, unused_variables)]
        const _: () = {
            #import
            #checks
            #def
            #call
            __pipeline::inventory::submit! {
                __pipeline::Registration(<#name as __pipeline::Step>::def)
            }
        };
    }
}

/// The type of the function's name, which stands for the step in typed code.
pub(crate) fn marker(item: &StepFn) -> TokenStream {
    let (vis, name, cfgs) = (&item.vis, &item.sig.ident, item.cfgs());
    let mut docs = item.docs().map(ToTokens::to_token_stream).collect::<TokenStream>();
    if docs.is_empty() {
        let doc = format!("The step [`{name}`](fn@{name}).", name = name.unraw());
        docs = quote!(#[doc = #doc]);
    }
    // rustc reports a second type of the name on this item, and so on the name of the function.
    quote_spanned! {name.span()=>
        #(#cfgs)*
        #docs
        #[allow(
            dead_code,
            missing_copy_implementations,
            missing_debug_implementations,
            non_camel_case_types,
            unreachable_pub
        )]
        #vis struct #name {}
    }
}
