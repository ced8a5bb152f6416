//! Where an expansion finds what it names.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Path;

/// The import that opens every expansion: core's private module, from `::pipeline` or from the path of
/// `#[step(crate = …)]`.
///
/// The expansion names everything through it, std included. So a missing crate is one error instead of forty, and
/// what the user's module shadows does not matter.
pub(crate) fn import(krate: Option<&Path>) -> TokenStream {
    match krate {
        Some(krate) => quote!(use #krate::__private as __pipeline;),
        None => quote!(use ::pipeline::__private as __pipeline;),
    }
}
