//! The options of `#[step(…)]`.

use proc_macro2::{Span, TokenStream};
use syn::{LitInt, LitStr, Path};

use crate::error::Errors;
use crate::options::{Key, Label, Spec, check_label, read_options, split};
use crate::param::PlainPath;
use crate::policy::{self, PolicyArgs};

/// What `#[step(…)]` says.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) lane: Option<(Lane, Span)>,
    pub(crate) name: Option<LitStr>,
    pub(crate) tags: Vec<LitStr>,
    pub(crate) group: Option<LitStr>,
    pub(crate) after: Vec<Path>,
    pub(crate) cost: Option<u32>,
    pub(crate) krate: Option<Path>,
    /// `fallible` (true) or `infallible`.
    pub(crate) fallible: Option<(bool, Span)>,
    pub(crate) policy: PolicyArgs,
}

/// Where the step runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    Io,
    Cpu,
    Blocking,
}

/// The options that say what a step is, in the order in which messages list them; those that say how it is run follow.
const OPTIONS: &[Spec<Args>] = &[
    Spec { name: "io", usage: "io", subject: LANE, read: |args, key, _| lane(args, key, Lane::Io) },
    Spec { name: "cpu", usage: "cpu", subject: LANE, read: |args, key, _| lane(args, key, Lane::Cpu) },
    Spec {
        name: "blocking",
        usage: "blocking",
        subject: LANE,
        read: |args, key, _| lane(args, key, Lane::Blocking),
    },
    Spec {
        name: "name",
        usage: "name = \"…\"",
        subject: "the name",
        read: |args, key, input| key.value(input).map(|name| args.name = Some(name)),
    },
    Spec {
        name: "tags",
        usage: "tags(\"…\", …)",
        subject: "the tags",
        read: |args, key, input| {
            key.values(input).map(|tags: Vec<Label>| args.tags = tags.into_iter().map(|tag| tag.0).collect())
        },
    },
    Spec {
        name: "group",
        usage: "group = \"…\"",
        subject: "the group",
        read: |args, key, input| key.value(input).map(|group: Label| args.group = Some(group.0)),
    },
    Spec {
        name: "after",
        usage: "after(step, …)",
        subject: "the order",
        read: |args, key, input| {
            key.values(input)
                .map(|steps: Vec<PlainPath>| args.after = steps.into_iter().map(|step| step.0).collect())
        },
    },
    Spec { name: "cost", usage: "cost = 10", subject: "the cost", read: cost },
    Spec {
        name: "fallible",
        usage: "fallible",
        subject: FALLIBLE,
        read: |args, key, _| fallible(args, key, true),
    },
    Spec {
        name: "infallible",
        usage: "infallible",
        subject: FALLIBLE,
        read: |args, key, _| fallible(args, key, false),
    },
    Spec {
        name: "crate",
        usage: "crate = path::to::pipeline",
        subject: "the path to the `pipeline` crate",
        read: |args, key, input| key.value(input).map(|path: PlainPath| args.krate = Some(path.0)),
    },
];
const LANE: &str = "the lane";
const FALLIBLE: &str = "whether the step can fail";

impl Args {
    /// Reads the options; what cannot be read is reported and left out.
    pub(crate) fn read(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Args::default();
        read_options(split(tokens), "#[step]", &[OPTIONS, policy::OPTIONS], &mut args, errors);
        args.policy.check(errors);
        if let Some(name) = &args.name {
            check_label("the name of a step", name, "", errors);
        }
        for tag in &args.tags {
            check_label("a tag", tag, ".:/", errors);
        }
        if let Some(group) = &args.group {
            check_label("the name of a group", group, ".:/", errors);
        }
        args
    }
}

#[allow(clippy::unnecessary_wraps, reason = "the signature of every reader in the table")]
fn lane(args: &mut Args, key: &Key<'_>, lane: Lane) -> syn::Result<()> {
    args.lane = Some((lane, key.ident.span()));
    Ok(())
}

#[allow(clippy::unnecessary_wraps, reason = "the signature of every reader in the table")]
fn fallible(args: &mut Args, key: &Key<'_>, fallible: bool) -> syn::Result<()> {
    args.fallible = Some((fallible, key.ident.span()));
    Ok(())
}

fn cost(args: &mut Args, key: &Key<'_>, input: syn::parse::ParseStream<'_>) -> syn::Result<()> {
    let literal: LitInt = key.value(input)?;
    match literal.base10_parse::<u32>() {
        Ok(cost) if cost > 0 => args.cost = Some(cost),
        _ => {
            let message =
                format!("`cost` is a whole number from 1 to {}: the relative duration of the step", u32::MAX);
            return Err(syn::Error::new(literal.span(), message));
        }
    }
    Ok(())
}
