//! What a name means: the one place that decides it, for edges, targets, settings, parameters and everything else.
//!
//! The forms of a name, from the most to the least precise: the name of an instance or a closure, the full identity
//! `module::name`, the end of an identity (`ingest::orders`), the short name. The most precise form that finds a step wins.
//! Two steps found by the same form are a problem, never a guess.

use crate::step::StepDef;

/// A step, as names find it.
pub(crate) struct Nameable<'a> {
    pub(crate) def: &'a StepDef,
    /// The name of an instance or a closure; `None` for a function under its own name.
    pub(crate) given: Option<&'a str>,
}

/// Keeps those steps that `name` means in its most precise form: the name of an instance, an identity, the end of one. Of
/// equally precise ones, a function under its own name is preferred to its instances.
pub(crate) fn keep_meant<'a, T>(name: &str, steps: &mut Vec<T>, as_named: impl Fn(&T) -> Nameable<'a>) {
    steps.retain(|step| {
        let step = as_named(step);
        step.given == Some(name) || step.def.answers_to(name)
    });
    prefer(steps, |step| as_named(step).given == Some(name));
    prefer(steps, |step| as_named(step).def.id() == name);
    prefer(steps, |step| as_named(step).given.is_none());
}

/// Keeps the steps that fit, unless none does.
fn prefer<T>(steps: &mut Vec<T>, fits: impl Fn(&T) -> bool) {
    if steps.iter().any(&fits) {
        steps.retain(fits);
    }
}
