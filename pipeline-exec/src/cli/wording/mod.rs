//! Texts that fit a terminal: by columns, not by characters, and without anything that could steer it.

mod fit;
mod lists;
mod wrap;

pub(super) use self::fit::{block, cut, fit, one_line, pad, width};
pub(super) use self::lists::listed;
pub(super) use self::wrap::{paragraph, wrapped};
pub(super) use crate::text::{counted, number};

/// The columns that listings keep to.
pub(super) const WIDTH: usize = 80;
