//! Looks at eight bytes of a text at a time. Most fields are shorter than that, and of no predictable length: a loop
//! over their bytes would spend its time on mispredicted branches.

pub(super) const POWERS_OF_TEN: [u64; 9] =
    [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// The same byte eight times.
const fn all(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The first eight bytes of the text, the first one lowest; zeros follow a shorter text.
fn first_word(text: &[u8]) -> u64 {
    if let Some(word) = text.first_chunk() {
        return u64::from_le_bytes(*word);
    }
    let mut word = [0; 8];
    word[..text.len()].copy_from_slice(text);
    u64::from_le_bytes(word)
}

/// The value of the digits at the start of the text, and their number: eight at most.
pub(super) fn eight_digits(text: &[u8]) -> (u64, usize) {
    let word = first_word(text);
    // A digit has 3 in its upper half, and still has it when 6 is added.
    let upper = all(0xF0);
    let no_digit = (word & upper | (word.wrapping_add(all(6)) & upper) >> 4) ^ all(0x33);
    let length = no_digit.trailing_zeros() as usize / 8;
    if length == 0 {
        return (0, 0);
    }
    // Shifted up, so that zeros lead; then neighbours are joined to numbers of two, four and eight digits.
    let digits = (word << (64 - 8 * length)) & all(0x0F);
    let pairs = (digits * 10 + (digits >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_FFFF_0000_FFFF;
    let value = (fours * 10_000 + (fours >> 32)) & 0xFFFF_FFFF;
    (value, length)
}

/// How many bytes there are before the first `,` or line end, or in all if there is none.
pub(super) fn field_length(text: &[u8]) -> usize {
    let mut length = 0;
    while let Some(word) = text[length..].first_chunk() {
        let word = u64::from_le_bytes(*word);
        let ends = zero_bytes(word ^ all(b',')) | zero_bytes(word ^ all(b'\n'));
        if ends != 0 {
            return length + ends.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    let rest = text[length..].iter().position(|byte| matches!(byte, b',' | b'\n'));
    rest.map_or(text.len(), |rest| length + rest)
}

/// A text of at most seven bytes in one word: the last byte of it is the length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ShortText(u64);

impl ShortText {
    /// The first `length` bytes of the text, if they are few enough.
    #[inline(always)]
    pub(super) fn new(text: &[u8], length: usize) -> Option<Self> {
        let unwanted_bits = 64_u32.checked_sub(8 * length as u32).filter(|bits| (8..64).contains(bits))?;
        let bytes = first_word(text) << unwanted_bits >> unwanted_bits;
        Some(Self(bytes | (length as u64) << 56))
    }
}

/// Has the top bit of each byte that is zero. (Bytes above the first such may be marked wrongly.)
#[inline(always)]
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(all(1)) & !word & all(0x80)
}

#[cfg(test)]
mod tests {
    use super::{eight_digits, field_length};

    #[test]
    fn digits_are_read_up_to_the_first_other_byte() {
        for (text, value, length) in [
            ("", 0, 0),
            ("x", 0, 0),
            ("7", 7, 1),
            ("7,8", 7, 1),
            ("1234567,", 1_234_567, 7),
            ("12345678,", 12_345_678, 8),
            ("123456789", 12_345_678, 8),
            ("00001:23", 1, 5),
            ("12/34567", 12, 2),
            ("é1234567", 0, 0),
            ("99é99999", 99, 2),
        ] {
            assert_eq!(eight_digits(text.as_bytes()), (value, length), "{text}");
        }
    }

    #[test]
    fn a_field_ends_at_the_first_comma_or_line_end() {
        for (text, length) in
            [("", 0), (",", 0), ("ab\n,", 2), ("-,", 1), ("abcdefgh", 8), ("abcdefghi,jklmnopqr", 9)]
        {
            assert_eq!(field_length(text.as_bytes()), length, "{text}");
        }
    }
}
