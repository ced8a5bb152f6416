//! Writes the wire format of `postcard`, only what can be read back.
//!
//! The format has neither names nor kinds, so a type whose `Serialize` and `Deserialize` do not fit each other would be read
//! as another value. A field that is left out is seen at once. For all else, a sample of the value is read back first: the
//! whole value, but only the beginning of long lists and texts.

use std::fmt;
use std::io::{self, Write};

use serde::ser::{self, Serialize, Serializer};

use super::decode::{self, MOST_EMPTY, MOST_LEVELS};
use crate::contain;

/// Writes a value.
pub(super) fn to_writer<T>(value: &T, out: &mut dyn Write) -> Result<(), Error>
where
    T: Serialize + serde::Deserialize<'static>,
{
    let (sample, is_whole) = encode(value, &SAMPLE, None)?;
    let read = decode::from_slice::<T>(&sample);
    if is_whole {
        read.map_err(does_not_fit)?;
        return Ok(out.write_all(&sample)?);
    }
    if read.is_ok() {
        drop((read, sample));
        encode(value, &WHOLE, Some(out))?;
        return Ok(());
    }
    // The type may compare lengths, which the sample has changed.
    let (whole, _) = encode(value, &WHOLE, None)?;
    decode::from_slice::<T>(&whole).map_err(does_not_fit)?;
    Ok(out.write_all(&whole)?)
}

#[cold]
fn does_not_fit(error: decode::Error) -> Error {
    Error::Refused(format!("what its `Serialize` writes, its `Deserialize` cannot read: {error}"))
}

/// Encodes what is within the bounds. Returns what was not written yet, and whether that is the whole value.
fn encode<T: Serialize>(
    value: &T,
    bounds: &'static Bounds,
    out: Option<&mut dyn Write>,
) -> Result<(Vec<u8>, bool), Error> {
    let mut encoder = Encoder {
        bytes: Vec::new(),
        out,
        flushed: 0,
        levels: MOST_LEVELS,
        empty: MOST_EMPTY,
        bounds,
        is_whole: true,
    };
    value.serialize(&mut encoder)?;
    if encoder.out.is_some() {
        encoder.flush()?;
    }
    Ok((encoder.bytes, encoder.is_whole))
}

/// How much of a value is written.
struct Bounds {
    elements: usize,
    text: usize,
}

const WHOLE: Bounds = Bounds { elements: usize::MAX, text: usize::MAX };
const SAMPLE: Bounds = Bounds { elements: 16, text: 4096 };

/// Number of bytes that are written at once.
const CHUNK: usize = 64 * 1024;

#[derive(Debug)]
pub(super) enum Error {
    /// Why the value cannot be stored.
    Refused(String),
    Io(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Refused(why) => f.write_str(why),
            Error::Io(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Error::Io(error)
    }
}

impl ser::Error for Error {
    #[cold]
    fn custom<T: fmt::Display>(why: T) -> Self {
        Error::Refused(contain::display(&why))
    }
}

#[cold]
fn refuse<T>(why: impl Into<String>) -> Result<T, Error> {
    Err(Error::Refused(why.into()))
}

struct Encoder<'w> {
    bytes: Vec<u8>,
    /// Where full chunks are written; without it, all bytes are kept.
    out: Option<&'w mut dyn Write>,
    flushed: usize,
    levels: u32,
    empty: usize,
    bounds: &'static Bounds,
    is_whole: bool,
}

impl Encoder<'_> {
    #[inline]
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    fn long_number(&mut self, mut number: u128) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    #[inline]
    fn signed(&mut self, number: i64) {
        self.number((number << 1 ^ number >> 63).cast_unsigned());
    }

    fn part(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.number(bytes.len() as u64);
        if bytes.len() >= CHUNK {
            self.flush()?;
            if let Some(out) = &mut self.out {
                out.write_all(bytes)?;
                self.flushed += bytes.len();
                return Ok(());
            }
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        if let Some(out) = &mut self.out {
            out.write_all(&self.bytes)?;
            self.flushed += self.bytes.len();
            self.bytes.clear();
        }
        Ok(())
    }

    #[inline]
    fn enter(&mut self) -> Result<(), Error> {
        match self.levels.checked_sub(1) {
            Some(levels) => self.levels = levels,
            None => return refuse("it is nested more than 128 levels deep"),
        }
        Ok(())
    }

    #[inline]
    fn within(&mut self, write: impl FnOnce(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        self.enter()?;
        write(self)?;
        self.levels += 1;
        Ok(())
    }
}

/// A list or a map, of a length that is written first.
struct List<'a, 'w> {
    encoder: &'a mut Encoder<'w>,
    /// Number of elements to come.
    left: usize,
    /// That many of the last are left out.
    cut: usize,
}

impl<'a, 'w> List<'a, 'w> {
    fn new(encoder: &'a mut Encoder<'w>, length: Option<usize>) -> Result<Self, Error> {
        let Some(left) = length else {
            return refuse(
                "its `Serialize` does not say how many elements it writes: give the step a `codec`",
            );
        };
        let cut = left.saturating_sub(encoder.bounds.elements);
        encoder.is_whole &= cut == 0;
        encoder.enter()?;
        encoder.number((left - cut) as u64);
        Ok(List { encoder, left, cut })
    }

    #[inline]
    fn next(&mut self, write: impl FnOnce(&mut Encoder<'w>) -> Result<(), Error>) -> Result<(), Error> {
        let Some(left) = self.left.checked_sub(1) else { return refuse(MISCOUNTED) };
        self.left = left;
        if left < self.cut {
            return Ok(());
        }
        let before = self.encoder.flushed + self.encoder.bytes.len();
        write(self.encoder)?;
        if self.encoder.flushed + self.encoder.bytes.len() == before {
            match self.encoder.empty.checked_sub(1) {
                Some(empty) => self.encoder.empty = empty,
                None => return refuse("it has more than 65536 elements that take no bytes"),
            }
        }
        if self.encoder.bytes.len() >= CHUNK { self.encoder.flush() } else { Ok(()) }
    }

    fn finish(self) -> Result<(), Error> {
        if self.left > 0 {
            return refuse(MISCOUNTED);
        }
        self.encoder.levels += 1;
        Ok(())
    }
}

const MISCOUNTED: &str = "its `Serialize` writes another number of elements than it says";

impl ser::SerializeSeq for List<'_, '_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.next(|encoder| value.serialize(encoder))
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}

impl ser::SerializeMap for List<'_, '_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.next(|encoder| key.serialize(encoder))
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        if self.left < self.cut { Ok(()) } else { value.serialize(&mut *self.encoder) }
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}

/// The parts of a tuple or struct, of a number that its type knows.
struct Parts<'a, 'w>(&'a mut Encoder<'w>);

macro_rules! parts {
    ($($part:ident { $method:ident $(($key:ident))? })*) => {
        $(impl ser::$part for Parts<'_, '_> {
            type Ok = ();
            type Error = Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, $($key: &'static str,)? value: &T) -> Result<(), Error> {
                value.serialize(&mut *self.0)
            }

            $(
                #[cold]
                fn skip_field(&mut self, $key: &'static str) -> Result<(), Error> {
                    refuse(format!("its field `{}` is left out (`skip_serializing_if`), and stored bytes do not \
                        say which fields they have: write each", $key))
                }
            )?

            #[inline]
            fn end(self) -> Result<(), Error> {
                self.0.levels += 1;
                Ok(())
            }
        })*
    };
}

parts! {
    SerializeTuple { serialize_element }
    SerializeTupleStruct { serialize_field }
    SerializeTupleVariant { serialize_field }
    SerializeStruct { serialize_field(_key) }
    SerializeStructVariant { serialize_field(_key) }
}

macro_rules! write {
    ($($method:ident($ty:ty) => |$to:ident, $value:ident| $write:expr;)*) => {
        $(#[inline]
        fn $method(self, $value: $ty) -> Result<(), Error> {
            let $to = self;
            $write;
            Ok(())
        })*
    };
}

impl<'a, 'w> Serializer for &'a mut Encoder<'w> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = List<'a, 'w>;
    type SerializeTuple = Parts<'a, 'w>;
    type SerializeTupleStruct = Parts<'a, 'w>;
    type SerializeTupleVariant = Parts<'a, 'w>;
    type SerializeMap = List<'a, 'w>;
    type SerializeStruct = Parts<'a, 'w>;
    type SerializeStructVariant = Parts<'a, 'w>;

    write! {
        serialize_bool(bool) => |to, value| to.bytes.push(value.into());
        serialize_i8(i8) => |to, value| to.bytes.push(value.cast_unsigned());
        serialize_i16(i16) => |to, value| to.signed(value.into());
        serialize_i32(i32) => |to, value| to.signed(value.into());
        serialize_i64(i64) => |to, value| to.signed(value);
        serialize_i128(i128) => |to, value| to.long_number((value << 1 ^ value >> 127).cast_unsigned());
        serialize_u8(u8) => |to, value| to.bytes.push(value);
        serialize_u16(u16) => |to, value| to.number(value.into());
        serialize_u32(u32) => |to, value| to.number(value.into());
        serialize_u64(u64) => |to, value| to.number(value);
        serialize_u128(u128) => |to, value| to.long_number(value);
        serialize_f32(f32) => |to, value| to.bytes.extend_from_slice(&value.to_le_bytes());
        serialize_f64(f64) => |to, value| to.bytes.extend_from_slice(&value.to_le_bytes());
        serialize_char(char) => |to, value| to.part(value.encode_utf8(&mut [0; 4]).as_bytes())?;
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        let cut = &value[..value.floor_char_boundary(self.bounds.text)];
        self.is_whole &= cut.len() == value.len();
        self.part(cut.as_bytes())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        let cut = &value[..value.len().min(self.bounds.text)];
        self.is_whole &= cut.len() == value.len();
        self.part(cut)
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Error> {
        self.bytes.push(0);
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.bytes.push(1);
        self.within(|encoder| value.serialize(encoder))
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Error> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<(), Error> {
        self.within(|encoder| {
            encoder.number(index.into());
            Ok(())
        })
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.within(|encoder| value.serialize(encoder))
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.within(|encoder| {
            encoder.number(index.into());
            value.serialize(encoder)
        })
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<List<'a, 'w>, Error> {
        List::new(self, length)
    }

    #[inline]
    fn serialize_tuple(self, _: usize) -> Result<Parts<'a, 'w>, Error> {
        self.enter()?;
        Ok(Parts(self))
    }

    #[inline]
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'a, 'w>, Error> {
        self.enter()?;
        Ok(Parts(self))
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Parts<'a, 'w>, Error> {
        self.enter()?;
        self.number(index.into());
        Ok(Parts(self))
    }

    fn serialize_map(self, length: Option<usize>) -> Result<List<'a, 'w>, Error> {
        List::new(self, length)
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'a, 'w>, Error> {
        self.enter()?;
        Ok(Parts(self))
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Parts<'a, 'w>, Error> {
        self.enter()?;
        self.number(index.into());
        Ok(Parts(self))
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }
}
