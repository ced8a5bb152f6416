//! From the model to tokens.
//!
//! Beside the function as written stand the type of its name and two anonymous constants: the second makes
//! rustc look for cycles, the first holds everything else. Each imports core's private module as `__pipeline` and names all of its
//! parts, std included, through that.

mod call;
mod checks;
mod def;
mod policy;
mod switch;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use crate::args::Args;
use crate::error::Errors;
use crate::fallback;
use crate::model::StepModel;
use crate::own::at;
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
    let (marker, exists, import) = (marker(item), exists(item), path::import(args.krate.as_ref()));
    let lints = item.allowed();
    // Clippy's advice is a struct for all of them, but each is an edge.
    let wide = (model.inputs.len() > 7).then(|| quote!(#[allow(clippy::too_many_arguments)]));
    let (checks, acyclic) = (checks::checks(model), checks::acyclic(model));
    let def = def::def(model);
    let call = call::call(model);
    let name = &model.ident;
    quote! {
        #wide
        #item
        #marker
        #exists
        #lints
        const _: () = {
            #import
            #checks
            #def
            #call
            __pipeline::inventory::submit! {
                __pipeline::Registration(<#name as __pipeline::Step>::def)
            }
        };
        #exists
        #lints
        const _: () = {
            #import
            #acyclic
        };
    }
}

/// The type of the function's name, which stands for the step in typed code.
pub(crate) fn marker(item: &StepFn) -> TokenStream {
    let (vis, mut name, exists) = (&item.vis, item.sig.ident.clone(), exists(item));
    // rustc reports a second type of the name on this item, and so on the name of the function.
    let place = at(name.span());
    name.set_span(place);
    quote_spanned! {place=>
        #exists
        #[doc(hidden)]
        #vis struct #name {}
    }
}

/// When the items beside the function exist: as it does, but not in its documentation. There the step is the function alone, with
/// one doc comment, and a link to its name has one meaning.
pub(crate) fn exists(item: &StepFn) -> TokenStream {
    let cfgs = item.cfgs();
    quote!(#(#cfgs)* #[cfg(not(doc))])
}
