//! What `plan` and `list --check` say of cached steps.

use std::collections::BTreeMap;

use pipeline_core::{InputKind, Plan, StepDef};

use super::wording::{fit, listed};
use crate::pipeline::Pipeline;
use crate::settings::CacheMode;
use crate::store::{is_plain_path, why_not_cached};

/// Maximum number of steps that a warning names.
const MOST_NAMES: usize = 5;

/// Returns, for each step that asks for a cache, why it cannot have one; `None` if it has.
pub(super) fn of_plan(plan: &Plan, pipeline: &Pipeline) -> BTreeMap<usize, Option<String>> {
    let asked = pipeline.cached(plan).into_iter();
    asked.map(|step| (step, why_not_cached(plan, step))).collect()
}

/// Returns warnings about the cached steps of a plan: those that cannot be cached, and those that read a file unseen.
pub(super) fn warnings(plan: &Plan, pipeline: &Pipeline) -> Vec<String> {
    let (mut refused, mut warnings) = (BTreeMap::<String, Vec<&str>>::new(), Vec::new());
    let asks_for_all = pipeline.current_settings().cache == CacheMode::All;
    for (step, why) in of_plan(plan, pipeline) {
        let spec = plan.spec(step);
        match why {
            // If all are asked for, it is about those that can.
            Some(_) if asks_for_all && spec.policy().cache.is_none() => {}
            Some(why) => refused.entry(why).or_default().push(spec.name()),
            None => warnings.extend(plain_paths(spec.name(), spec.def())),
        }
    }
    let refused = refused.into_iter().map(|(why, names)| {
        let (is, names) = (if names.len() == 1 { "is" } else { "are" }, quoted(&names));
        format!("{names} {is} not cached: {why}")
    });
    refused.chain(warnings).collect()
}

fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{}`", fit(name, 40))).collect();
    listed(&names, MOST_NAMES)
}

/// Returns a warning for each run parameter of a cached step that is a path: the content of the file does not count.
pub(super) fn plain_paths<'a>(name: &'a str, def: &'a StepDef) -> impl Iterator<Item = String> {
    // The content may be in its own key.
    let inputs = def.inputs.iter().filter(|_| !def.policy.has_key);
    let paths = inputs.filter_map(|input| match &input.kind {
        InputKind::Param(param) if is_plain_path(param.ty) => Some(param),
        _ => None,
    });
    paths.map(move |param| {
        format!(
            "`{}` is cached, and the content of the file that its parameter `{}` names does not count: give the parameter the type \
             `InputFile`, `InputDir` or `InputGlob`",
            fit(name, 40),
            fit(&param.name, 40)
        )
    })
}
