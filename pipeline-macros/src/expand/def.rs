//! `impl Step`: the output, and the definition as constant data.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;

use crate::from::{Matched, Quorum};
use crate::input::{Edge, How, Input, InputKind, Many, One, checked};
use crate::model::StepModel;
use crate::own::own;
use crate::param::Default;
use crate::shape::{Access, arguments};

/// `impl Step for name`.
pub(super) fn def(model: &StepModel) -> TokenStream {
    let StepModel { ident, tags, cost, .. } = model;
    let output = model.output.handed_on();
    let output = quote_spanned!(model.output.span=> type Output = #output;);
    let (name, doc, location) = (text(&model.name), text(&model.doc), location(ident.span()));
    let group = option(model.group.as_ref().map(text));
    let lane = Ident::new(model.lane.variant, Span::call_site());
    let code = if model.is_async { quote!(async_fn) } else { quote!(sync_fn) };
    let code = quote_spanned!(model.output.span=> __pipeline::Code::#code::<#ident>());
    let output_ty = quote_spanned!(model.output.span=> __pipeline::check_output::<#ident>());
    let handed_on = model.output.handed_on();
    let inputs = model.inputs.iter().enumerate().map(|(index, input)| self::input(index, input));
    let inputs: Vec<_> = inputs.chain(model.branch.as_ref().map(branch)).collect();
    let after = model.after.iter().map(|edge| &edge.name);
    let (input_count, after_count) = (inputs.len(), model.after.len());
    let cases = own("cases");
    let cases = if model.cases.is_some() { quote!(&#cases) } else { quote!(&[]) };
    let (input_list, after_list, definition) = (own("inputs"), own("after"), own("def"));
    let policy = super::policy::value(model);
    let stored = if let Some(codec) = &model.policy.codec {
        let form = quote_spanned!(codec.span()=> __pipeline::StoredForm::by::<#codec, #handed_on>());
        quote!(__pipeline::core::option::Option::Some(#form))
    } else {
        quote!(<__pipeline::ToStore<#handed_on>>::__PIPELINE_STORE)
    };
    let trace_name = &model.name;
    quote! {
        impl __pipeline::Step for #ident {
            #output

            fn def() -> &'static __pipeline::StepDef {
                use __pipeline::{NotCopied as _, NotFromJson as _, NotToJson as _, NotToStore as _};
                static #input_list: [__pipeline::InputDef; #input_count] = [#(#inputs),*];
                static #after_list: [__pipeline::DefFn; #after_count] = [#(#after.def),*];
                static #definition: __pipeline::StepDef = __pipeline::StepDef {
                    name: #name,
                    module: __pipeline::std::borrow::Cow::Borrowed(__pipeline::core::module_path!()),
                    package: __pipeline::package(
                        __pipeline::core::option_env!("CARGO_PKG_NAME"),
                        __pipeline::core::option_env!("CARGO_PKG_VERSION"),
                    ),
                    location: #location,
                    doc: #doc,
                    lane: __pipeline::Lane::#lane,
                    tags: __pipeline::std::borrow::Cow::Borrowed(&[#(#tags),*]),
                    group: #group,
                    cost: #cost,
                    inputs: __pipeline::std::borrow::Cow::Borrowed(&#input_list),
                    after: __pipeline::std::borrow::Cow::Borrowed(&#after_list),
                    cases: __pipeline::std::borrow::Cow::Borrowed(#cases),
                    policy: #policy,
                    output: #output_ty,
                    codec: __pipeline::Codec::new(
                        <__pipeline::ToJson<#handed_on>>::__PIPELINE_WRITE,
                        <__pipeline::FromJson<#handed_on>>::__PIPELINE_READ,
                        #stored,
                    ),
                    trace: __pipeline::core::option_env!(__pipeline::core::concat!(
                        "PIPELINE_TRACE_",
                        __pipeline::core::module_path!(),
                        "::",
                        #trace_name,
                    )),
                    trace_details: __pipeline::core::option_env!("PIPELINE_TRACE_DETAILS"),
                    code: #code,
                };
                &#definition
            }
        }
    }
}

fn input(index: usize, input: &Input) -> TokenStream {
    let (name, location) = (text(&input.name), location(input.ident.span()));
    let checked = checked(index);
    let kind = match &input.kind {
        InputKind::One { from, how } => {
            let mode = match how {
                How::Look(access, _) => mode(*access),
                How::Take(_) => quote!(Take),
            };
            upstream(&one(from, &checked), &mode, Quorum::All, &checked)
        }
        InputKind::Many { from, access, quorum, .. } => {
            upstream(&many(from), &mode(*access), *quorum, &checked)
        }
        InputKind::Param { name, default, how } => {
            let name = text(name);
            let written = default.as_ref().and_then(self::written);
            let default = self::default(default.as_ref(), how);
            let copy = match how {
                How::Take(ty) => quote!(<__pipeline::Copying<#ty>>::__PIPELINE_COPY),
                How::Look(..) => quote!(__pipeline::core::option::Option::None),
            };
            let has_default = default.is_some();
            let written = option(written.map(|written| quote!(#written)));
            let default = option(default);
            quote! {
                Param(__pipeline::ParamDef {
                    name: #name,
                    ty: #checked.ty,
                    has_default: #has_default,
                    parse: #checked.parse,
                    copy: #copy,
                    default: #default,
                    default_text: #written,
                    secret: #checked.secret,
                })
            }
        }
        InputKind::Resource { name, .. } => {
            let name = option(name.as_ref().map(text));
            quote!(Resource { name: #name, ty: #checked.ty, holders: #checked.holders })
        }
        InputKind::Context => quote!(Context),
    };
    quote!(__pipeline::InputDef { name: #name, kind: __pipeline::InputKind::#kind, location: #location })
}

/// The input, without a parameter, that makes the step wait for the switch that it is a branch of.
fn branch(edge: &Edge) -> TokenStream {
    let (name, location) = (&edge.name, location(edge.path.span()));
    let kind = upstream(&quote!(Path(#name.def)), &quote!(Branch), Quorum::All, name);
    let text = text("branch");
    quote!(__pipeline::InputDef { name: #text, kind: __pipeline::InputKind::#kind, location: #location })
}

fn upstream(source: &TokenStream, mode: &TokenStream, quorum: Quorum, checked: &Ident) -> TokenStream {
    let quorum = match quorum {
        Quorum::All => quote!(All),
        Quorum::AtLeast { count, cancel } => quote!(AtLeast { count: #count, cancel: #cancel }),
        Quorum::First => quote!(First),
        Quorum::Priority => quote!(Priority),
    };
    quote! {
        Upstream {
            source: __pipeline::Source::#source,
            mode: __pipeline::Mode::#mode,
            quorum: __pipeline::Quorum::#quorum,
            ty: #checked.ty,
        }
    }
}

fn one(from: &One, checked: &Ident) -> TokenStream {
    match from {
        One::Edge(_) | One::Field(..) => quote!(Path(#checked.def)),
        One::Name(name) => {
            let name = text(name);
            quote!(Name(#name))
        }
        One::Unbound => quote!(Unbound),
    }
}

fn many(from: &Many) -> TokenStream {
    match from {
        Many::Edges(edges) => {
            let edges = edges.iter().map(|edge| &edge.name);
            quote!(Paths(__pipeline::std::borrow::Cow::Borrowed(&[#(#edges.def),*])))
        }
        Many::Glob(Matched { text: pattern, or_none }) => {
            let pattern = text(pattern);
            quote!(Glob { pattern: #pattern, or_none: #or_none })
        }
        Many::Tag(Matched { text: tag, or_none }) => {
            let tag = text(tag);
            quote!(Tag { tag: #tag, or_none: #or_none })
        }
        Many::Unbound => quote!(UnboundMany),
    }
}

/// The default as it is written; `default` alone has no text.
fn written(default: &Default) -> Option<String> {
    match default {
        Default::Trait => None,
        Default::Text(text) => Some(text.to_token_stream().to_string()),
        Default::Expr(expr) => Some(crate::text::text(expr.to_token_stream())),
    }
}

/// A function that makes the default of a run parameter; `Option<T>` is `None` by default.
fn default(default: Option<&Default>, how: &How) -> Option<TokenStream> {
    let ty = match how {
        How::Look(_, view) => quote!(<#view as __pipeline::View>::Owned),
        How::Take(ty) => quote!(#ty),
    };
    let value = match (default, how) {
        (Some(Default::Trait), _) => quote!(__pipeline::core::default::Default::default()),
        (Some(Default::Text(text)), _) => {
            quote_spanned!(text.span()=> __pipeline::core::convert::From::from(#text))
        }
        (Some(Default::Expr(expr)), _) => quote!(#expr),
        (None, How::Take(ty)) if arguments(ty, "Option").is_some() => {
            quote!(__pipeline::core::option::Option::None)
        }
        (None, _) => return None,
    };
    Some(quote!(|| __pipeline::boxed_default::<#ty>(#value)))
}

fn mode(access: Access) -> TokenStream {
    match access {
        Access::Borrow => quote!(Borrow),
        Access::Option => quote!(Option),
        Access::Result => quote!(Result),
    }
}

pub(super) fn text(text: impl ToTokens) -> TokenStream {
    quote!(__pipeline::std::borrow::Cow::Borrowed(#text))
}

pub(super) fn option(value: Option<TokenStream>) -> TokenStream {
    let Some(value) = value else { return quote!(__pipeline::core::option::Option::None) };
    quote!(__pipeline::core::option::Option::Some(#value))
}

/// The place of a user's token: the built-in macros answer for the place where they stand.
fn location(span: Span) -> TokenStream {
    quote_spanned! {span=>
        __pipeline::Location {
            file: __pipeline::core::file!(),
            line: __pipeline::core::line!(),
            column: __pipeline::core::column!(),
        }
    }
}
