//! The attributes of parameters: `#[from]`, `#[param]`, `#[resource]`, `#[context]`, `#[input]`.

use proc_macro2::{Ident, TokenStream};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Expr, ExprLit, ExprPath, Lit, LitStr, Member, Meta, Path};

use crate::error::{Errors, suggestion};
use crate::from::{Matched, Quorum, from};
use crate::options::{Spec, checked, read_options, split};

const OURS: [&str; 5] = ["from", "param", "resource", "context", "input"];
/// What rustc accepts on a parameter.
const BUILTIN: [&str; 7] = ["allow", "warn", "deny", "forbid", "expect", "cfg", "cfg_attr"];

/// Whether an attribute of a parameter is ours, and so is not for rustc to see.
pub(crate) fn is_ours(attr: &Attribute) -> bool {
    OURS.iter().any(|name| attr.path().is_ident(name)) || misspelt(attr).is_some()
}

/// What the attribute of a parameter asks for.
pub(crate) enum Role {
    /// The output of one or more steps.
    Upstream(Source, Quorum),
    /// A run parameter.
    Param(ParamArgs),
    /// An injected value.
    Resource(Option<LitStr>),
    /// The context of the step.
    Context,
}

/// Which steps.
pub(crate) enum Source {
    /// The step of the parameter's own name.
    Implied(Path),
    /// One step by path.
    Path(Path),
    /// A field of the output of one step.
    Field(Path, Vec<Member>),
    /// Several steps by path.
    Paths(Vec<Path>),
    /// A name, found at start-up.
    Name(LitStr),
    /// A pattern of names.
    Glob(Matched),
    /// A tag.
    Tag(Matched),
    /// None yet.
    Unbound,
}

/// What `#[param(…)]` says.
#[derive(Default)]
pub(crate) struct ParamArgs {
    pub(crate) name: Option<LitStr>,
    pub(crate) default: Option<Default>,
}

/// The default of a run parameter.
pub(crate) enum Default {
    /// `Default::default()`.
    Trait,
    /// A string literal, converted into the type.
    Text(LitStr),
    /// An expression of the type.
    Expr(Box<Expr>),
}

const PARAM_OPTIONS: &[Spec<ParamArgs>] = &[
    Spec::new("default", "default = value", "the default", |args, key, input| {
        args.default = Some(if input.is_empty() {
            Default::Trait
        } else {
            match ungrouped(&key.value(input)?) {
                Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Default::Text(text.clone()),
                expr => Default::Expr(Box::new(expr.clone())),
            }
        });
        Ok(())
    }),
    Spec::new("name", "name = \"…\"", "the name", |args, key, input| {
        args.name = Some(checked("the name of a run parameter", key.value(input)?, ".")?);
        Ok(())
    }),
];

impl Role {
    /// Reads the attributes of the parameter `name`.
    pub(crate) fn read(name: &Ident, attrs: &[Attribute], errors: &mut Errors) -> Option<Role> {
        for attr in
            attrs.iter().filter(|attr| attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr"))
        {
            errors.at(attr, "a parameter is part of the graph and cannot be conditional: put the `#[cfg]` on two versions of the function");
        }
        if let Some((attr, meant)) = attrs.iter().find_map(|attr| Some((attr, misspelt(attr)?))) {
            errors.at(
                attr.path(),
                format!("there is no such attribute for a parameter; did you mean `#[{meant}]`?"),
            );
            return None;
        }
        let mut ours = attrs.iter().filter(|attr| is_ours(attr));
        let Some(attr) = ours.next() else {
            return Some(Role::Upstream(Source::Implied(Path::from(name.clone())), Quorum::All));
        };
        if let Some(second) = ours.next() {
            let (a, b) = (attr_name(attr), attr_name(second));
            let message = if a == b {
                format!("`#[{b}]` is given twice: remove one, or join the two")
            } else {
                format!("a parameter has one origin: `#[{a}]` or `#[{b}]`, remove one of the two")
            };
            errors.at(second, message);
            return None;
        }
        match attr_name(attr).as_str() {
            "from" => from(attr, errors).map(|(source, quorum)| Role::Upstream(source, quorum)),
            "param" => Some(Role::Param(param(attr, errors))),
            "resource" => resource(attr, errors),
            "context" => bare_attr(attr, errors).map(|()| Role::Context),
            _ => bare_attr(attr, errors).map(|()| Role::Upstream(Source::Unbound, Quorum::All)),
        }
    }
}

fn attr_name(attr: &Attribute) -> String {
    attr.path().get_ident().map(Ident::to_string).unwrap_or_default()
}

/// The attribute of ours that was probably meant.
fn misspelt(attr: &Attribute) -> Option<&'static str> {
    let name = attr_name(attr);
    if name.is_empty() || OURS.contains(&name.as_str()) || BUILTIN.contains(&name.as_str()) {
        return None;
    }
    suggestion(&name, OURS)
}

/// The tokens in the parentheses of an attribute; none where it has no parentheses.
pub(crate) fn arguments(attr: &Attribute, errors: &mut Errors) -> Option<TokenStream> {
    match &attr.meta {
        Meta::Path(_) => Some(TokenStream::new()),
        Meta::List(list) => Some(list.tokens.clone()),
        Meta::NameValue(_) => {
            let name = attr_name(attr);
            errors.at(attr, format!("`#[{name} = …]` is written `#[{name}(…)]`"));
            None
        }
    }
}

fn bare_attr(attr: &Attribute, errors: &mut Errors) -> Option<()> {
    let tokens = arguments(attr, errors)?;
    if !tokens.is_empty() {
        let name = attr_name(attr);
        errors.at(tokens, format!("`#[{name}]` takes no options: write `#[{name}]`"));
        return None;
    }
    Some(())
}

fn param(attr: &Attribute, errors: &mut Errors) -> ParamArgs {
    let mut args = ParamArgs::default();
    if let Some(tokens) = arguments(attr, errors) {
        read_options(split(tokens), "#[param]", &[PARAM_OPTIONS], &mut args, errors);
    }
    args
}

fn resource(attr: &Attribute, errors: &mut Errors) -> Option<Role> {
    let tokens = arguments(attr, errors)?;
    if tokens.is_empty() {
        return Some(Role::Resource(None));
    }
    let Ok(name) = syn::parse2::<LitStr>(tokens.clone()) else {
        let message = "a resource is found by its type, or by type and name: write `#[resource]` or `#[resource(\"name\")]`";
        errors.at(tokens, message);
        return None;
    };
    let name = errors.keep(checked("the name of a resource", name, ".:/"))?;
    Some(Role::Resource(Some(name)))
}

/// The expression without the invisible groups of `macro_rules!`.
pub(crate) fn ungrouped(expr: &Expr) -> &Expr {
    match expr {
        Expr::Group(group) => ungrouped(&group.expr),
        _ => expr,
    }
}

/// A path, also where `macro_rules!` has put one into an invisible group.
pub(crate) struct PlainPath(pub(crate) Path);

impl Parse for PlainPath {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let expr: Expr = input.parse()?;
        match field(&expr) {
            Some((path, members)) if members.is_empty() => Ok(PlainPath(path)),
            _ => Err(syn::Error::new_spanned(expr, "expected the path of a step, such as `ingest::orders`")),
        }
    }
}

/// Takes `path.a.b` apart.
pub(crate) fn field(expr: &Expr) -> Option<(Path, Vec<Member>)> {
    match ungrouped(expr) {
        Expr::Path(ExprPath { qself: None, path, .. })
            if path.segments.iter().all(|segment| segment.arguments.is_none()) =>
        {
            Some((path.clone(), Vec::new()))
        }
        Expr::Field(field) => {
            let (path, mut members) = self::field(&field.base)?;
            members.push(field.member.clone());
            Some((path, members))
        }
        _ => None,
    }
}
