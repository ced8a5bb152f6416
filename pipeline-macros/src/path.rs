//! Where an expansion finds what it names.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Path;

/// The import that opens every expansion: core's private module, from `::pipeline` or from the path of
/// `#[step(crate = …)]`.
///
/// The expansion names everything through it, std included. So a missing crate is one error instead of forty, and
/// what the user's module shadows does not matter.
pub(crate) fn import(krate: Option<&Path>) -> TokenStream {
    let krate = krate.map_or_else(|| quote!(::pipeline), ToTokens::to_token_stream);
    quote!(use #krate::__private as __pipeline;)
}
