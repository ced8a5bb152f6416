//! One attempt of a step, in one word.

const WATCHED: u32 = 1 << 31;
const LAST: u32 = 1 << 30;

/// The maximum number of attempts of a step.
pub const MOST_ATTEMPTS: u32 = (1 << 24) - 1;

/// One attempt of a step, as its executor describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt(u32);

impl Attempt {
    /// The only attempt of a step that is never given up.
    pub const ONLY: Attempt = Attempt(1 | LAST);

    /// Makes the attempt of a number, from 1. After the `last` none follows; a `watched` one may be given up.
    pub const fn new(number: u32, last: bool, watched: bool) -> Self {
        let number = if number > MOST_ATTEMPTS { MOST_ATTEMPTS } else { number };
        Attempt(number | if last { LAST } else { 0 } | if watched { WATCHED } else { 0 })
    }

    /// Returns its number, from 1.
    pub const fn number(self) -> u32 {
        self.0 & !(WATCHED | LAST)
    }

    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    pub(crate) const fn from_bits(bits: u32) -> Self {
        Attempt(bits)
    }

    #[inline]
    pub(crate) const fn is_watched(self) -> bool {
        self.0 & WATCHED != 0
    }

    #[inline]
    pub(crate) const fn is_last(self) -> bool {
        self.0 & LAST != 0
    }
}
