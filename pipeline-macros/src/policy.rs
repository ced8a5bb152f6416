//! The options of `#[step(…)]` that say how the step is run: when it fails, beside others, and whether at all.

use proc_macro2::Span;
use syn::parse::{Parse, ParseStream};
use syn::{Expr, Lit, LitFloat, LitInt, LitStr, Path, Token};

use crate::args::Args;
use crate::error::Errors;
use crate::options::{Key, Label, Spec, check_label};
use crate::param::PlainPath;
use crate::quantity;
use crate::switch::Arm;

/// What is said of how the step is run.
#[derive(Clone, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is an option of its own, written without a value")]
pub(crate) struct PolicyArgs {
    pub(crate) retries: Option<u32>,
    pub(crate) backoff: Option<Waits>,
    pub(crate) jitter: Option<(f64, Span)>,
    pub(crate) retry_if: Option<Expr>,
    pub(crate) timeout: Option<Time>,
    pub(crate) deadline: Option<Time>,
    pub(crate) idempotent: bool,
    pub(crate) optional: bool,
    pub(crate) fail_fast: bool,
    pub(crate) no_cancel: Option<Span>,
    pub(crate) fallback: Option<Expr>,
    pub(crate) on_failure: Option<Expr>,
    pub(crate) limits: Vec<Limit>,
    pub(crate) exclusive: bool,
    pub(crate) sequential: Option<LitStr>,
    pub(crate) memory: Option<u64>,
    pub(crate) cores: Option<u32>,
    pub(crate) priority: i32,
    pub(crate) parallel_if: Option<Expr>,
    pub(crate) when: Option<Expr>,
    pub(crate) switch: Option<Switch>,
    pub(crate) branch: Option<Path>,
    pub(crate) writes: bool,
}

/// A duration.
pub(crate) type Time = std::time::Duration;

/// `"100ms"`, or `"100ms..10s"`.
#[derive(Clone, Copy)]
pub(crate) struct Waits {
    pub(crate) first: Time,
    /// The longest, where they grow.
    pub(crate) cap: Option<Time>,
}

/// A share of something that has a name.
#[derive(Clone)]
pub(crate) struct Limit {
    pub(crate) name: LitStr,
    pub(crate) amount: u32,
}

/// `switch(pattern => step, …)`.
#[derive(Clone)]
pub(crate) struct Switch {
    /// Where the word is written: there belongs the error about a pattern that is missing.
    pub(crate) span: Span,
    pub(crate) arms: Vec<Arm>,
}

const BESIDE: &str = "what runs beside the step";
const MEANING: &str = "what a failure of the step means for the run";

/// Every option, in the order in which messages list them.
pub(crate) const OPTIONS: &[Spec<Args>] = &[
    Spec::new("retries", "retries = 3", "the number of retries", |args, key, input| {
        integer(key, input, "`retries` is a whole number: how many more times to try", 0)
            .map(|count| args.policy.retries = Some(count))
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
    Spec::new("timeout", "timeout = \"30s\"", "the timeout", |args, key, input| {
        time(&key.value(input)?).map(|time| args.policy.timeout = Some(time))
    }),
    Spec::new("deadline", "deadline = \"5m\"", "the deadline", |args, key, input| {
        time(&key.value(input)?).map(|time| args.policy.deadline = Some(time))
    }),
    Spec::new("idempotent", "idempotent", "whether attempts may overlap", |args, _, _| {
        args.policy.idempotent = true;
        Ok(())
    }),
    Spec::new("no_cancel", "no_cancel", "whether the future may be dropped", |args, key, _| {
        args.policy.no_cancel = Some(key.ident.span());
        Ok(())
    }),
    Spec::new("fallback", "fallback = value", "the fallback", |args, key, input| {
        key.value(input).map(|value| args.policy.fallback = Some(value))
    }),
    Spec::new("on_failure", "on_failure = function", "what is called on failure", |args, key, input| {
        key.value(input).map(|function| args.policy.on_failure = Some(function))
    }),
    Spec::new("optional", "optional", MEANING, |args, _, _| {
        args.policy.optional = true;
        Ok(())
    }),
    Spec::new("fail_fast", "fail_fast", MEANING, |args, _, _| {
        args.policy.fail_fast = true;
        Ok(())
    }),
    Spec::new("limit", "limit = \"…\"` or `limit(\"…\" = 2, …)", "the limits", |args, key, input| {
        limits(key, input).map(|limits| args.policy.limits = limits)
    }),
    Spec::new("exclusive", "exclusive", BESIDE, |args, _, _| {
        args.policy.exclusive = true;
        Ok(())
    }),
    Spec::new("parallel_if", "parallel_if = function", BESIDE, |args, key, input| {
        key.value(input).map(|function| args.policy.parallel_if = Some(function))
    }),
    Spec::new("sequential", "sequential = \"…\"", "the sequence", |args, key, input| {
        key.value(input).map(|name: Label| args.policy.sequential = Some(name.0))
    }),
    Spec::new("memory", "memory = \"512MiB\"", "the memory", |args, key, input| {
        let text: LitStr = key.value(input)?;
        let size = quantity::size(&text.value()).map_err(|error| syn::Error::new(text.span(), error))?;
        args.policy.memory = Some(size);
        Ok(())
    }),
    Spec::new("cores", "cores = 2", "the cores", |args, key, input| {
        integer(key, input, "`cores` is a whole number from 1: how many cores the step uses", 1)
            .map(|count| args.policy.cores = Some(count))
    }),
    Spec::new("priority", "priority = 5", "the priority", |args, key, input| {
        let literal: LitInt = key.value(input)?;
        let message = "`priority` is a whole number such as `5` or `-5`: steps of a higher one go first, 0 is the default";
        args.policy.priority =
            literal.base10_parse().map_err(|_| syn::Error::new(literal.span(), message))?;
        Ok(())
    }),
    Spec::new("when", "when = function", "the condition", |args, key, input| {
        key.value(input).map(|function| args.policy.when = Some(function))
    }),
    Spec::new("switch", "switch(pattern => step, …)", "the switch", |args, key, input| {
        let arms = key.values(input)?;
        args.policy.switch = Some(Switch { span: key.ident.span(), arms });
        Ok(())
    }),
    Spec::new("branch", "branch = step", "the switch that the step is a branch of", |args, key, input| {
        key.value(input).map(|path: PlainPath| args.policy.branch = Some(path.0))
    }),
    Spec::new("writes", "writes", "whether the step writes", |args, _, _| {
        args.policy.writes = true;
        Ok(())
    }),
];

impl PolicyArgs {
    /// Reports what cannot be said together, and names that could not be selected.
    pub(crate) fn check(&self, errors: &mut Errors) {
        if let (Some((_, span)), None) = (self.jitter, self.backoff) {
            errors.at_span(
                span,
                "`jitter` leaves a part of each wait to chance: add `backoff = \"…\"`, or remove this",
            );
        }
        if let Some(name) = &self.sequential {
            check_label("the name of a sequence", name, ".:/", errors);
        }
        for (position, limit) in self.limits.iter().enumerate() {
            check_label("the name of a limit", &limit.name, ".:/", errors);
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
        self.retries.is_some_and(|retries| retries > 0)
    }
}

fn integer(key: &Key<'_>, input: ParseStream<'_>, message: &str, least: u32) -> syn::Result<u32> {
    let literal: LitInt = key.value(input)?;
    match literal.base10_parse::<u32>() {
        Ok(count) if count >= least => Ok(count),
        _ => Err(syn::Error::new(literal.span(), message)),
    }
}

fn time(text: &LitStr) -> syn::Result<Time> {
    quantity::duration(&text.value()).map_err(|error| syn::Error::new(text.span(), error))
}

fn waits(text: &LitStr) -> syn::Result<Waits> {
    let read = |part: &str| quantity::duration(part).map_err(|error| syn::Error::new(text.span(), error));
    let value = text.value();
    let Some((first, cap)) = value.split_once("..") else {
        return Ok(Waits { first: read(&value)?, cap: None });
    };
    if first.trim().is_empty() || cap.trim().is_empty() {
        let message = "the first wait and the longest stand around the dots: write `\"100ms..10s\"`";
        return Err(syn::Error::new(text.span(), message));
    }
    let waits = Waits { first: read(first)?, cap: Some(read(cap)?) };
    if waits.cap < Some(waits.first) {
        let message = "the longest wait is shorter than the first: write the shorter one first";
        return Err(syn::Error::new(text.span(), message));
    }
    Ok(waits)
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
        return Ok(vec![Limit { name, amount: 1 }]);
    }
    key.values(input)
}
