//! The options of `#[step(…)]` that say what a step is; `policy` has those that say how it runs.

use proc_macro2::{Span, TokenStream};
use syn::{LitInt, LitStr, Path};

use crate::error::Errors;
use crate::lane::{Lane, SUBJECT};
use crate::options::{Label, Spec, checked, read_options, split};
use crate::param::PlainPath;
use crate::policy::{self, PolicyArgs};

/// The options of a step.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) lane: Option<(&'static Lane, Span)>,
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

const FALLIBLE: &str = "whether the step can fail";

/// The options in the order in which messages list them; the lanes come before, the policy after them.
const OPTIONS: &[Spec<Args>] = &[
    Spec::new("name", "name = \"…\"", "the name", |args, key, input| {
        args.name = Some(checked("the name of a step", key.value(input)?, "")?);
        Ok(())
    }),
    Spec::new("tags", "tags(\"…\", …)", "the tags", |args, key, input| {
        let tags: Vec<Label> = key.values(input)?;
        let tags = tags.into_iter().map(|tag| checked("a tag", tag.0, ".:/"));
        args.tags = tags.collect::<syn::Result<_>>()?;
        Ok(())
    }),
    Spec::new("group", "group = \"…\"", "the group", |args, key, input| {
        let Label(group) = key.value(input)?;
        args.group = Some(checked("the name of a group", group, ".:/")?);
        Ok(())
    }),
    Spec::new("after", "after(step, …)", "the order", |args, key, input| {
        args.after = key.values(input)?.into_iter().map(|PlainPath(step)| step).collect();
        Ok(())
    }),
    Spec::new("cost", "cost = 10", "the cost", |args, key, input| {
        let literal: LitInt = key.value(input)?;
        let cost = literal.base10_parse().ok().filter(|&cost| cost > 0);
        let message =
            || format!("`cost` is a whole number from 1 to {}: the relative duration of the step", u32::MAX);
        args.cost = Some(cost.ok_or_else(|| syn::Error::new(literal.span(), message()))?);
        Ok(())
    }),
    Spec::new("fallible", "fallible", FALLIBLE, |args, key, _| {
        args.fallible = Some((true, key.ident.span()));
        Ok(())
    }),
    Spec::new("infallible", "infallible", FALLIBLE, |args, key, _| {
        args.fallible = Some((false, key.ident.span()));
        Ok(())
    }),
    Spec::new(
        "crate",
        "crate = path::to::pipeline",
        "the path to the `pipeline` crate",
        |args, key, input| key.value(input).map(|PlainPath(path)| args.krate = Some(path)),
    ),
];

impl Args {
    /// Reads the options. An unreadable one is reported and left out.
    pub(crate) fn read(tokens: TokenStream, errors: &mut Errors) -> Self {
        let lanes = Lane::ALL.each_ref().map(|lane| {
            Spec::new(lane.name, lane.name, SUBJECT, |args: &mut Args, key, _| {
                args.lane = Lane::named(key.ident).map(|lane| (lane, key.ident.span()));
                Ok(())
            })
        });
        let mut args = Args::default();
        read_options(split(tokens), "#[step]", &[&lanes, OPTIONS, policy::OPTIONS], &mut args, errors);
        args.policy.check(errors);
        args
    }
}
