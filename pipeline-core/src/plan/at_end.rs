//! What the end of a step has to do.

use super::Plan;

/// What the end of a step has to do beyond its status: one byte beside its code, so that a step with nothing to do
/// reads no list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AtEnd(u8);

impl AtEnd {
    const RELEASE: u8 = 1;
    const DROP: u8 = 2;
    const SUCCESSORS: u8 = 4;
    const GROUPS: u8 = 8;

    /// `drops`: whether the output is dropped at once, because it has no reader and is not kept.
    pub(super) fn of(plan: &Plan, step: u32, drops: bool) -> Self {
        let flag = |flag: u8, holds: bool| if holds { flag } else { 0 };
        AtEnd(
            flag(Self::RELEASE, !plan.releases(step).is_empty())
                | flag(Self::DROP, drops)
                | flag(Self::SUCCESSORS, !plan.successors(step).is_empty())
                | flag(Self::GROUPS, !plan.groups_of(step).is_empty()),
        )
    }

    #[inline]
    pub(crate) fn is_nothing(self) -> bool {
        self.0 == 0
    }

    /// Reports whether inputs are released.
    #[inline]
    pub(crate) fn releases(self) -> bool {
        self.0 & Self::RELEASE != 0
    }

    /// Reports whether the output is dropped.
    #[inline]
    pub(crate) fn drops(self) -> bool {
        self.0 & Self::DROP != 0
    }

    /// Reports whether steps wait for this one.
    #[inline]
    pub(crate) fn has_successors(self) -> bool {
        self.0 & Self::SUCCESSORS != 0
    }

    /// Reports whether the step is a member of groups.
    #[inline]
    pub(crate) fn is_in_groups(self) -> bool {
        self.0 & Self::GROUPS != 0
    }
}
