//! What the type of a parameter asks for, told from its syntax alone.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    GenericArgument, Lifetime, ParenthesizedGenericArguments, PathArguments, Type, TypeFnPtr, TypeReference,
};

/// The forms a parameter can have, for messages.
pub(crate) const FORMS: &str =
    "`&T`, `T`, `Option<&T>`, `Result<&T, &StepError>`, or for a fan-in `Vec<&T>` and `BTreeMap<&str, &T>`";

/// What a parameter asks for.
pub(crate) enum Shape<'a> {
    /// `&P`, `Option<&P>` or `Result<&P, &StepError>`.
    One(Access, &'a Type),
    /// `Vec<…>`, or where `keyed` `BTreeMap<&str, …>`, of one of those.
    Many { keyed: bool, access: Access, view: &'a Type },
    /// Anything else, by value.
    Value(&'a Type),
}

/// How an output is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    Borrow,
    Option,
    Result,
}

impl<'a> Shape<'a> {
    /// Tells the shape of `ty`.
    pub(crate) fn of(ty: &'a Type) -> syn::Result<Self> {
        let ty = bare(ty);
        if let Type::Reference(reference) = ty {
            return Ok(Shape::One(Access::Borrow, referent(reference)?));
        }
        if let Some((access, view)) = access(ty)? {
            return Ok(Shape::One(access, view));
        }
        if let Some(&[item]) = arguments(ty, "Vec").as_deref()
            && let Some((access, view)) = access(item)?
        {
            return Ok(Shape::Many { keyed: false, access, view });
        }
        if let Some(&[key, item]) = arguments(ty, "BTreeMap").as_deref()
            && is_elided_str(key)
            && let Some((access, view)) = access(item)?
        {
            return Ok(Shape::Many { keyed: true, access, view });
        }
        match borrowed_part(ty) {
            None => Ok(Shape::Value(ty)),
            Some(part) => Err(syn::Error::new_spanned(part, borrowed_message(ty))),
        }
    }
}

/// `&P`, `Option<&P>` and `Result<&P, &StepError>`.
fn access(ty: &Type) -> syn::Result<Option<(Access, &Type)>> {
    if let Some(reference) = elided(ty) {
        return Ok(Some((Access::Borrow, referent(reference)?)));
    }
    if let Some(&[view]) = arguments(ty, "Option").as_deref()
        && let Some(reference) = elided(view)
    {
        return Ok(Some((Access::Option, referent(reference)?)));
    }
    let Some(result) = arguments(ty, "Result") else { return Ok(None) };
    let Some(reference) = result.first().and_then(|view| elided(view)) else { return Ok(None) };
    match result[..] {
        [_, error] if elided(error).is_some_and(|error| names(&error.elem, "StepError")) => {}
        _ => {
            let culprit = result.get(1).map_or(ty, |error| *error);
            let message =
                "the outcome of an upstream is `Result<&T, &StepError>`: write `&StepError` as the error";
            return Err(syn::Error::new_spanned(culprit, message));
        }
    }
    Ok(Some((Access::Result, referent(reference)?)))
}

/// The type behind a shared, elided `&`, or why it cannot be read.
fn referent(reference: &TypeReference) -> syn::Result<&Type> {
    if reference.mutability.is_some() {
        let message = "a value is shared by all that read it and cannot be borrowed mutably: \
                       take it by value (`mut x: T`) to change it";
        return Err(syn::Error::new_spanned(reference, message));
    }
    if let Some(lifetime) = reference.lifetime.as_ref().filter(|lifetime| lifetime.ident != "_") {
        let message =
            format!("an input is borrowed for the run of its step only: remove `{lifetime}`, write `&T`");
        return Err(syn::Error::new_spanned(lifetime, message));
    }
    Ok(bare(&reference.elem))
}

/// Whether the view is a trait object, which is read from a box.
pub(crate) fn is_object(view: &Type) -> bool {
    matches!(view, Type::TraitObject(_))
}

/// The view that rustc knows: a trait object has none, and the box that holds it is looked at.
pub(crate) fn looked_at(view: &Type) -> TokenStream {
    if is_object(view) {
        quote_spanned!(view.span()=> __pipeline::Boxed<#view>)
    } else {
        view.to_token_stream()
    }
}

/// The type without the invisible groups of `macro_rules!`, and without parentheses.
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        _ => ty,
    }
}

fn elided(ty: &Type) -> Option<&TypeReference> {
    match bare(ty) {
        Type::Reference(reference)
            if reference.lifetime.as_ref().is_none_or(|lifetime| lifetime.ident == "_") =>
        {
            Some(reference)
        }
        _ => None,
    }
}

fn is_elided_str(ty: &Type) -> bool {
    elided(ty).is_some_and(|reference| names(&reference.elem, "str"))
}

/// Whether the last segment of a path is `name`.
pub(crate) fn names(ty: &Type, name: &str) -> bool {
    matches!(bare(ty), Type::Path(ty) if ty.path.segments.last().is_some_and(|last| last.ident == name))
}

/// The type arguments of a path whose last segment is `name`.
pub(crate) fn arguments<'a>(ty: &'a Type, name: &str) -> Option<Vec<&'a Type>> {
    let Type::Path(path) = bare(ty) else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    Some(types.collect())
}

fn borrowed_message(ty: &Type) -> String {
    let Type::Path(path) = ty else {
        return format!("a parameter cannot hold borrows in this form: write {FORMS}");
    };
    let name = path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
    match name.as_str() {
        "HashMap" | "IndexMap" => "a fan-in by name has an order: write `BTreeMap<&str, &T>`".to_owned(),
        "BTreeMap" => {
            "the keys of a fan-in are the names of its steps: write `BTreeMap<&str, &T>`".to_owned()
        }
        "HashSet" | "BTreeSet" | "VecDeque" => "a fan-in is collected in order: write `Vec<&T>`".to_owned(),
        _ => format!("a parameter cannot hold borrows in this form: write {FORMS}"),
    }
}

/// The first part of a type that borrows for less than `'static`.
pub(crate) fn borrowed_part(ty: &Type) -> Option<TokenStream> {
    let mut search = BorrowSearch(None);
    search.visit_type(ty);
    search.0
}

struct BorrowSearch(Option<TokenStream>);

impl BorrowSearch {
    fn found(&mut self, part: impl ToTokens) {
        self.0.get_or_insert_with(|| part.into_token_stream());
    }
}

impl Visit<'_> for BorrowSearch {
    fn visit_type_reference(&mut self, reference: &TypeReference) {
        if reference.lifetime.as_ref().is_none_or(|lifetime| lifetime.ident != "static") {
            self.found(reference);
        }
        visit::visit_type_reference(self, reference);
    }

    fn visit_lifetime(&mut self, lifetime: &Lifetime) {
        if lifetime.ident != "static" {
            self.found(lifetime);
        }
    }

    // The arguments of function pointers and `Fn(…)` bounds may borrow: those are lifetimes of the call.
    fn visit_type_fn_ptr(&mut self, _: &TypeFnPtr) {}
    fn visit_parenthesized_generic_arguments(&mut self, _: &ParenthesizedGenericArguments) {}
}

/// The first `impl Trait` in a type.
pub(crate) fn impl_trait(ty: &Type) -> Option<TokenStream> {
    struct Search(Option<TokenStream>);
    impl Visit<'_> for Search {
        fn visit_type_impl_trait(&mut self, ty: &syn::TypeImplTrait) {
            self.0.get_or_insert_with(|| ty.to_token_stream());
        }
    }
    let mut search = Search(None);
    search.visit_type(ty);
    search.0
}
