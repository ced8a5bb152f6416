//! Reads the wire format of `postcard`, from bytes that nobody vouches for.
//!
//! No value borrows from the bytes. What is nested too deeply, what claims more elements than its bytes can hold, and what
//! leaves bytes over, is an error. No error quotes a value.

use std::fmt;

use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use crate::probe::NOT_DESCRIBED;

/// Maximum number of lists, objects, options and the like within each other.
pub(super) const MOST_LEVELS: u32 = 128;

/// Maximum number of elements of lists that take no bytes.
pub(super) const MOST_EMPTY: usize = 65_536;

/// Reads a value from all of the bytes.
pub(crate) fn from_slice<T: Deserialize<'static>>(bytes: &[u8]) -> Result<T, Error> {
    let mut decoder = Decoder { bytes, levels: MOST_LEVELS, empty: MOST_EMPTY };
    let value = T::deserialize(&mut decoder)?;
    if decoder.bytes.is_empty() { Ok(value) } else { failed("there are bytes after its end") }
}

/// Why bytes are not a value of the type: of one word, so that results fit into registers. It does not have the value.
#[derive(Debug)]
#[allow(clippy::box_collection, reason = "a box of text has two words")]
pub(crate) struct Error(Box<String>);

const END: &str = "it ends too early";
const TOO_MANY: &str = "it claims more elements than it has";
const TOO_DEEP: &str = "it is nested more than 128 levels deep";
const TOO_LARGE: &str = "a number is too large for its type";

#[cold]
fn error(why: &str) -> Error {
    Error(Box::new(why.to_owned()))
}

#[cold]
fn failed<T>(why: &str) -> Result<T, Error> {
    Err(error(why))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// serde's messages quote values: they are replaced.
impl de::Error for Error {
    #[cold]
    fn custom<T: fmt::Display>(_: T) -> Self {
        error("its own `Deserialize` refuses it")
    }

    #[cold]
    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        error(&format!("expected {expected}"))
    }

    #[cold]
    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        error(&format!("expected {expected}"))
    }

    #[cold]
    fn invalid_length(length: usize, expected: &dyn de::Expected) -> Self {
        error(&format!("expected {expected}, not {length} elements"))
    }
}

struct Decoder<'b> {
    bytes: &'b [u8],
    /// How many more levels may be nested.
    levels: u32,
    /// How many more elements may take no bytes.
    empty: usize,
}

impl<'b> Decoder<'b> {
    #[inline]
    fn byte(&mut self) -> Result<u8, Error> {
        let (&byte, rest) = self.bytes.split_first().ok_or_else(|| error(END))?;
        self.bytes = rest;
        Ok(byte)
    }

    #[inline]
    fn take(&mut self, length: usize) -> Result<&'b [u8], Error> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or_else(|| error(END))?;
        self.bytes = rest;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or_else(|| error(END))?;
        self.bytes = rest;
        Ok(*taken)
    }

    /// Reads a number of at most so many bytes, in groups of seven bits, the lowest first; all bytes but the last have the
    /// highest bit set.
    #[inline]
    fn number<const MOST: usize>(&mut self) -> Result<u64, Error> {
        let mut number = 0;
        for (at, byte) in self.bytes.iter().enumerate().take(MOST) {
            number |= u64::from(byte & 0x7f) << (7 * at);
            if *byte < 0x80 {
                self.bytes = &self.bytes[at + 1..];
                // Of the tenth byte, only the lowest bit has room.
                return if at == 9 && *byte > 1 { failed(TOO_LARGE) } else { Ok(number) };
            }
        }
        failed(if self.bytes.len() < MOST { END } else { TOO_LARGE })
    }

    fn longest_number(&mut self) -> Result<u128, Error> {
        let mut number = 0;
        for shift in (0..u128::BITS).step_by(7) {
            let byte = self.byte()?;
            let group = u128::from(byte & 0x7f);
            if group << shift >> shift != group {
                return failed(TOO_LARGE);
            }
            number |= group << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        failed(TOO_LARGE)
    }

    #[inline]
    fn number_as<N: TryFrom<u64>, const MOST: usize>(&mut self) -> Result<N, Error> {
        N::try_from(self.number::<MOST>()?).map_err(|_| error(TOO_LARGE))
    }

    /// Reads a number whose sign is its lowest bit.
    #[inline]
    fn signed<N: TryFrom<i64>, const MOST: usize>(&mut self) -> Result<N, Error> {
        let number = self.number::<MOST>()?;
        let number = (number >> 1).cast_signed() ^ -(number & 1).cast_signed();
        N::try_from(number).map_err(|_| error(TOO_LARGE))
    }

    #[inline]
    fn size(&mut self) -> Result<usize, Error> {
        self.number_as::<_, 10>()
    }

    #[inline]
    fn part(&mut self) -> Result<&'b [u8], Error> {
        let length = self.size()?;
        self.take(length)
    }

    #[inline]
    fn text(&mut self) -> Result<&'b str, Error> {
        str::from_utf8(self.part()?).map_err(|_| error("a text is not UTF-8"))
    }

    /// Reads the number of elements of a list, each of which takes a byte if it takes any.
    #[inline]
    fn length(&mut self) -> Result<usize, Error> {
        let length = self.size()?;
        if length > self.bytes.len().saturating_add(self.empty) {
            return failed(TOO_MANY);
        }
        Ok(length)
    }

    #[inline]
    fn within<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        self.levels = self.levels.checked_sub(1).ok_or_else(|| error(TOO_DEEP))?;
        let value = read(self)?;
        self.levels += 1;
        Ok(value)
    }

    #[inline]
    fn parts<V: Visitor<'static>>(&mut self, left: usize, visitor: V) -> Result<V::Value, Error> {
        self.within(|decoder| visitor.visit_seq(Parts { decoder, left }))
    }
}

/// The parts of a tuple or struct that are left, of a number that its type knows.
struct Parts<'a, 'b> {
    decoder: &'a mut Decoder<'b>,
    left: usize,
}

impl SeqAccess<'static> for Parts<'_, '_> {
    type Error = Error;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'static>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(&mut *self.decoder).map(Some)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.left.min(self.decoder.bytes.len()))
    }
}

/// The elements of a list, or the entries of a map, that are left, of a number that the bytes claim.
struct Elements<'a, 'b> {
    decoder: &'a mut Decoder<'b>,
    left: usize,
}

impl Elements<'_, '_> {
    #[inline]
    fn next<T>(
        &mut self,
        read: impl FnOnce(&mut Decoder<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        let before = self.decoder.bytes.len();
        let element = read(self.decoder)?;
        if self.decoder.bytes.len() == before {
            self.decoder.empty = self.decoder.empty.checked_sub(1).ok_or_else(|| error(TOO_MANY))?;
        }
        Ok(Some(element))
    }

    /// No more than there are bytes, because memory is reserved for so many.
    #[inline]
    fn hint(&self) -> usize {
        self.left.min(self.decoder.bytes.len())
    }
}

impl SeqAccess<'static> for Elements<'_, '_> {
    type Error = Error;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'static>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        self.next(|decoder| seed.deserialize(decoder))
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.hint())
    }
}

impl MapAccess<'static> for Elements<'_, '_> {
    type Error = Error;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'static>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        self.next(|decoder| seed.deserialize(decoder))
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'static>>(&mut self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(&mut *self.decoder)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.hint())
    }
}

macro_rules! read {
    ($($method:ident => $visit:ident($value:expr);)*) => {
        $(#[inline]
        fn $method<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Error> {
            let read: fn(&mut Decoder<'_>) -> Result<_, Error> = $value;
            visitor.$visit(read(self)?)
        })*
    };
}

macro_rules! not_described {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'static>>(self, _: V) -> Result<V::Value, Error> {
            failed(NOT_DESCRIBED)
        })*
    };
}

impl Deserializer<'static> for &mut Decoder<'_> {
    type Error = Error;

    read! {
        deserialize_bool => visit_bool(|from| match from.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => failed("a `bool` is neither 0 nor 1"),
        });
        deserialize_i8 => visit_i8(|from| Ok(from.byte()?.cast_signed()));
        deserialize_i16 => visit_i16(|from| from.signed::<_, 3>());
        deserialize_i32 => visit_i32(|from| from.signed::<_, 5>());
        deserialize_i64 => visit_i64(|from| from.signed::<_, 10>());
        deserialize_i128 => visit_i128(|from| {
            let number = from.longest_number()?;
            Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
        });
        deserialize_u8 => visit_u8(|from| from.byte());
        deserialize_u16 => visit_u16(|from| from.number_as::<_, 3>());
        deserialize_u32 => visit_u32(|from| from.number_as::<_, 5>());
        deserialize_u64 => visit_u64(|from| from.number::<10>());
        deserialize_u128 => visit_u128(|from| from.longest_number());
        deserialize_f32 => visit_f32(|from| from.array().map(f32::from_le_bytes));
        deserialize_f64 => visit_f64(|from| from.array().map(f64::from_le_bytes));
        deserialize_char => visit_char(|from| {
            let mut chars = from.text()?.chars();
            let char = chars.next().filter(|_| chars.next().is_none());
            char.ok_or_else(|| error("a `char` is not one"))
        });
    }

    not_described! { deserialize_any deserialize_identifier deserialize_ignored_any }

    #[inline]
    fn deserialize_str<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.text()?)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.text()?)
    }

    #[inline]
    fn deserialize_bytes<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bytes(self.part()?)
    }

    #[inline]
    fn deserialize_byte_buf<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bytes(self.part()?)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.byte()? {
            0 => visitor.visit_none(),
            1 => self.within(|decoder| visitor.visit_some(decoder)),
            _ => failed("an `Option` is neither 0 nor 1"),
        }
    }

    #[inline]
    fn deserialize_unit<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'static>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'static>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.within(|decoder| visitor.visit_newtype_struct(decoder))
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Error> {
        let left = self.length()?;
        self.within(|decoder| visitor.visit_seq(Elements { decoder, left }))
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'static>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.parts(length, visitor)
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'static>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.parts(length, visitor)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Error> {
        let left = self.length()?;
        self.within(|decoder| visitor.visit_map(Elements { decoder, left }))
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'static>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.parts(fields.len(), visitor)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'static>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.within(|decoder| visitor.visit_enum(decoder))
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }
}

impl EnumAccess<'static> for &mut Decoder<'_> {
    type Error = Error;
    type Variant = Self;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'static>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let index = self.number_as::<u32, 5>()?;
        let variant = seed.deserialize(de::value::U32Deserializer::<Error>::new(index))?;
        Ok((variant, self))
    }
}

impl VariantAccess<'static> for &mut Decoder<'_> {
    type Error = Error;

    #[inline]
    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'static>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self)
    }

    #[inline]
    fn tuple_variant<V: Visitor<'static>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Parts { decoder: self, left: length })
    }

    #[inline]
    fn struct_variant<V: Visitor<'static>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(Parts { decoder: self, left: fields.len() })
    }
}
