//! A CSV reader for typed rows. Fields are parsed in place from left to right; the common case (no quotes) looks at
//! each byte once. Fields may be quoted as in RFC 4180, but hold no line breaks.

use std::borrow::Cow;
use std::path::Path;

use super::blocks::Blocks;
use super::error::{Expected, InputError, InputErrorKind};
use super::names::{Code, Names};
use super::words::{POWERS_OF_TEN, ShortText, eight_digits, field_length};
use crate::values::{Day, Timestamp};

/// Reads all rows of the file, each made by `parse`, which takes the fields in the order of `columns`.
pub(crate) fn read<T>(
    path: &Path,
    columns: &[&str],
    mut parse: impl FnMut(&mut Row<'_>) -> Result<T, Expected>,
) -> Result<Vec<T>, InputError> {
    let mut blocks = Blocks::open(path).map_err(|error| InputError::io(path, error))?;
    let mut rows = Vec::new();
    let header = columns.join(",");
    let wrong_header = || InputError::at(path, 1, InputErrorKind::Header { expected: header.clone() });
    let mut header_seen = false;
    let file_len = blocks.file_len();
    while let Some(block) = blocks.next().map_err(|error| InputError::io(path, error))? {
        let mut rest = block;
        if !header_seen {
            let after_header =
                block.strip_prefix(header.as_bytes()).and_then(|rest| rest.strip_prefix(b"\n"));
            rest = after_header.ok_or_else(wrong_header)?;
            header_seen = true;
        }
        let first_block = rows.is_empty();
        while !rest.is_empty() {
            let mut row = Row { rest, field: rest, fields: 0, ended: false };
            match parse(&mut row).and_then(|parsed| row.end().map(|()| parsed)) {
                Ok(parsed) => rows.push(parsed),
                Err(expected) => return Err(row.error(path, columns, rows.len(), expected)),
            }
            rest = row.rest;
        }
        if first_block {
            let estimate = rows.len() as u64 * file_len / block.len() as u64;
            rows.reserve(((estimate + estimate / 32) as usize).saturating_sub(rows.len()));
        }
    }
    if header_seen { Ok(rows) } else { Err(wrong_header()) }
}

/// The fields of one row that are still to be read. (Everything that touches it in the usual case is inlined, so that
/// it lives in registers.)
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    /// From the next field on; runs to the end of the block, which ends in `\n`.
    rest: &'a [u8],
    /// From the last field on.
    field: &'a [u8],
    fields: usize,
    /// The last field was ended by the line.
    ended: bool,
}

impl<'a> Row<'a> {
    /// Any text, without its quotes.
    #[inline(always)]
    pub(crate) fn text(&mut self) -> Result<Cow<'a, [u8]>, Expected> {
        self.begin()?;
        if self.rest.first() == Some(&b'"') {
            let (text, length) = unquote(self.rest)?;
            self.advance(length);
            return Ok(text.into());
        }
        let text = unquoted(self.rest);
        self.advance(text.len());
        Ok(text.into())
    }

    /// A text that recurs, as its code.
    #[inline(always)]
    pub(crate) fn code<C: Code>(&mut self, names: &mut Names<C>) -> Result<C, Expected> {
        let length = field_length(self.rest);
        if !self.ended
            && let Some(code) = names.short_code(ShortText::new(self.rest, length))
        {
            self.begin()?;
            self.advance(length);
            return Ok(code);
        }
        names.code(&self.text()?)
    }

    /// A whole number that is not negative.
    #[inline(always)]
    pub(crate) fn uint(&mut self) -> Result<u32, Expected> {
        self.parsed(leading_uint, "a number from 0 to 4294967295")
    }

    #[inline(always)]
    pub(crate) fn int(&mut self) -> Result<i32, Expected> {
        self.parsed(leading_int, "a number from -2147483648 to 2147483647")
    }

    /// Hundredths of a percent, up to the whole.
    #[inline(always)]
    pub(crate) fn basis_points(&mut self) -> Result<u16, Expected> {
        let share = |text: &[u8]| leading_digits(text).filter(|(value, _)| *value <= 10_000);
        self.parsed(
            |text| share(text).map(|(value, length)| (value as u16, length)),
            "a number from 0 to 10000",
        )
    }

    /// An amount with two digits after the point, in cents.
    #[inline(always)]
    pub(crate) fn cents(&mut self) -> Result<u32, Expected> {
        self.parsed(leading_decimal::<2>, "an amount such as 12.30")
    }

    /// A number with six digits after the point, in millionths.
    #[inline(always)]
    pub(crate) fn millionths(&mut self) -> Result<u32, Expected> {
        self.parsed(leading_decimal::<6>, "a number such as 1.082000")
    }

    #[inline(always)]
    pub(crate) fn milliseconds(&mut self) -> Result<i64, Expected> {
        self.parsed(leading_digits, "milliseconds since 1970")
    }

    #[inline(always)]
    pub(crate) fn time(&mut self) -> Result<Timestamp, Expected> {
        self.parsed(
            |text| Some((Timestamp::parse(text.first_chunk()?)?, 20)),
            "a time such as 2025-01-31T23:59:59Z",
        )
    }

    #[inline(always)]
    pub(crate) fn day(&mut self) -> Result<Day, Expected> {
        self.parsed(|text| Some((Day::parse(text.first_chunk()?)?, 10)), "a day such as 2025-01-31")
    }

    /// Returns `None` if the field is `missing`, otherwise the value from `parse`.
    #[inline(always)]
    pub(crate) fn unless<T>(
        &mut self,
        missing: &str,
        parse: impl FnOnce(&mut Self) -> Result<T, Expected>,
    ) -> Result<Option<T>, Expected> {
        let missing = missing.as_bytes();
        if self.rest.starts_with(missing)
            && self.rest.get(missing.len()).is_some_and(ends_field)
            && !self.ended
        {
            self.begin()?;
            self.advance(missing.len());
            return Ok(None);
        }
        if self.rest.starts_with(b"\"") && quoted(self.rest) == Some(missing) {
            return self.text().map(|_| None);
        }
        parse(self).map(Some)
    }

    /// Returns `None` if the field is empty.
    #[inline(always)]
    pub(crate) fn optional<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, Expected>,
    ) -> Result<Option<T>, Expected> {
        self.unless("", parse)
    }

    /// `parse` gives the value at the start of a text and its length; the field must end there.
    #[inline(always)]
    fn parsed<T>(
        &mut self,
        parse: impl Fn(&[u8]) -> Option<(T, usize)>,
        expected: &'static str,
    ) -> Result<T, Expected> {
        self.begin()?;
        if let Some((value, length)) = parse(self.rest)
            && self.rest.get(length).is_some_and(ends_field)
        {
            self.advance(length);
            return Ok(value);
        }
        if self.rest.first() == Some(&b'"') {
            let (text, length) = unquote(self.rest)?;
            if let Some((value, parsed)) = parse(&text)
                && parsed == text.len()
            {
                self.advance(length);
                return Ok(value);
            }
        }
        Err(Expected(expected))
    }

    #[inline(always)]
    fn begin(&mut self) -> Result<(), Expected> {
        self.field = self.rest;
        self.fields += 1;
        if self.ended {
            self.field = b"(end of line)";
            return Err(Expected("a field"));
        }
        Ok(())
    }

    /// Steps over a field of `length` bytes and the `,` or `\n` behind it.
    #[inline(always)]
    fn advance(&mut self, length: usize) {
        self.ended = self.rest[length] == b'\n';
        self.rest = &self.rest[length + 1..];
    }

    #[inline(always)]
    fn end(&mut self) -> Result<(), Expected> {
        if self.ended {
            return Ok(());
        }
        self.field = self.rest;
        self.fields += 1;
        Err(Expected("the end of the line"))
    }

    #[cold]
    fn error(self, path: &Path, columns: &[&str], rows: usize, Expected(expected): Expected) -> InputError {
        let column = match columns.get(self.fields - 1) {
            Some(column) => format!("column {column}"),
            None => format!("after column {}", columns[columns.len() - 1]),
        };
        let found = String::from_utf8_lossy(unquoted(self.field)).into_owned();
        // The header is line 1, and the rows before this one follow it.
        InputError::at(path, rows as u64 + 2, InputErrorKind::Field { column, expected, found })
    }
}

fn ends_field(byte: &u8) -> bool {
    matches!(byte, b',' | b'\n')
}

fn unquoted(text: &[u8]) -> &[u8] {
    &text[..field_length(text)]
}

/// The text of a quoted field, and its length with the quotes.
#[cold]
fn unquote(field: &[u8]) -> Result<(Vec<u8>, usize), Expected> {
    let mut text = Vec::new();
    let mut at = 1;
    loop {
        match field[at] {
            b'"' if field[at + 1] == b'"' => at += 1,
            b'"' if ends_field(&field[at + 1]) => return Ok((text, at + 1)),
            b'"' | b'\n' => return Err(Expected("a closing quote")),
            _ => {}
        }
        text.push(field[at]);
        at += 1;
    }
}

/// The text between the quotes of a field that has no quotes inside.
fn quoted(text: &[u8]) -> Option<&[u8]> {
    let inner = &text[1..];
    inner.iter().position(|&byte| byte == b'"').map(|length| &inner[..length])
}

fn leading_digits(text: &[u8]) -> Option<(i64, usize)> {
    let (mut value, mut length) = eight_digits(text);
    if length == 8 {
        let (more, digits) = eight_digits(&text[8..]);
        value = value * POWERS_OF_TEN[digits] + more;
        length += digits;
        if digits == 8 && text.get(16).is_some_and(u8::is_ascii_digit) {
            return None; // No column has numbers this long.
        }
    }
    (length > 0).then_some((value as i64, length))
}

fn leading_uint(text: &[u8]) -> Option<(u32, usize)> {
    let (value, length) = leading_digits(text)?;
    Some((u32::try_from(value).ok()?, length))
}

fn leading_int(text: &[u8]) -> Option<(i32, usize)> {
    match text.strip_prefix(b"-") {
        Some(text) => {
            leading_digits(text).and_then(|(value, length)| Some(((-value).try_into().ok()?, length + 1)))
        }
        None => leading_digits(text).and_then(|(value, length)| Some((value.try_into().ok()?, length))),
    }
}

fn leading_decimal<const DIGITS: usize>(text: &[u8]) -> Option<(u32, usize)> {
    let (whole, point) = leading_digits(text)?;
    let fraction = text.get(point + 1..point + 1 + DIGITS)?;
    if text[point] != b'.' {
        return None;
    }
    let mut value = whole;
    for byte in fraction {
        value = value.checked_mul(10)? + i64::from(char::from(*byte).to_digit(10)?);
    }
    Some((u32::try_from(value).ok()?, point + 1 + DIGITS))
}
