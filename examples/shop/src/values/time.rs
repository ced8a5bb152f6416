//! Times, days and months, all UTC, from 1970 into the next century.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Timestamp(u32);

/// Days since 1970.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Day(u16);

/// Months since January of year 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Month(u16);

impl Timestamp {
    /// Reads `2025-01-31T23:59:59Z`.
    #[inline]
    pub(crate) fn parse(text: &[u8; 20]) -> Option<Self> {
        let text = digits(text, b"0000-00-00T00:00:00Z")?;
        let day = Day::from_digits(text.first_chunk()?)?;
        let (hour, minute, second) = (number(&text[11..13]), number(&text[14..16]), number(&text[17..19]));
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let time_of_day = (hour * 60 + minute) * 60 + second;
        Some(Self(u32::from(day.0).checked_mul(86_400)?.checked_add(time_of_day)?))
    }

    pub(crate) fn day(self) -> Day {
        Day((self.0 / 86_400) as u16)
    }

    pub(crate) fn plus_seconds(self, seconds: u32) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to this time; `None` if it is later.
    pub(crate) fn seconds_since(self, earlier: Self) -> Option<u32> {
        self.0.checked_sub(earlier.0)
    }
}

impl Day {
    /// Reads `2025-01-31`.
    pub(crate) fn parse(text: &[u8; 10]) -> Option<Self> {
        Self::from_digits(&digits(text, b"0000-00-00")?)
    }

    fn from_digits(text: &[u8; 10]) -> Option<Self> {
        let (year, month, day) = (number(&text[..4]), number(&text[5..7]), number(&text[8..]));
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = match month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            _ => return None,
        };
        if year < 1970 || day < 1 || day > length {
            return None;
        }
        // Counted in years that begin in March, so that a leap day is the last day of its year.
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
        u16::try_from(days - DAYS_TO_1970).ok().map(Self)
    }

    pub(crate) fn days_since(self, earlier: Self) -> usize {
        usize::from(self.0 - earlier.0)
    }

    pub(crate) fn plus(self, days: usize) -> Self {
        Self(self.0 + days as u16)
    }

    pub(crate) fn month(self) -> Month {
        let (year, month, _) = self.civil();
        Month((year * 12 + month - 1) as u16)
    }

    /// Year, month and day of the month, from 1.
    fn civil(self) -> (u32, u32, u32) {
        // The way back from `parse`, by Howard Hinnant's `civil_from_days` for days after year 0.
        let days = u32::from(self.0) + DAYS_TO_1970;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let year = era * 400 + year_of_era;
        if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
    }
}

impl Month {
    /// Months from `earlier` to this one; `None` if it is later.
    pub(crate) fn months_since(self, earlier: Self) -> Option<u16> {
        self.0.checked_sub(earlier.0)
    }

    pub(crate) fn plus(self, months: u16) -> Self {
        Self(self.0 + months)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0 / 12, self.0 % 12 + 1)
    }
}

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: u32 = 719_468;

/// Returns the digits of a text in the given shape: digits where the shape has `0`, otherwise the same bytes.
fn digits<const N: usize>(text: &[u8; N], shape: &[u8; N]) -> Option<[u8; N]> {
    let mut digits = [0; N];
    let mut fits = true;
    for (digit, (byte, shape)) in digits.iter_mut().zip(text.iter().zip(shape)) {
        // `0` is 0x30, so that this leaves the value of a digit, and more than 9 of any other byte.
        *digit = byte ^ shape;
        fits &= *digit <= if *shape == b'0' { 9 } else { 0 };
    }
    fits.then_some(digits)
}

fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |number, digit| number * 10 + u32::from(*digit))
}

#[cfg(test)]
mod tests {
    use super::{Day, Timestamp};

    fn day(text: &str) -> Option<Day> {
        Day::parse(text.as_bytes().try_into().expect("ten bytes"))
    }

    #[test]
    fn every_day_is_read_back_as_it_was_written() {
        for days in 0..=u16::MAX {
            assert_eq!(day(&Day(days).to_string()), Some(Day(days)));
        }
        assert_eq!(Day(0).to_string(), "1970-01-01");
        assert_eq!(Day(20_089).to_string(), "2025-01-01");
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for text in
            ["2025-02-29", "2025-13-01", "2025-04-31", "2025-01-00", "1969-12-31", "2025-1-001", "9999-01-01"]
        {
            assert_eq!(day(text), None, "{text}");
        }
        assert!(day("2024-02-29").is_some());
    }

    #[test]
    fn times_are_seconds_of_their_day() {
        let late = Timestamp::parse(b"2025-01-31T23:59:59Z").expect("a time");
        let early = Timestamp::parse(b"2025-01-31T00:00:01Z").expect("a time");
        assert_eq!(late.seconds_since(early), Some(86_398));
        assert_eq!(early.seconds_since(late), None);
        assert_eq!(late.day().to_string(), "2025-01-31");
        assert_eq!(late.day().month().to_string(), "2025-01");
        assert_eq!(Timestamp::parse(b"2025-01-31T24:00:00Z"), None);
    }
}
