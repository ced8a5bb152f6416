//! Choices: steps that other steps' outputs may skip or cancel.
//!
//! *Branches*: a step that is a case of an upstream's switch. *Groups*: an input that needs only some of its upstream
//! steps, and starts without waiting for the rest.

use std::borrow::Cow;

use super::Plan;
use crate::cells::{Group, Steps};
use crate::dag::Dag;
use crate::step::{InputKind, Mode, Quorum};

/// The switch that a step is a branch of, and the case that it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Branch {
    /// The step that chooses.
    pub(crate) step: u32,
    /// By position in the list of cases; `None` if the step is not listed.
    pub(crate) case: Option<u32>,
}

/// Returns the switch and the case of a step, if it is a branch.
pub(super) fn branch(dag: &Dag, step: usize) -> Option<(u32, Option<u32>)> {
    let def = dag.step(step).def();
    let parameter = def
        .inputs
        .iter()
        .position(|input| matches!(input.kind, InputKind::Upstream { mode: Mode::Branch, .. }))?;
    let &switch = dag.sources(step, parameter).first()?;
    let cases = &dag.step(switch as usize).def().cases;
    let case = cases.iter().position(|case| std::ptr::eq(case(), def));
    Some((switch, case.map(|case| case as u32)))
}

/// Returns the groups of a step; they are ordered by step and parameter.
pub(super) fn of_step(groups: &[Group], step: u32) -> &[Group] {
    let start = groups.partition_point(|group| group.step < step);
    let length = groups[start..].partition_point(|group| group.step == step);
    &groups[start..start + length]
}

/// Returns how many steps have to succeed for an input that does not wait for all of its upstream steps.
pub(super) fn early(kind: &InputKind) -> Option<u32> {
    match kind {
        InputKind::Upstream { quorum: Quorum::First, .. } => Some(1),
        InputKind::Upstream { quorum: quorum @ Quorum::AtLeast { .. }, mode, .. } if quorum.is_early() => {
            quorum.count(*mode)
        }
        _ => None,
    }
}

impl Plan {
    /// Returns the switch that decides whether a step runs.
    pub(crate) fn branch_of(&self, step: usize) -> Option<Branch> {
        self.branches.get(&(step as u32)).copied()
    }

    /// Returns the reason for which a step is disabled, if it is.
    pub fn disabled(&self, step: usize) -> Option<&str> {
        self.disabled.get(&(step as u32)).map(String::as_str)
    }

    pub(super) fn is_disabled(&self, step: usize) -> bool {
        self.disabled.contains_key(&(step as u32))
    }

    /// Returns the groups whose members a run watches.
    pub(crate) fn groups(&self) -> &[Group] {
        self.bindings.groups()
    }

    /// Reports whether a switch decides if some step runs, or a step is disabled.
    pub(crate) fn has_branches(&self) -> bool {
        !self.branches.is_empty() || !self.disabled.is_empty()
    }

    /// Reports whether an input starts its step early.
    #[inline]
    pub(crate) fn has_groups(&self) -> bool {
        self.in_groups.len() != 0
    }

    /// Returns the groups that a step is a member of, by position.
    pub(crate) fn groups_of(&self, step: u32) -> &[u32] {
        if self.has_groups() { self.in_groups.get(step as usize) } else { &[] }
    }

    /// Reports whether a step can become unused, and then be cancelled while it runs.
    pub fn may_be_unused(&self, step: usize) -> bool {
        self.may_be_unused.binary_search(&(step as u32)).is_ok()
    }
}

impl Steps for Plan {
    fn name(&self, step: u32) -> &Cow<'static, str> {
        &self.spec(step as usize).name
    }

    fn function(&self, step: u32) -> Option<(&Cow<'static, str>, &Cow<'static, str>)> {
        self.spec(step as usize).function()
    }

    fn reads(&self, step: u32, source: u32) -> bool {
        let (step, source) = (self.in_dag(step as usize), self.in_dag(source as usize) as u32);
        (0..self.dag.parameter_count(step))
            .any(|parameter| self.dag.sources(step, parameter).contains(&source))
    }
}
