//! Builds a line of text from its fields: formatting with `write!` would take most of the time.

use std::io::{self, Write};

/// 2025-01-01, in seconds since 1970.
pub(super) const START: u64 = 1_735_689_600;
pub(super) const DAY: u64 = 86_400;
/// The files cover this number of seconds from [`START`].
pub(super) const SPAN: u64 = 181 * DAY;

#[derive(Default)]
pub(super) struct Line {
    bytes: Vec<u8>,
    digits: itoa::Buffer,
}

impl Line {
    pub(super) fn new() -> Self {
        Self { bytes: Vec::new(), digits: itoa::Buffer::new() }
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes.extend_from_slice(text.as_bytes());
        self
    }

    pub(super) fn number(&mut self, number: impl itoa::Integer) -> &mut Self {
        self.bytes.extend_from_slice(self.digits.format(number).as_bytes());
        self
    }

    /// A number with leading zeros, `width` digits or more.
    pub(super) fn padded(&mut self, number: u64, width: usize) -> &mut Self {
        let digits = self.digits.format(number).as_bytes();
        self.bytes.extend(std::iter::repeat_n(b'0', width.saturating_sub(digits.len())));
        self.bytes.extend_from_slice(digits);
        self
    }

    /// An amount in units, with two digits after the point.
    pub(super) fn money(&mut self, cents: u64) -> &mut Self {
        self.number(cents / 100).text(".").padded(cents % 100, 2)
    }

    /// `2025-01-31`.
    pub(super) fn day(&mut self, seconds: u64) -> &mut Self {
        let (year, month, day) = civil(seconds / DAY);
        self.padded(year, 4).text("-").padded(month, 2).text("-").padded(day, 2)
    }

    /// `2025-01-31T23:59:59Z`.
    pub(super) fn time(&mut self, seconds: u64) -> &mut Self {
        let of_day = seconds % DAY;
        self.day(seconds).text("T").padded(of_day / 3600, 2).text(":");
        self.padded(of_day / 60 % 60, 2).text(":").padded(of_day % 60, 2).text("Z")
    }

    /// Writes the line, and begins the next one.
    pub(super) fn end(&mut self, file: &mut dyn Write) -> io::Result<()> {
        self.bytes.push(b'\n');
        file.write_all(&self.bytes)?;
        self.bytes.clear();
        Ok(())
    }
}

/// Year, month and day of a day counted from 1970-01-01.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let (year, day) = (year_of_era + era * 400, of_year - (153 * month + 2) / 5 + 1);
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}
