//! The annotated item: its signature is parsed, its body is kept as tokens, so that half-typed bodies still expand.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, FnArg, Meta, Signature, Token, Visibility};

use crate::param;

/// A function as written.
pub(crate) struct StepFn {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: TokenStream,
}

impl Parse for StepFn {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        if let Some(error) = not_a_function(input) {
            return Err(error);
        }
        let sig: Signature = input.parse()?;
        if !input.peek(syn::token::Brace) {
            let message = "a step has a body: `#[step]` is for a free function, not for a declaration";
            return Err(syn::Error::new_spanned(&sig.ident, message));
        }
        Ok(StepFn { attrs, vis, sig, body: input.parse()? })
    }
}

impl StepFn {
    /// The attributes that decide whether the function exists, for every item that goes with it.
    pub(crate) fn cfgs(&self) -> impl Iterator<Item = &Attribute> {
        self.attrs.iter().filter(|attr| match &attr.meta {
            Meta::List(list) if list.path.is_ident("cfg") => true,
            Meta::List(list) if list.path.is_ident("cfg_attr") => names_cfg(&list.tokens),
            _ => false,
        })
    }

    /// The lints that the function allows. Its types and its name are mentioned beside it, too.
    pub(crate) fn allowed(&self) -> TokenStream {
        let lists = self.attrs.iter().filter_map(|attr| match &attr.meta {
            Meta::List(list) if list.path.is_ident("allow") || list.path.is_ident("expect") => {
                Some(&list.tokens)
            }
            _ => None,
        });
        let is_deprecated = self.attrs.iter().any(|attr| attr.path().is_ident("deprecated"));
        let deprecated = is_deprecated.then(|| quote!(#[allow(deprecated)]));
        quote!(#(#[allow(#lists)])* #deprecated)
    }

    /// The doc comment, as attributes.
    pub(crate) fn docs(&self) -> impl Iterator<Item = &Attribute> {
        self.attrs.iter().filter(|attr| attr.path().is_ident("doc"))
    }

    /// Whether the function is a method, so that only an `impl` or a `trait` can hold it.
    pub(crate) fn is_method(&self) -> bool {
        self.sig.receiver().is_some()
    }
}

/// The function as written, without the attributes that are ours.
impl ToTokens for StepFn {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let mut sig = self.sig.clone();
        for input in &mut sig.inputs {
            if let FnArg::Typed(input) = input {
                input.attrs.retain(|attr| !param::is_ours(attr));
            }
        }
        let StepFn { vis, body, .. } = self;
        let attrs = self.attrs.iter().filter(|attr| !is_step(attr));
        tokens.extend(quote!(#(#attrs)* #vis #sig #body));
    }
}

/// Whether this is another `#[step]`.
pub(crate) fn is_step(attr: &Attribute) -> bool {
    attr.path().segments.last().is_some_and(|last| last.ident == "step")
}

/// Whether the tokens of a `cfg_attr` hold a `cfg` in their turn.
fn names_cfg(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| matches!(token, TokenTree::Ident(ident) if ident == "cfg"))
}

/// What to do where `#[step]` is on something else than a function.
fn not_a_function(input: ParseStream<'_>) -> Option<syn::Error> {
    let ahead = input.fork();
    if ahead.peek(Token![unsafe]) && (ahead.peek2(Token![impl]) || ahead.peek2(Token![trait])) {
        let _: syn::Result<Token![unsafe]> = ahead.parse();
    }
    let remedy = if ahead.peek(Token![struct]) || ahead.peek(Token![enum]) || ahead.peek(Token![type]) {
        "write a function that returns a value of this type, and annotate it"
    } else if ahead.peek(Token![impl]) {
        "move the functions out of the `impl` and annotate each; what they take from `self` becomes a `#[resource]` or a `#[param]`"
    } else if ahead.peek(Token![trait]) {
        "annotate free functions; a trait says nothing of how its methods are called"
    } else if ahead.peek(Token![mod]) {
        "annotate each function in the module; a module needs no attribute"
    } else if ahead.peek(Token![static])
        || ahead.peek(Token![let])
        || (ahead.peek(Token![const])
            && !ahead.peek2(Token![fn])
            && !ahead.peek2(Token![async])
            && !ahead.peek2(Token![unsafe])
            && !ahead.peek2(Token![extern]))
    {
        "write a function that returns the value, and annotate it"
    } else {
        return None;
    };
    Some(ahead.error(format!("`#[step]` is for free functions: {remedy}")))
}
