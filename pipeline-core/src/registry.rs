//! The steps that `#[step]` registered in this program.
//!
//! `inventory` gathers one [`Registration`] per annotated function, in no order: everything here is sorted by module
//! and name. The linker drops a library that is linked but never named in code, so messages about missing steps
//! explain how to name it.

use std::collections::BTreeMap;

use crate::naming::{Nameable, keep_meant};
use crate::step::{DefFn, StepDef};

/// One registered step; submitted by the macro.
#[derive(Debug)]
pub struct Registration(pub DefFn);

inventory::collect!(Registration);

/// Returns every registered step, sorted by module, name, file and line; including two steps with the same identity.
///
/// # Complexity
/// O(n log n) in the number of steps of the program; nothing is cached.
pub fn registered() -> Vec<&'static StepDef> {
    let mut steps: Vec<_> =
        inventory::iter::<Registration>().map(|registration| (registration.0)()).collect();
    steps.sort_by(|a, b| (&a.module, &a.name, a.location).cmp(&(&b.module, &b.name, b.location)));
    steps
}

/// Returns the registered steps that a name means, templates included: those of this identity, or else those whose identity
/// ends with it. Several are ambiguous.
///
/// # Complexity
/// As [`registered`].
pub fn registered_as(name: &str) -> Vec<&'static StepDef> {
    let mut steps = registered();
    keep_meant(name, &mut steps, |def| Nameable { def, given: None });
    steps
}

/// Returns the number of steps that each package registered, by name and version.
pub fn packages() -> BTreeMap<(&'static str, &'static str), usize> {
    let mut counts = BTreeMap::new();
    for step in registered() {
        *counts.entry((step.package.name, step.package.version)).or_default() += 1;
    }
    counts
}
