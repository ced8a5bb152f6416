//! Texts that fit a terminal: measured in columns, without control characters.

mod fit;
mod lists;
mod wrap;

use std::time::Duration;

pub(super) use self::fit::{block, cut, fit, one_line, pad, width};
pub(super) use self::lists::listed;
pub(super) use self::wrap::{paragraph, wrapped};
use crate::text::show;
pub(super) use crate::text::{counted, number};

/// Width of listings.
pub(super) const WIDTH: usize = 80;

/// Returns when the next attempt followed.
pub(super) fn retried(after: Duration) -> String {
    if after.is_zero() {
        "retried at once".to_owned()
    } else {
        format!("retried after {}", show(Some(after)))
    }
}
