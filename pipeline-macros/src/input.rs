//! A parameter as plain data: its type and its attribute brought together.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{FnArg, LitStr, Member, Pat, Path, Type};

use crate::error::Errors;
use crate::from::{Matched, Quorum};
use crate::own::own;
use crate::param::{Default, ParamArgs, Role, Source};
use crate::shape::{Access, Shape, bare, impl_trait, is_object};

/// A step named by a path.
#[derive(Clone)]
pub(crate) struct Edge {
    /// The constant that the expansion makes of it.
    pub(crate) name: Ident,
    pub(crate) path: Path,
}

/// A parameter.
pub(crate) struct Input {
    pub(crate) ident: Ident,
    /// The name without `r#`, and without the `_` of an input that only orders.
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) kind: InputKind,
}

/// What a parameter asks for.
pub(crate) enum InputKind {
    /// The output of one step.
    One { from: One, how: How },
    /// The outputs of several steps, or one of them.
    Many { from: Many, quorum: Quorum, holds: Holds, access: Access, view: Type },
    /// A run parameter, by value or by reference.
    Param { name: String, default: Option<Default>, how: How },
    /// An injected value.
    Resource { name: Option<LitStr>, ty: Type },
    /// The context.
    Context,
}

/// What a parameter that reads several steps holds of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// A `Vec`.
    List,
    /// A `BTreeMap` by name.
    Map,
    /// The one output that its quorum chooses.
    Chosen,
}

/// How one value is handed over.
pub(crate) enum How {
    /// By reference, as this type.
    Look(Access, Type),
    /// By value.
    Take(Type),
}

/// Where one value comes from.
pub(crate) enum One {
    Edge(Edge),
    Field(Edge, Vec<Member>),
    Name(LitStr),
    Unbound,
}

/// Where the values of a fan-in come from.
pub(crate) enum Many {
    Edges(Vec<Edge>),
    Glob(Matched),
    Tag(Matched),
    Unbound,
}

impl Input {
    /// Reads the parameter at `index`; what is wrong with it is reported.
    pub(crate) fn new(index: usize, input: &FnArg, errors: &mut Errors) -> Option<Self> {
        // `validate` has reported receivers.
        let FnArg::Typed(input) = input else { return None };
        let ident = match &*input.pat {
            Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => &pat.ident,
            pat => {
                let message = "a parameter of a step is a plain name, which names the step it reads: write \
                               `#[from(step)] name: …` and take the value apart in the body";
                errors.at(pat, message);
                return None;
            }
        };
        let name = plain(ident);
        let role = Role::read(&name, &input.attrs, errors);
        if let Some(part) = impl_trait(&input.ty) {
            errors
                .at(part, "a step has concrete types, which are compared with its upstream's: name the type");
            return None;
        }
        let shape =
            if let Some(Role::Context) = role { None } else { Some(errors.keep(Shape::of(&input.ty))?) };
        let kind = match (role?, shape) {
            (Role::Upstream(source, quorum), Some(shape)) => {
                upstream(index, source, quorum, shape, &input.ty)
            }
            (Role::Param(args), Some(shape)) => param(args, shape, &name, &input.ty),
            (Role::Resource(name), Some(shape)) => resource(name, shape, &input.ty),
            (_, _) => context(&input.ty),
        };
        let name = name.unraw().to_string();
        Some(Input { ident: ident.clone(), name, ty: (*input.ty).clone(), kind: errors.keep(kind)? })
    }
}

/// The name that a parameter stands for: rustc asks for `_orders` where `orders` is not used in the body.
fn plain(ident: &Ident) -> Ident {
    let name = ident.to_string();
    match name.strip_prefix('_') {
        Some(rest) if rest.starts_with(char::is_alphabetic) => {
            // `_type` stands for `r#type`. Whether `gen` is a keyword depends on the edition; `r#gen` is the same name in each.
            let is_keyword = rest == "gen" || syn::parse_str::<Ident>(rest).is_err();
            match rest {
                // They have no raw form, so they name no step.
                "self" | "super" | "crate" | "Self" => ident.clone(),
                _ if is_keyword => Ident::new_raw(rest, ident.span()),
                _ => Ident::new(rest, ident.span()),
            }
        }
        _ => ident.clone(),
    }
}

/// The constant that the expansion makes of the input at `index`.
pub(crate) fn checked(index: usize) -> Ident {
    own(format_args!("input_{index}"))
}

fn upstream(
    index: usize,
    source: Source,
    quorum: Quorum,
    shape: Shape<'_>,
    ty: &Type,
) -> syn::Result<InputKind> {
    let edge = |path: Path| Edge { name: checked(index), path };
    let is_one_of = matches!(quorum, Quorum::First | Quorum::Priority);
    let (holds, access, view) = match shape {
        Shape::One(access, view) if is_one_of => (Holds::Chosen, access, view),
        Shape::Many { keyed, access, view } if !is_one_of => {
            (if keyed { Holds::Map } else { Holds::List }, access, view)
        }
        shape if quorum == Quorum::All => return one(source, shape, ty, edge),
        _ => return Err(no_quorum(quorum, ty)),
    };
    let from = many(index, source, ty)?;
    Ok(InputKind::Many { from, quorum, holds, access, view: view.clone() })
}

fn many(index: usize, source: Source, ty: &Type) -> syn::Result<Many> {
    let edges = |paths: Vec<Path>| {
        let edges = paths.into_iter().enumerate();
        edges.map(|(k, path)| Edge { name: own(format_args!("input_{index}_{k}")), path }).collect()
    };
    Ok(match source {
        Source::Path(path) => Many::Edges(edges(vec![path])),
        Source::Paths(paths) => Many::Edges(edges(paths)),
        Source::Glob(pattern) => Many::Glob(pattern),
        Source::Tag(tag) => Many::Tag(tag),
        Source::Unbound => Many::Unbound,
        Source::Implied(path) | Source::Field(path, _) => return Err(no_fan_in(&path, ty)),
        Source::Name(name) => return Err(no_fan_in(&name, ty)),
    })
}

fn one(source: Source, shape: Shape<'_>, ty: &Type, edge: impl Fn(Path) -> Edge) -> syn::Result<InputKind> {
    let how = match shape {
        Shape::One(access, view) => How::Look(access, view.clone()),
        Shape::Value(ty) => How::Take(ty.clone()),
        Shape::Many { .. } => unreachable!("invariant: a fan-in of all is read by `many`"),
    };
    let from = match (source, &how) {
        (Source::Field(path, _), How::Take(_)) => {
            let step = path.to_token_stream();
            let message = format!(
                "a field cannot be moved out of an output: borrow it (`&T`), or take the whole output with `#[from({step})]`",
            );
            return Err(syn::Error::new_spanned(ty, message));
        }
        (Source::Implied(path) | Source::Path(path), _) => One::Edge(edge(path)),
        (Source::Field(path, members), _) => One::Field(edge(path), members),
        (Source::Name(name), _) => One::Name(name),
        (Source::Unbound, _) => One::Unbound,
        (Source::Paths(_), _) => return Err(not_many("several steps", ty)),
        (Source::Glob(_), _) => return Err(not_many("every step that the pattern matches", ty)),
        (Source::Tag(_), _) => return Err(not_many("every step with the tag", ty)),
    };
    Ok(InputKind::One { from, how })
}

/// The type does not hold what the quorum gives.
fn no_quorum(quorum: Quorum, ty: &Type) -> syn::Error {
    let message = match quorum {
        Quorum::First | Quorum::Priority => {
            let word = if quorum == Quorum::First { "first" } else { "priority" };
            format!(
                "`{word}` lends one output, the one that was chosen: write `&T`, `Option<&T>` or \
                 `Result<&T, &StepError>`, or remove `{word}` to collect them all; \
                 for a step of this name write `self::{word}`"
            )
        }
        Quorum::AtLeast { .. } | Quorum::All => {
            "`at_least` collects the outputs of those that succeeded: write \
             `Vec<&T>` or `BTreeMap<&str, &T>`; for one of several write `first` or `priority`"
                .to_owned()
        }
    };
    syn::Error::new_spanned(ty, message)
}

fn no_fan_in(what: &impl ToTokens, ty: &Type) -> syn::Error {
    let what = what.to_token_stream();
    let message = format!(
        "this type collects several steps, but `{what}` is one: list the steps with `#[from(a, b, c)]`, \
         or with a pattern or tag, or read the one with `&T`"
    );
    syn::Error::new_spanned(ty, message)
}

fn not_many(what: &str, ty: &Type) -> syn::Error {
    let message = format!(
        "`#[from]` selects {what}, but this type holds one output: write `Vec<&T>`, `Vec<Option<&T>>`, \
         `Vec<Result<&T, &StepError>>` or `BTreeMap<&str, &T>`; for one of several write `#[from(…, first)]`"
    );
    syn::Error::new_spanned(ty, message)
}

fn param(args: ParamArgs, shape: Shape<'_>, ident: &Ident, ty: &Type) -> syn::Result<InputKind> {
    let how = match shape {
        Shape::One(Access::Borrow, view) if !is_object(view) => How::Look(Access::Borrow, view.clone()),
        Shape::Value(ty) => How::Take(ty.clone()),
        _ => {
            let message = "a run parameter is read as `T` or `&T`; for one that may be missing write `Option<T>`, for a list `Vec<T>`";
            return Err(syn::Error::new_spanned(ty, message));
        }
    };
    let name = args.name.as_ref().map_or_else(|| ident.unraw().to_string(), LitStr::value);
    Ok(InputKind::Param { name, default: args.default, how })
}

fn resource(name: Option<LitStr>, shape: Shape<'_>, ty: &Type) -> syn::Result<InputKind> {
    if let Shape::One(Access::Borrow, ty) = shape {
        return Ok(InputKind::Resource { name, ty: ty.clone() });
    }
    let message = "a resource is shared by the whole run: write `&T` (a clone of it, such as an `Arc`, is made in the body)";
    Err(syn::Error::new_spanned(ty, message))
}

fn context(ty: &Type) -> syn::Result<InputKind> {
    match bare(ty) {
        Type::Reference(reference) if reference.mutability.is_none() && reference.lifetime.is_none() => {
            Ok(InputKind::Context)
        }
        _ => Err(syn::Error::new_spanned(ty, "the context is lent to the step: write `&StepContext`")),
    }
}
