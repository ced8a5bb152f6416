//! Which branch a switch has chosen.

use crate::step::DefFn;

/// The number of the branch `chosen`: the first case that is the same step, for a step can be named by several paths.
/// `None` where there is no such case.
pub fn case_number(cases: &[DefFn], chosen: u32) -> Option<u32> {
    let step = cases.get(chosen as usize)?();
    cases.iter().position(|case| std::ptr::eq(case(), step)).map(|position| position as u32)
}
