//! The options of `#[step(…)]` that say how the step runs: if it fails, beside others, and whether at all.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Expr, Lit, LitFloat, LitInt, LitStr, Path, Token};

use crate::args::Args;
use crate::error::Errors;
use crate::options::{Key, Label, Spec, checked};
use crate::own::own;
use crate::param::PlainPath;
use crate::switch::Arm;

/// How the step runs.
#[derive(Clone, Default)]
pub(crate) struct PolicyArgs {
    /// The fields of `Policy` that are set, with their values; `backoff` is kept apart.
    fields: Vec<(&'static str, TokenStream)>,
    retries: u32,
    backoff: Option<TokenStream>,
    jitter: Option<(f64, Span)>,
    no_cancel: Option<Span>,
    pub(crate) retry_if: Option<Expr>,
    pub(crate) on_failure: Option<Expr>,
    pub(crate) parallel_if: Option<Expr>,
    pub(crate) when: Option<Expr>,
    pub(crate) key: Option<Expr>,
    pub(crate) codec: Option<Path>,
    is_cached: bool,
    writes: Option<Span>,
    pub(crate) fallback: Option<Expr>,
    pub(crate) limits: Vec<Limit>,
    pub(crate) switch: Option<Switch>,
    pub(crate) branch: Option<Path>,
}

/// An amount of a named limit.
#[derive(Clone)]
pub(crate) struct Limit {
    pub(crate) name: LitStr,
    pub(crate) amount: u32,
}

/// `switch(pattern => step, …)`.
#[derive(Clone)]
pub(crate) struct Switch {
    /// The word `switch`: a missing pattern is reported there.
    pub(crate) span: Span,
    pub(crate) arms: Vec<Arm>,
}

const BESIDE: &str = "what runs beside the step";
const MEANING: &str = "what a failure of the step means for the run";

/// Every option, in the order in which messages list them. One with a constant value sets the field of `Policy` with its name.
pub(crate) const OPTIONS: &[Spec<Args>] = &[
    Spec::new("retries", "retries = 3", "the number of retries", |args, key, input| {
        args.policy.retries =
            integer(key, input, "`retries` is a whole number: the maximum number of retries", 0)?;
        args.policy.set(key, some(args.policy.retries))
    }),
    Spec::new(
        "backoff",
        "backoff = \"100ms\"` or `backoff = \"100ms..10s\"",
        "the backoff",
        |args, key, input| waits(&key.value(input)?).map(|waits| args.policy.backoff = Some(waits)),
    ),
    Spec::new("jitter", "jitter` or `jitter = 0.3", "the jitter", |args, key, input| {
        jitter(key, input).map(|part| args.policy.jitter = Some((part, key.ident.span())))
    }),
    Spec::new("retry_if", "retry_if = function", "the filter of errors", |args, key, input| {
        key.value(input).map(|function| args.policy.retry_if = Some(function))
    }),
    Spec::new("timeout", "timeout = \"30s\"", "the timeout", time),
    Spec::new("deadline", "deadline = \"5m\"", "the deadline", time),
    flag("idempotent", "whether attempts may overlap"),
    Spec::new("no_cancel", "no_cancel", "whether the future may be dropped", |args, key, _| {
        args.policy.no_cancel = Some(key.ident.span());
        args.policy.set(key, quote!(true))
    }),
    Spec::new("fallback", "fallback = value", "the fallback", |args, key, input| {
        args.policy.fallback = Some(key.value(input)?);
        args.policy.fields.push(("has_fallback", quote!(true)));
        Ok(())
    }),
    Spec::new("on_failure", "on_failure = function", "what is called on failure", |args, key, input| {
        args.policy.on_failure = Some(key.value(input)?);
        args.policy.set(key, some(own("on_failure")))
    }),
    flag("optional", MEANING),
    flag("fail_fast", MEANING),
    Spec::new("limit", "limit = \"…\"` or `limit(\"…\" = 2, …)", "the limits", |args, key, input| {
        args.policy.limits = limits(key, input)?;
        args.policy.fields.push(("limits", borrowed(&reference_to("limits"))));
        Ok(())
    }),
    flag("exclusive", BESIDE),
    Spec::new("parallel_if", "parallel_if = function", BESIDE, |args, key, input| {
        args.policy.parallel_if = Some(key.value(input)?);
        args.policy.set(key, some(own("parallel_if")))
    }),
    Spec::new("sequential", "sequential = \"…\"", "the sequence", |args, key, input| {
        let Label(name) = key.value(input)?;
        let name = checked("the name of a sequence", name, ".:/")?;
        args.policy.set(key, some(borrowed(&name)))
    }),
    Spec::new("memory", "memory = \"512MiB\"", "the memory", |args, key, input| {
        let bytes = size(&key.value(input)?)?;
        args.policy.set(key, some(bytes))
    }),
    Spec::new("cores", "cores = 2", "the cores", |args, key, input| {
        let cores = integer(key, input, "`cores` is a whole number from 1: how many cores the step uses", 1)?;
        args.policy.set(key, some(cores))
    }),
    Spec::new("priority", "priority = 5", "the priority", |args, key, input| {
        let literal: LitInt = key.value(input)?;
        let message = "`priority` is a whole number such as `5` or `-5`: steps of a higher one go first, 0 is the default";
        let priority: i32 = literal.base10_parse().map_err(|_| syn::Error::new(literal.span(), message))?;
        args.policy.set(key, quote!(#priority))
    }),
    Spec::new("when", "when = function", "the condition", |args, key, input| {
        let function: Expr = key.value(input)?;
        let text = crate::text::text(function.to_token_stream());
        args.policy.when = Some(function);
        args.policy.set(key, some(text))
    }),
    Spec::new("switch", "switch(pattern => step, …)", "the switch", |args, key, input| {
        args.policy.switch = Some(Switch { span: key.ident.span(), arms: key.values(input)? });
        Ok(())
    }),
    Spec::new("branch", "branch = step", "the switch that the step is a branch of", |args, key, input| {
        key.value(input).map(|PlainPath(path)| args.policy.branch = Some(path))
    }),
    Spec::new("writes", "writes", "whether the step writes", |args, key, _| {
        args.policy.writes = Some(key.ident.span());
        args.policy.set(key, quote!(true))
    }),
    Spec::new("cache", "cache` or `cache = \"30d\"", "the cache", |args, key, input| {
        args.policy.is_cached = true;
        let ttl = if input.peek(Token![=]) {
            let text: LitStr = key.value(input)?;
            let time = duration(&text.value(), &text)?;
            if time.is_zero() {
                let message = "a stored output that is good for no time is never used: give a time above zero, or remove `cache`";
                return Err(syn::Error::new(text.span(), message));
            }
            some(tokens(time))
        } else {
            quote!(__pipeline::core::option::Option::None)
        };
        args.policy.set(key, some(quote!(__pipeline::CachePolicy { ttl: #ttl })))
    }),
    Spec::new("version", "version = \"3\"", "the version of the step's code", |args, key, input| {
        let version: LitStr = key.value(input)?;
        if version.value().is_empty() {
            return Err(syn::Error::new(
                version.span(),
                "a version is a text that is not empty, such as `\"3\"`",
            ));
        }
        args.policy.set(key, some(version))
    }),
    Spec::new("key", "key = function", "the step's own part of its key", |args, key, input| {
        args.policy.key = Some(key.value(input)?);
        args.policy.fields.push(("has_key", quote!(true)));
        Ok(())
    }),
    Spec::new("codec", "codec = path", "the form in which the output is stored", |args, key, input| {
        key.value(input).map(|PlainPath(path)| args.policy.codec = Some(path))
    }),
];

/// An option without a value, which sets a field to `true`.
const fn flag(name: &'static str, subject: &'static str) -> Spec<Args> {
    Spec::new(name, name, subject, |args, key, _| args.policy.set(key, quote!(true)))
}

fn some(value: impl ToTokens) -> TokenStream {
    quote!(__pipeline::core::option::Option::Some(#value))
}

/// Returns a reference to a static of the expansion.
fn reference_to(name: &str) -> TokenStream {
    let name = own(name);
    quote!(&#name)
}

fn borrowed(value: &impl ToTokens) -> TokenStream {
    quote!(__pipeline::std::borrow::Cow::Borrowed(#value))
}

impl PolicyArgs {
    /// Sets the field of `Policy` with the name of the option.
    #[allow(clippy::unnecessary_wraps, reason = "it ends the readers of the table")]
    fn set(&mut self, key: &Key<'_>, value: TokenStream) -> syn::Result<()> {
        self.fields.push((key.name, value));
        Ok(())
    }

    /// Returns the fields of `Policy` that are set, with their values.
    pub(crate) fn fields(&self) -> Vec<(&'static str, TokenStream)> {
        let backoff = self.backoff.iter().map(|backoff| match self.jitter {
            Some((jitter, _)) => ("backoff", some(quote!(#backoff.jitter(#jitter)))),
            None => ("backoff", some(backoff)),
        });
        self.fields.iter().cloned().chain(backoff).collect()
    }

    /// Reports options that exclude each other.
    pub(crate) fn check(&self, errors: &mut Errors) {
        if let (Some((_, span)), None) = (self.jitter, &self.backoff) {
            errors.at_span(
                span,
                "`jitter` leaves a part of each wait to chance: add `backoff = \"…\"`, or remove this",
            );
        }
        if let (Some(span), true) = (self.writes, self.is_cached) {
            errors.at_span(
                span,
                "a cached step is not run if its output is stored, so it would not write again: remove `cache` or `writes`",
            );
        }
        for (position, limit) in self.limits.iter().enumerate() {
            if self.limits[..position].iter().any(|other| other.name.value() == limit.name.value()) {
                errors.at(&limit.name, "this limit is given twice: remove one, or add the amounts");
            }
        }
    }

    /// Reports what does not go with such a function.
    pub(crate) fn check_function(&self, is_async: bool, is_fallible: bool, errors: &mut Errors) {
        if let (Some(span), false) = (self.no_cancel, is_async) {
            let message = "only a future can be cancelled: remove this, or make the function `async`; code on a thread always runs to its end";
            errors.at_span(span, message);
        }
        if let (Some(retry_if), false) = (&self.retry_if, is_fallible) {
            let message = "`retry_if` looks at the error of the step, which has none: return a `Result`, or remove this";
            errors.at(retry_if, message);
        }
    }

    /// Whether the step itself asks for more than one attempt.
    pub(crate) fn retries(&self) -> bool {
        self.retries > 0
    }
}

fn time(args: &mut Args, key: &Key<'_>, input: ParseStream<'_>) -> syn::Result<()> {
    let text: LitStr = key.value(input)?;
    let time = duration(&text.value(), &text)?;
    args.policy.set(key, some(tokens(time)))
}

fn integer(key: &Key<'_>, input: ParseStream<'_>, message: &str, least: u32) -> syn::Result<u32> {
    let literal: LitInt = key.value(input)?;
    match literal.base10_parse::<u32>() {
        Ok(count) if count >= least => Ok(count),
        _ => Err(syn::Error::new(literal.span(), message)),
    }
}

/// Reads a time by the library that reads those of settings.
fn duration(text: &str, literal: &LitStr) -> syn::Result<Duration> {
    let read = humantime::parse_duration(text.trim()).map_err(|error| error.to_string());
    let read = read.and_then(|time| if time.is_zero() { Err("it is zero".to_owned()) } else { Ok(time) });
    read.map_err(|error| {
        syn::Error::new(
            literal.span(),
            format!("`{text}` is not a time above zero such as `30s` or `1m 30s`: {error}"),
        )
    })
}

fn tokens(time: Duration) -> TokenStream {
    let (seconds, nanos) = (time.as_secs(), time.subsec_nanos());
    quote!(__pipeline::core::time::Duration::new(#seconds, #nanos))
}

/// Reads an amount of memory by the library that reads those of settings.
fn size(literal: &LitStr) -> syn::Result<u64> {
    let text = literal.value();
    let size = text.trim().parse::<bytesize::ByteSize>().ok().map(|size| size.as_u64());
    size.filter(|&bytes| bytes > 0).ok_or_else(|| {
        let message = format!("`{text}` is not an amount of memory above zero such as `512MiB` or `4 GiB`");
        syn::Error::new(literal.span(), message)
    })
}

fn waits(literal: &LitStr) -> syn::Result<TokenStream> {
    let text = literal.value();
    let Some((first, cap)) = text.split_once("..") else {
        let wait = tokens(duration(&text, literal)?);
        return Ok(quote!(__pipeline::Backoff::fixed(#wait)));
    };
    let (first, cap) = (duration(first, literal)?, duration(cap, literal)?);
    if cap < first {
        let message = format!("the longest wait of `{text}` is shorter than the first");
        return Err(syn::Error::new(literal.span(), message));
    }
    let (first, cap) = (tokens(first), tokens(cap));
    Ok(quote!(__pipeline::Backoff::exponential(#first, #cap)))
}

/// The part of each wait that is left to chance; half of it where nothing is said.
fn jitter(key: &Key<'_>, input: ParseStream<'_>) -> syn::Result<f64> {
    if input.is_empty() {
        return Ok(0.5);
    }
    let literal: Lit = key.value(input)?;
    let part = match &literal {
        Lit::Int(int) => int.base10_parse::<u32>().map(f64::from).ok(),
        Lit::Float(float) => LitFloat::base10_parse(float).ok(),
        _ => None,
    };
    part.filter(|part| (0.0..=1.0).contains(part)).ok_or_else(|| {
        let message = "`jitter` is a number from 0 to 1: the part of each wait that is left to chance";
        syn::Error::new(literal.span(), message)
    })
}

impl Parse for Limit {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let Label(name) = input.parse()?;
        let name = checked("the name of a limit", name, ".:/")?;
        if input.is_empty() || input.peek(Token![,]) {
            return Ok(Limit { name, amount: 1 });
        }
        input.parse::<Token![=]>()?;
        let amount: LitInt = input.parse()?;
        match amount.base10_parse() {
            Ok(count) if count > 0 => Ok(Limit { name, amount: count }),
            _ => {
                let message = "the amount is a whole number from 1: how much of the limit the step takes";
                Err(syn::Error::new(amount.span(), message))
            }
        }
    }
}

fn limits(key: &Key<'_>, input: ParseStream<'_>) -> syn::Result<Vec<Limit>> {
    if !input.peek(syn::token::Paren) {
        let Label(name) = key.value(input)?;
        return Ok(vec![Limit { name: checked("the name of a limit", name, ".:/")?, amount: 1 }]);
    }
    key.values(input)
}
