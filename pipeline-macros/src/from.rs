//! `#[from(…)]`: which steps, and how many of them must succeed.

use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, Expr, ExprLit, Lit, LitInt, LitStr, Member, Path};

use crate::error::Errors;
use crate::options::{Spec, checked, read_options, split};
use crate::param::{Source, arguments, field, ungrouped};

/// How many of several steps have to succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quorum {
    /// All, except as the type of the parameter allows.
    All,
    /// At least `count`; with `cancel`, the rest are cancelled then.
    AtLeast { count: u32, cancel: bool },
    /// One: the first to succeed in time.
    First,
    /// One: the first in the order written that succeeds.
    Priority,
}

/// A pattern or a tag.
#[derive(Clone)]
pub(crate) struct Matched {
    pub(crate) text: LitStr,
    /// Whether it may match no step.
    pub(crate) or_none: bool,
}

/// The options of `#[from(…)]` beside the steps.
#[derive(Default)]
struct FromArgs {
    tag: Option<LitStr>,
    at_least: Option<(u32, LitInt)>,
}

const OPTIONS: &[Spec<FromArgs>] = &[
    Spec::new("tag", "tag = \"…\"", "the tag", |args, key, input| {
        key.value(input).map(|name| args.tag = Some(name))
    }),
    Spec::new("at_least", "at_least = 2", "how many have to succeed", |args, key, input| {
        let literal: LitInt = key.value(input)?;
        let message = "`at_least` is a whole number: how many of the steps have to succeed";
        let count = literal.base10_parse().map_err(|_| syn::Error::new(literal.span(), message))?;
        args.at_least = Some((count, literal));
        Ok(())
    }),
];

const FORMS: &str = "`#[from(step)]`, `#[from(step.field)]`, `#[from(a, b, c)]`, `#[from(\"name\")]`, \
                     `#[from(\"name_*\")]` or `#[from(tag = \"…\")]`";

/// Reads the attribute, and reports its errors.
pub(crate) fn from(attr: &Attribute, errors: &mut Errors) -> Option<(Source, Quorum)> {
    let parts = split(arguments(attr, errors)?);
    let (options, mut steps): (Vec<_>, Vec<_>) = parts.into_iter().partition(is_option);
    let option_count = options.len();
    let mut args = FromArgs::default();
    read_options(options, "#[from]", &[OPTIONS], &mut args, errors);
    if option_count != usize::from(args.tag.is_some()) + usize::from(args.at_least.is_some()) {
        return None;
    }
    let mut word = word(&mut steps, args.tag.is_some());
    let or_none = word.take_if(|(word, _)| matches!(word, Word::OrNone)).map(|(_, tokens)| tokens);
    let quorum = quorum(&args, word, errors)?;
    let mut source = match args.tag {
        Some(tag) => tagged(tag, steps.first(), errors)?,
        None => named(attr, steps, quorum, errors)?,
    };
    if let Some(tokens) = or_none {
        match (&mut source, &args.at_least) {
            (Source::Glob(matched) | Source::Tag(matched), None) => matched.or_none = true,
            (_, Some(_)) => {
                let message = "`or_none` lets the pattern or tag match no step, and `at_least` asks for some: remove one of the two";
                errors.at(tokens, message);
                return None;
            }
            _ => {
                let message = "`or_none` goes with a pattern or a tag, which may match no step; for a step of this name write \
                               `self::or_none`";
                errors.at(tokens, message);
                return None;
            }
        }
    }
    if let (Some((count, literal)), Source::Paths(paths)) = (&args.at_least, &source)
        && *count as usize > paths.len()
    {
        let message = format!(
            "`at_least = {count}` of {} steps can never be: ask for fewer, or add steps",
            paths.len()
        );
        errors.at(literal, message);
        return None;
    }
    Some((source, quorum))
}

/// A word that may follow the steps.
enum Word {
    Cancel,
    First,
    Priority,
    OrNone,
}

/// Takes the last bare word as an option, unless it stands alone: then it names a step.
fn word(steps: &mut Vec<TokenStream>, has_tag: bool) -> Option<(Word, TokenStream)> {
    if steps.len() + usize::from(has_tag) < 2 {
        return None;
    }
    let word = match steps.last()?.to_string().as_str() {
        "cancel" => Word::Cancel,
        "first" => Word::First,
        "priority" => Word::Priority,
        "or_none" => Word::OrNone,
        _ => return None,
    };
    steps.pop().map(|tokens| (word, tokens))
}

fn quorum(args: &FromArgs, word: Option<(Word, TokenStream)>, errors: &mut Errors) -> Option<Quorum> {
    let Some((word, tokens)) = word else {
        let at_least = |(count, _): &(u32, LitInt)| Quorum::AtLeast { count: *count, cancel: false };
        return Some(args.at_least.as_ref().map_or(Quorum::All, at_least));
    };
    match (word, &args.at_least) {
        (Word::First, None) => return Some(Quorum::First),
        (Word::Priority, None) => return Some(Quorum::Priority),
        (Word::Cancel, Some((count, _))) if *count > 0 => {
            return Some(Quorum::AtLeast { count: *count, cancel: true });
        }
        (Word::Cancel, Some(_)) => errors.at(
            tokens,
            "`cancel` ends the wait when enough have succeeded, and `at_least = 0` is enough at once: remove one of the two",
        ),
        (Word::Cancel, None) => errors.at(
            tokens,
            "`cancel` goes with `at_least = 2`: the rest are cancelled when that number has succeeded; for a step of this name write `self::cancel`",
        ),
        (Word::OrNone, _) => unreachable!("invariant: it was taken before"),
        (_, Some(_)) => {
            let message = format!(
                "`{tokens}` asks for one output, and `at_least` for several: remove one of the two; for a step of this name write `self::{tokens}`",
            );
            errors.at(tokens, message);
        }
    }
    None
}

fn tagged(tag: LitStr, step: Option<&TokenStream>, errors: &mut Errors) -> Option<Source> {
    let tag = errors.keep(checked("a tag", tag, ".:/"))?;
    let Some(step) = step else { return Some(Source::Tag(Matched { text: tag, or_none: false })) };
    let message = "steps are selected by tag or one by one, not both: give `tag` alone, or list the steps";
    errors.at(step, message);
    None
}

fn named(attr: &Attribute, steps: Vec<TokenStream>, quorum: Quorum, errors: &mut Errors) -> Option<Source> {
    let mut steps = steps.into_iter().map(|step| parse_step(step, errors)).collect::<Option<Vec<_>>>()?;
    match &steps[..] {
        [] => {
            errors.at(attr, format!("`#[from]` says which step: {FORMS}"));
            return None;
        }
        [NamedStep::Name(name)] if name.value().contains(['*', '?']) => {
            return Some(Source::Glob(Matched { text: name.clone(), or_none: false }));
        }
        [_] if quorum == Quorum::All => {}
        _ => return fan_in(steps, errors),
    }
    steps.pop().map(|step| match step {
        NamedStep::Path(path) => Source::Path(path),
        NamedStep::Field(path, members, _) => Source::Field(path, members),
        NamedStep::Name(name) => Source::Name(name),
    })
}

fn fan_in(steps: Vec<NamedStep>, errors: &mut Errors) -> Option<Source> {
    let width = steps.len();
    let mut paths = Vec::with_capacity(width);
    for step in steps {
        match step {
            NamedStep::Path(path) => paths.push(path),
            NamedStep::Field(.., expr) => errors.at(
                expr,
                "a fan-in reads whole outputs: give each field its own parameter, or list the steps without fields",
            ),
            NamedStep::Name(name) => errors.at(
                name,
                "a fan-in lists paths: write the path of the step without quotes, or one pattern such as `\"shard_*\"`",
            ),
        }
    }
    (paths.len() == width).then_some(Source::Paths(paths))
}

/// Whether a part of `#[from(…)]` is `key = …`.
fn is_option(part: &TokenStream) -> bool {
    let mut tokens = part.clone().into_iter();
    matches!(tokens.next(), Some(TokenTree::Ident(_)))
        && matches!(tokens.next(), Some(TokenTree::Punct(punct)) if punct.as_char() == '=')
}

/// A step as `#[from(…)]` names it.
enum NamedStep {
    Path(Path),
    Field(Path, Vec<Member>, Box<Expr>),
    Name(LitStr),
}

fn parse_step(tokens: TokenStream, errors: &mut Errors) -> Option<NamedStep> {
    let step = syn::parse2::<Expr>(tokens.clone()).ok().and_then(|expr| match ungrouped(&expr) {
        Expr::Lit(ExprLit { lit: Lit::Str(name), .. }) => Some(NamedStep::Name(name.clone())),
        expr => match field(expr)? {
            (path, members) if members.is_empty() => Some(NamedStep::Path(path)),
            (path, members) => Some(NamedStep::Field(path, members, Box::new(expr.clone()))),
        },
    });
    match &step {
        Some(NamedStep::Name(name)) => {
            errors.keep(checked("the name of a step", name.clone(), "*?:"))?;
        }
        Some(_) => {}
        None => errors.at(&tokens, format!("this does not name a step: write {FORMS}")),
    }
    step
}
