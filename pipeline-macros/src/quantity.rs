//! Durations and sizes as people write them: `"30s"`, `"1m 30s"`, `"1.5GiB"`.

use std::time::Duration;

/// A unit: its names, the first of which messages show, and how many of the smallest unit it has.
type Unit = (&'static [&'static str], u128);

const SECOND: u128 = 1_000_000_000;
const TIME: &[Unit] = &[
    (&["ns"], 1),
    // The micro sign and the Greek letter look the same.
    (&["us", "\u{b5}s", "\u{3bc}s"], 1_000),
    (&["ms"], 1_000_000),
    (&["s"], SECOND),
    (&["m"], 60 * SECOND),
    (&["h"], 3_600 * SECOND),
    (&["d"], 86_400 * SECOND),
];
const BYTES: &[Unit] = &[
    (&["B"], 1),
    (&["KB", "kB"], 1_000),
    (&["MB"], 1_000_000),
    (&["GB"], 1_000_000_000),
    (&["KiB"], 1 << 10),
    (&["MiB"], 1 << 20),
    (&["GiB"], 1 << 30),
];

/// Reads a duration such as `100ms` or `1m 30s`; never zero. Below a nanosecond it is cut off.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let nanos = total(text, "a duration", TIME)?;
    let seconds = u64::try_from(nanos / SECOND).map_err(|_| too_large(text))?;
    Ok(Duration::new(seconds, (nanos % SECOND) as u32))
}

/// Reads a size such as `512MiB`, in bytes; never zero. Below a byte it is cut off.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    u64::try_from(total(text, "a size", BYTES)?).map_err(|_| too_large(text))
}

fn total(text: &str, what: &str, units: &[Unit]) -> Result<u128, String> {
    let mut rest = text.trim();
    let mut total = 0_u128;
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit() || c == '.');
        let (unit, after) = split(after.trim_start(), char::is_alphabetic);
        if number.is_empty() {
            return Err(unreadable(text, what, units));
        }
        if unit.is_empty() {
            return Err(format!("`{number}` has no unit: write one of {} after it", names(units)));
        }
        let Some((_, factor)) = units.iter().find(|(names, _)| names.contains(&unit)) else {
            return Err(format!("there is no unit `{unit}` of {what}: write one of {}", names(units)));
        };
        let (digits, scale) = decimal(number).ok_or_else(|| unreadable(text, what, units))?;
        let part = digits.checked_mul(*factor).map(|product| product / scale);
        total = part.and_then(|part| total.checked_add(part)).ok_or_else(|| too_large(text))?;
        rest = after.trim_start();
    }
    match total {
        0 if text.trim().is_empty() => Err(unreadable(text, what, units)),
        0 => Err(format!("{what} cannot be zero here: leave the option out, or write more than nothing")),
        total => Ok(total),
    }
}

/// The digits of a decimal without its point, and by how much they are too large.
fn decimal(number: &str) -> Option<(u128, u128)> {
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || part.is_empty() || part.contains('.') {
        return None;
    }
    let scale = 10_u128.checked_pow(u32::try_from(part.len()).ok()?)?;
    let digits: u128 = whole.parse().ok()?;
    Some((digits.checked_mul(scale)?.checked_add(part.parse().ok()?)?, scale))
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

fn names(units: &[Unit]) -> String {
    let names: Vec<_> = units.iter().map(|(names, _)| format!("`{}`", names[0])).collect();
    names.join(", ")
}

fn unreadable(text: &str, what: &str, units: &[Unit]) -> String {
    let found = if text.trim().is_empty() { "this".to_owned() } else { format!("`{text}`") };
    format!("{found} is not {what}: write a number and one of {}", names(units))
}

fn too_large(text: &str) -> String {
    format!("`{text}` is too large")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_decimals_and_parts() {
        let nanos = |text: &str| duration(text).map(|duration| duration.as_nanos());
        assert_eq!(nanos("7ns"), Ok(7));
        assert_eq!(nanos("5us"), Ok(5_000));
        assert_eq!(nanos("5\u{b5}s"), Ok(5_000));
        assert_eq!(nanos("5\u{3bc}s"), Ok(5_000));
        assert_eq!(nanos("100ms"), Ok(100_000_000));
        assert_eq!(nanos("1.5s"), Ok(1_500_000_000));
        assert_eq!(nanos("0.25ms"), Ok(250_000));
        assert_eq!(nanos("1m 30s"), nanos("90s"));
        assert_eq!(nanos("1h30m"), nanos("90m"));
        assert_eq!(nanos(" 2 d "), nanos("48h"));
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
    }

    #[test]
    fn sizes_are_decimal_or_binary() {
        assert_eq!(size("12B"), Ok(12));
        assert_eq!(size("3KB"), Ok(3_000));
        assert_eq!(size("3kB"), Ok(3_000));
        assert_eq!(size("3KiB"), Ok(3_072));
        assert_eq!(size("512MiB"), Ok(512 << 20));
        assert_eq!(size("1.5GiB"), Ok(3 << 29));
        assert_eq!(size("2 GB"), Ok(2_000_000_000));
        assert_eq!(size("2MB"), Ok(2_000_000));
    }

    #[track_caller]
    fn check_error<T: std::fmt::Debug>(read: Result<T, String>, expected: &str) {
        let message = read.expect_err("what cannot be read");
        assert!(message.contains(expected), "{message}");
    }

    #[test]
    fn what_cannot_be_read_is_explained() {
        check_error(duration(""), "is not a duration");
        check_error(duration("  "), "is not a duration");
        check_error(duration("soon"), "is not a duration");
        check_error(duration("30"), "`30` has no unit");
        check_error(duration("1m 30"), "`30` has no unit");
        check_error(duration("30 sec"), "no unit `sec`");
        check_error(duration("30S"), "no unit `S`");
        check_error(duration("-3s"), "is not a duration");
        check_error(duration("1.2.3s"), "is not a duration");
        check_error(duration(".5s"), "is not a duration");
        check_error(duration("5.s"), "is not a duration");
        check_error(duration("0s"), "cannot be zero");
        check_error(duration("0.1ns"), "cannot be zero");
        check_error(duration("99999999999999999999d"), "too large");
        check_error(size("12"), "has no unit");
        check_error(size("12mb"), "no unit `mb`");
        check_error(size("0B"), "a size cannot be zero");
        check_error(size("99999999999GiB"), "too large");
    }
}
