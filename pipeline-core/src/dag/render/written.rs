//! What is written on a step, as texts: its options, and where its inputs come from.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::StepSpec;
use crate::policy::Policy;
use crate::step::{InputKind, Mode, Source, StepDef};

impl StepSpec {
    /// The options of the step that differ from their defaults, by their names in `#[step]`. A flag has an empty text.
    pub fn options(&self) -> BTreeMap<String, String> {
        options(self.def(), self.policy())
    }
}

/// The options of a step by their names in `#[step]`. A flag has an empty text. `writes` is a separate field.
pub(super) fn options(def: &StepDef, policy: &Policy) -> BTreeMap<String, String> {
    let time = |time: Duration| humantime::format_duration(time).to_string();
    let limits = policy.limits.iter().map(|(name, amount)| match amount {
        1 => name.to_string(),
        amount => format!("{name} = {amount}"),
    });
    let cases = def.cases.iter().map(|case| case().name.to_string());
    let branch = def.inputs.iter().find_map(|input| match &input.kind {
        InputKind::Upstream { mode: Mode::Branch, source, .. } => Some(sources(source).join(", ")),
        _ => None,
    });
    let list = |items: Vec<String>| (!items.is_empty()).then(|| items.join(", "));
    let flag = |is_on: bool| is_on.then(String::new);
    let all = [
        ("retries", policy.retries.map(|retries| retries.to_string())),
        ("backoff", policy.backoff.map(|backoff| backoff.to_string())),
        ("timeout", policy.timeout.map(time)),
        ("deadline", policy.deadline.map(time)),
        ("limit", list(limits.collect())),
        ("sequential", policy.sequential.as_deref().map(str::to_owned)),
        ("memory", policy.memory.map(|bytes| bytesize::ByteSize(bytes).to_string())),
        ("cores", policy.cores.map(|cores| cores.to_string())),
        ("priority", (policy.priority != 0).then(|| policy.priority.to_string())),
        ("cost", (def.cost != 1).then(|| def.cost.to_string())),
        ("when", policy.when.map(str::to_owned)),
        ("switch", list(cases.collect())),
        ("branch", branch),
        ("idempotent", flag(policy.idempotent)),
        ("optional", flag(policy.optional)),
        ("fail_fast", flag(policy.fail_fast)),
        ("no_cancel", flag(policy.no_cancel)),
        ("exclusive", flag(policy.exclusive)),
        ("parallel_if", flag(policy.parallel_if.is_some())),
        ("fallback", flag(policy.has_fallback)),
        ("on_failure", flag(policy.on_failure.is_some())),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// The upstream steps of an input, as they are written.
pub(super) fn sources(source: &Source) -> Vec<String> {
    match source {
        Source::Path(def) => vec![def().name.to_string()],
        Source::Paths(defs) => defs.iter().map(|def| def().name.to_string()).collect(),
        Source::Name(name) => vec![name.to_string()],
        Source::Glob { pattern, .. } => vec![format!("every step like {pattern}")],
        Source::Tag { tag, .. } => vec![format!("every step with tag:{tag}")],
        Source::Unbound | Source::UnboundMany => vec!["what an instance binds".to_owned()],
    }
}
