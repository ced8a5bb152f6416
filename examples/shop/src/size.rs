//! How much data to make.

use crate::checksums::Checksums;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// Half a percent of the full size.
    Tiny,
    /// A tenth of the full size.
    Small,
    /// Some nine million rows.
    Full,
}

impl Size {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tiny => "tiny",
            Self::Small => "small",
            Self::Full => "full",
        }
    }

    pub(crate) fn permille(self) -> u64 {
        match self {
            Self::Tiny => 5,
            Self::Small => 100,
            Self::Full => 1000,
        }
    }

    /// Of the seven input files.
    pub(crate) fn input_checksums(self) -> Checksums {
        Checksums::new(match self {
            Self::Tiny => include_str!("checksums/tiny.in"),
            Self::Small => include_str!("checksums/small.in"),
            Self::Full => include_str!("checksums/full.in"),
        })
    }

    /// Of the ten output files.
    pub(crate) fn output_checksums(self) -> Checksums {
        Checksums::new(match self {
            Self::Tiny => include_str!("checksums/tiny.out"),
            Self::Small => include_str!("checksums/small.out"),
            Self::Full => include_str!("checksums/full.out"),
        })
    }
}
