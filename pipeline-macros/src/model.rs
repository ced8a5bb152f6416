//! A step as plain data: what the expansion needs, all of it valid.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, ExprLit, Lit, LitStr, Meta, Path, ReturnType, Signature, Type};

use crate::args::Args;
use crate::error::Errors;
use crate::input::{Edge, Input, InputKind, Many, One};
use crate::lane::Lane;
use crate::own::own;
use crate::param::ungrouped;
use crate::parse::StepFn;
use crate::policy::PolicyArgs;
use crate::shape::{arguments, bare, names};
use crate::switch::Cases;

/// A valid step.
pub(crate) struct StepModel {
    /// The function's name, which is also the type's.
    pub(crate) ident: Ident,
    /// The name by which the step is known.
    pub(crate) name: String,
    /// The doc comment, as a constant expression.
    pub(crate) doc: TokenStream,
    pub(crate) is_async: bool,
    pub(crate) lane: &'static Lane,
    pub(crate) tags: Vec<LitStr>,
    pub(crate) group: Option<LitStr>,
    pub(crate) cost: u32,
    pub(crate) inputs: Vec<Input>,
    pub(crate) after: Vec<Edge>,
    /// The switch that the step is a branch of.
    pub(crate) branch: Option<Edge>,
    /// The branches that the step chooses from.
    pub(crate) cases: Option<Cases>,
    pub(crate) policy: PolicyArgs,
    pub(crate) output: Output,
}

/// The return type.
pub(crate) struct Output {
    /// `()` if nothing is written.
    pub(crate) ty: TokenStream,
    /// Place of the return type, or of the function's name.
    pub(crate) span: Span,
    /// Whether it is a `Result` whose `Ok` is the output.
    pub(crate) fallible: bool,
    /// The error type, if a fallible step spells it.
    pub(crate) error: Option<Type>,
}

impl StepModel {
    /// Makes the model of a function, and reports its errors.
    pub(crate) fn new(item: &StepFn, args: &Args, errors: &mut Errors) -> Option<Self> {
        let sig = &item.sig;
        let lane = lane(sig, args, errors);
        let output = Output::new(sig, args, errors);
        let mut inputs = Vec::new();
        for (index, input) in sig.inputs.iter().enumerate() {
            inputs.extend(Input::new(index, input, errors));
        }
        args.policy.check_function(sig.asyncness.is_some(), output.fallible, errors);
        let after = args.after.iter().cloned().enumerate();
        let branch = |path: &Path| Edge { name: own("branch"), path: path.clone() };
        let model = errors.is_empty().then(|| StepModel {
            ident: sig.ident.clone(),
            name: args.name.as_ref().map_or_else(|| sig.ident.unraw().to_string(), LitStr::value),
            doc: doc(item.docs()),
            is_async: sig.asyncness.is_some(),
            lane,
            tags: args.tags.clone(),
            group: args.group.clone(),
            cost: args.cost.unwrap_or(1),
            inputs,
            after: after
                .map(|(index, path)| Edge { name: own(format_args!("after_{index}")), path })
                .collect(),
            branch: args.policy.branch.as_ref().map(branch),
            cases: args.policy.switch.as_ref().map(Cases::new),
            policy: args.policy.clone(),
            output,
        })?;
        for edge in model.edges().filter(|edge| edge.path.is_ident(&sig.ident)) {
            let message = "this step waits for its own output: name another step with `#[from(path)]`, or write `#[param]` or \
                           `#[resource]` for a value from outside of the graph";
            errors.at(&edge.path, message);
        }
        Some(model)
    }

    /// Every step that this one waits for and names by path. The cases of a switch are not among them: they wait for
    /// the switch.
    pub(crate) fn edges(&self) -> impl Iterator<Item = &Edge> {
        let inputs = self.inputs.iter().flat_map(|input| match &input.kind {
            InputKind::One { from: One::Edge(edge) | One::Field(edge, _), .. } => std::slice::from_ref(edge),
            InputKind::Many { from: Many::Edges(edges), .. } => edges,
            _ => &[],
        });
        inputs.chain(&self.after).chain(&self.branch)
    }
}

fn lane(sig: &Signature, args: &Args, errors: &mut Errors) -> &'static Lane {
    let is_async = sig.asyncness.is_some();
    let Some((lane, span)) = args.lane else { return Lane::default_of(is_async) };
    match (lane.is_async, is_async) {
        (true, false) => errors.at_span(
            span,
            "the IO lane runs async steps: make the function `async`, or write `blocking` for code that waits",
        ),
        (false, true) => errors.at_span(
            span,
            "an async step runs on the IO lane: remove this, or make the function a plain `fn`, which runs on a thread pool",
        ),
        _ => {}
    }
    lane
}

/// The lines of a doc comment, without the space that follows `///`: one text, or one that rustc joins if a part comes from a
/// macro such as `include_str!`.
fn doc<'a>(attrs: impl Iterator<Item = &'a Attribute>) -> TokenStream {
    let values = attrs.filter_map(|attr| match &attr.meta {
        Meta::NameValue(doc) => Some(&doc.value),
        _ => None,
    });
    let (mut text, mut parts) = (String::new(), TokenStream::new());
    for (index, value) in values.enumerate() {
        if index > 0 {
            text.push('\n');
        }
        match ungrouped(value) {
            Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) => {
                let line = line.value();
                text.push_str(line.strip_prefix(' ').unwrap_or(&line));
            }
            other => {
                parts.extend(quote!(#text, #other,));
                text.clear();
            }
        }
    }
    if parts.is_empty() { text.to_token_stream() } else { quote!(__pipeline::core::concat!(#parts #text)) }
}

impl Output {
    /// The type that goes downstream.
    pub(crate) fn handed_on(&self) -> TokenStream {
        let ty = &self.ty;
        if self.fallible {
            quote_spanned!(self.span=> <#ty as __pipeline::Fallible>::Output)
        } else {
            ty.clone()
        }
    }

    /// Reads the return type, and the options about it.
    pub(crate) fn new(sig: &Signature, args: &Args, errors: &mut Errors) -> Self {
        let ReturnType::Type(_, ty) = &sig.output else {
            if let Some((_, span)) = args.fallible {
                errors.at_span(
                    span,
                    "this step returns nothing, so it cannot fail: remove this, or return a `Result`",
                );
            }
            return Output { ty: quote!(()), span: sig.ident.span(), fallible: false, error: None };
        };
        let is_result = names(ty, "Result");
        match args.fallible {
            Some((true, span)) if is_result => {
                errors.at_span(span, "a step that returns `Result` is fallible already: remove this");
            }
            Some((false, span)) if !is_result => {
                errors.at_span(
                    span,
                    "a step whose return type is not named `Result` is infallible already: remove this",
                );
            }
            _ => {}
        }
        let fallible = args.fallible.map_or(is_result, |(fallible, _)| fallible);
        let error = match arguments(ty, "Result").as_deref() {
            Some(&[_, error]) if fallible => Some(error),
            _ => None,
        };
        if let Some(error) = error
            && let Some(&[object]) = arguments(error, "Box").as_deref()
            && let Type::TraitObject(object) = bare(object)
            && object.bounds.len() == 1
        {
            let bound = object.bounds.to_token_stream();
            errors.at(error, format!("an error crosses threads: write `Box<dyn {bound} + Send + Sync>`"));
        }
        Output { ty: ty.to_token_stream(), span: ty.span(), fallible, error: error.cloned() }
    }
}
