//! Values as JSON that reads back as the same value.
//!
//! `serde_json` writes infinity and NaN as `null`, `Some(None)` and `Some(())` as it writes `None`, and nests deeper than it
//! reads. [`Exact`] is a serializer in front of that of `serde_json`: it refuses these, and passes on all else.

use serde::ser::{self, Serialize, Serializer};

/// Maximum number of lists and objects within each other that `serde_json` reads from text.
#[cfg(feature = "outputs")]
const MOST_LEVELS: u32 = 127;

/// A value to be written exactly.
pub(crate) struct Exactly<'a, T: ?Sized> {
    value: &'a T,
    place: Place,
}

/// The place of a value in the document.
#[derive(Clone, Copy)]
struct Place {
    /// How many more levels may be nested here.
    levels: u32,
    /// Whether the value is in a `Some`, where `null` would be read as `None`.
    is_some: bool,
}

/// The serializer of the value at a place.
pub(crate) struct Exact<S> {
    to: S,
    place: Place,
}

impl<'a, T: ?Sized> Exactly<'a, T> {
    /// For a value that stays in memory: it may be nested to any depth.
    pub(crate) fn in_memory(value: &'a T) -> Self {
        Exactly { value, place: Place { levels: u32::MAX, is_some: false } }
    }

    /// For a value that is written as text.
    #[cfg(feature = "outputs")]
    pub(crate) fn as_text(value: &'a T) -> Self {
        Exactly { value, place: Place { levels: MOST_LEVELS, is_some: false } }
    }
}

impl<T: Serialize + ?Sized> Serialize for Exactly<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Exact { to, place: self.place })
    }
}

impl Place {
    /// Returns the place of the parts of a value that nests `levels` deep.
    fn inner<E: ser::Error>(self, levels: u32) -> Result<Place, E> {
        match self.levels.checked_sub(levels) {
            Some(levels) => Ok(Place { levels, is_some: false }),
            None => Err(E::custom("it is nested too deeply to be read from JSON")),
        }
    }

    /// Refuses a value that JSON writes as `null`, if that would be read as `None`.
    fn check_null<E: ser::Error>(self) -> Result<(), E> {
        if self.is_some {
            return Err(E::custom("JSON cannot tell a `Some` that holds nothing from `None`"));
        }
        Ok(())
    }
}

fn check_finite<E: ser::Error>(number: f64) -> Result<(), E> {
    if number.is_finite() {
        return Ok(());
    }
    Err(E::custom(if number.is_nan() { "JSON has no NaN" } else { "JSON has no infinite number" }))
}

macro_rules! passed_on {
    ($($method:ident($ty:ty);)*) => {
        $(fn $method(self, value: $ty) -> Result<S::Ok, S::Error> {
            self.to.$method(value)
        })*
    };
}

/// The methods that begin a list or an object.
macro_rules! nested {
    ($($method:ident($($name:ident: $ty:ty),*) -> $compound:ident, $levels:literal;)*) => {
        $(fn $method(self, $($name: $ty),*) -> Result<Self::$compound, S::Error> {
            let place = self.place.inner($levels)?;
            Ok(Exact { to: self.to.$method($($name),*)?, place })
        })*
    };
}

impl<S: Serializer> Serializer for Exact<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Exact<S::SerializeSeq>;
    type SerializeTuple = Exact<S::SerializeTuple>;
    type SerializeTupleStruct = Exact<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Exact<S::SerializeTupleVariant>;
    type SerializeMap = Exact<S::SerializeMap>;
    type SerializeStruct = Exact<S::SerializeStruct>;
    type SerializeStructVariant = Exact<S::SerializeStructVariant>;

    passed_on! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
    }

    nested! {
        serialize_seq(len: Option<usize>) -> SerializeSeq, 1;
        serialize_tuple(len: usize) -> SerializeTuple, 1;
        serialize_tuple_struct(name: &'static str, len: usize) -> SerializeTupleStruct, 1;
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, len: usize)
            -> SerializeTupleVariant, 2;
        serialize_map(len: Option<usize>) -> SerializeMap, 1;
        serialize_struct(name: &'static str, len: usize) -> SerializeStruct, 1;
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, len: usize)
            -> SerializeStructVariant, 2;
    }

    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        check_finite(value.into())?;
        self.to.serialize_f32(value)
    }

    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        check_finite(value)?;
        self.to.serialize_f64(value)
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.place.check_null()?;
        self.to.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let place = Place { is_some: true, ..self.place };
        self.to.serialize_some(&Exactly { value, place })
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.place.check_null()?;
        self.to.serialize_unit()
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<S::Ok, S::Error> {
        self.place.check_null()?;
        self.to.serialize_unit_struct(name)
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.to.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.to.serialize_newtype_struct(name, &Exactly { value, place: self.place })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let place = self.place.inner(1)?;
        self.to.serialize_newtype_variant(name, index, variant, &Exactly { value, place })
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.to.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.to.is_human_readable()
    }
}

/// The parts of lists and objects.
macro_rules! parts {
    ($($part:ident { $($method:ident($($key:ident: $ty:ty)?);)* })*) => {
        $(impl<S: ser::$part> ser::$part for Exact<S> {
            type Ok = S::Ok;
            type Error = S::Error;

            $(fn $method<T: Serialize + ?Sized>(&mut self $(, $key: $ty)?, value: &T) -> Result<(), S::Error> {
                self.to.$method($($key,)? &Exactly { value, place: self.place })
            })*

            fn end(self) -> Result<S::Ok, S::Error> {
                self.to.end()
            }
        })*
    };
}

parts! {
    SerializeSeq { serialize_element(); }
    SerializeTuple { serialize_element(); }
    SerializeTupleStruct { serialize_field(); }
    SerializeTupleVariant { serialize_field(); }
    SerializeStruct { serialize_field(name: &'static str); }
    SerializeStructVariant { serialize_field(name: &'static str); }
}

/// Keys become text, or are refused by `serde_json`.
impl<S: ser::SerializeMap> ser::SerializeMap for Exact<S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        self.to.serialize_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        self.to.serialize_value(&Exactly { value, place: self.place })
    }

    fn serialize_entry<K: Serialize + ?Sized, T: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &T,
    ) -> Result<(), S::Error> {
        self.to.serialize_entry(key, &Exactly { value, place: self.place })
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.to.end()
    }
}
