//! What stands in for a step that could not be expanded: the user's function and a type of its name, so that the
//! errors reported are the only ones.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::args::Args;
use crate::error::Errors;
use crate::expand::{exists, marker};
use crate::model::Output;
use crate::parse::StepFn;
use crate::path;
use crate::validate::has_output;

/// The item as written, then the errors.
pub(crate) fn reject(item: &impl ToTokens, errors: Errors) -> TokenStream {
    let errors = errors.into_compile_errors();
    quote!(#item #(#errors)*)
}

/// The function, its type with a `Step` impl for its downstream to name, and the errors.
pub(crate) fn reject_step(item: &StepFn, args: &Args, errors: Errors) -> TokenStream {
    if item.is_method() {
        // An `impl` or a `trait` around the function has no room for a type.
        return reject(item, errors);
    }
    let (marker, name, exists) = (marker(item), &item.sig.ident, exists(item));
    let import = path::import(args.krate.as_ref());
    let mut errors = errors.into_compile_errors();
    let output = if has_output(&item.sig) || errors.is_empty() {
        Output::new(&item.sig, args, &mut Errors::default()).handed_on()
    } else {
        // A type with an error in it, here the first of the errors: whatever is asked of it, rustc adds nothing.
        let error = errors.remove(0);
        quote!([(); #error])
    };
    quote! {
        #[allow(unused)]
        #item
        #marker
        #(#errors)*
        #exists
        #[allow(unused)]
        const _: () = {
            #import
            impl __pipeline::Step for #name {
                type Output = #output;
                fn def() -> &'static __pipeline::StepDef {
                    __pipeline::core::unreachable!()
                }
            }
            impl #name {
                pub const fn step() -> &'static __pipeline::core::primitive::bool {
                    &true
                }
            }
        };
    }
}
