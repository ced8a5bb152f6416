//! Texts that fit a terminal: measured in columns, without control characters.

mod fit;
mod lists;
mod wrap;

use std::time::{Duration, SystemTime};

pub(super) use self::fit::{block, cut, fit, one_line, pad, width};
pub(super) use self::lists::listed;
pub(super) use self::wrap::{paragraph, wrapped};
use crate::text::show;
pub(super) use crate::text::{counted, number};
use crate::timing::unix_ms;

/// Width of listings.
pub(super) const WIDTH: usize = 80;

/// Returns how much faster something is, or how much slower: `1.13 × faster`, `1.67 × slower`.
pub(super) fn times_faster(speed_up: f64) -> String {
    // A ratio of 1.00 is not slower.
    if speed_up > 0.0 && speed_up < 0.995 {
        format!("{:.2} × slower", 1.0 / speed_up)
    } else {
        format!("{speed_up:.2} × faster")
    }
}

/// Returns how long ago something was, by the clock of this machine: `45 s`, `12 min`, `3 h`, `8 d`.
pub(super) fn age(then_unix_ms: u64) -> String {
    ago(unix_ms(SystemTime::now()).saturating_sub(then_unix_ms))
}

fn ago(ms: u64) -> String {
    match ms / 1_000 {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds @ 3_600..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", number(seconds / 86_400)),
    }
}

/// Returns when the next attempt followed.
pub(super) fn retried(after: Duration) -> String {
    if after.is_zero() {
        "retried at once".to_owned()
    } else {
        format!("retried after {}", show(Some(after)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_one_unit() {
        let said = [0, 59_999, 60_000, 3_600_000, 172_799_999, 172_800_000].map(ago);
        assert_eq!(said, ["0 s", "59 s", "1 min", "1 h", "47 h", "2 d"]);
    }

    #[test]
    fn a_speed_up_below_one_is_slower() {
        let said = [0.0, 0.5, 0.994, 0.996, 1.0, 2.345].map(times_faster);
        let wanted = [
            "0.00 × faster",
            "2.00 × slower",
            "1.01 × slower",
            "1.00 × faster",
            "1.00 × faster",
            "2.35 × faster",
        ];
        assert_eq!(said, wanted);
    }
}
