//! The steps that `#[step]` registered in this program.
//!
//! `inventory` gathers one [`Registration`] per annotated function, in no order: everything here is sorted by module
//! and name. A library that is linked but never named in code contributes nothing (the linker drops it), which is
//! why messages about missing steps tell how to name it.

use std::collections::BTreeMap;

use crate::step::{DefFn, StepDef};

/// One registered step; submitted by the macro.
#[derive(Debug)]
pub struct Registration(pub DefFn);

inventory::collect!(Registration);

/// Returns every registered step, sorted by module, name, file and line. Two steps of one identity are both there.
///
/// # Complexity
/// O(n log n) in the number of steps of the program; nothing is cached.
pub fn registered() -> Vec<&'static StepDef> {
    let mut steps: Vec<_> =
        inventory::iter::<Registration>().map(|registration| (registration.0)()).collect();
    steps.sort_by(|a, b| (&a.module, &a.name, a.location).cmp(&(&b.module, &b.name, b.location)));
    steps
}

/// How many steps each package registered, by name and version.
pub fn packages() -> BTreeMap<(&'static str, &'static str), usize> {
    let mut counts = BTreeMap::new();
    for step in registered() {
        *counts.entry((step.package.name, step.package.version)).or_default() += 1;
    }
    counts
}
