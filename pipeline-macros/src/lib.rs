//! The `#[step]` attribute of the `pipeline` framework.
//!
//! ```text
//! parse  attribute and signature, body kept as tokens      (args, options, parse, param, shape)
//! check  every rule of a signature, all breaches at once    (validate, model)
//! model  the step as plain data                             (model)
//! expand the model as tokens                                (expand)
//! ```
//!
//! Nothing here knows the graph: rustc and the registry check what the expansion says of it.

use proc_macro::TokenStream;

mod args;
mod error;
mod expand;
mod fallback;
mod model;
mod options;
mod param;
mod parse;
mod path;
mod shape;
mod validate;

#[cfg(test)]
mod tests;

/// DOCS
#[proc_macro_attribute]
pub fn step(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::step(args.into(), item.into()).into()
}
