//! The deserializer that makes up its input.

use std::any::type_name;
use std::cell::Cell;
use std::mem::{needs_drop, size_of};

use serde::de::value::{Error, StrDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::{Expected, Place, Seen, argument, is_derived};
use crate::hash::StableHash;

/// Why a type that asks for the kind of what follows cannot be stored.
pub(crate) const NOT_DESCRIBED: &str = "its type is read by what it finds (an untagged or internally tagged enum, flattened \
     fields, a JSON value), and stored bytes do not say what they are: give the step a `codec`";

const BORROWS: &str =
    "its type borrows from the bytes that it is read from, which do not last: it needs an owned text";

/// Texts that are offered in turn to a type that reads a text: most of `std` take one of them.
const TEXTS: [&str; 4] = ["1", "127.0.0.1", "127.0.0.1:1", "[::1]:1"];
/// Deeper types, and those with more to visit, get no answer.
const DEEPEST: u32 = 64;
const MOST_VISITS: u32 = 100_000;

#[derive(Clone, Copy)]
pub(super) struct Probe<'a> {
    seen: &'a Seen,
    depth: u32,
    of: Expected,
    part: Part,
}

/// The part of a type that is read.
#[derive(Clone, Copy)]
struct Part {
    of: &'static str,
    /// Of an enum.
    variant: &'static str,
    /// Of a field.
    name: &'static str,
    index: usize,
}

impl<'a> Probe<'a> {
    pub(super) fn new(seen: &'a Seen, of: Expected) -> Self {
        Probe { seen, depth: 0, of, part: Part { of: "", variant: "", name: "", index: 0 } }
    }

    /// Prepares to read the parts of the value that a visitor makes.
    fn parts_of<'de, V: Visitor<'de>>(self) -> Self {
        let of = type_name::<V::Value>();
        let variant = if of == self.part.of { self.part.variant } else { "" };
        Probe { part: Part { of, variant, name: "", index: 0 }, ..self }
    }

    /// Notes what is asked for.
    fn note(&self, kind: &str, makes: &str, names: &[&str]) {
        let Some(stored) = &self.seen.stored else { return };
        let mut fact = StableHash::new("part");
        let Part { of, variant, name, index } = self.part;
        [of, variant, name, kind, makes].iter().for_each(|text| fact.text(text));
        fact.number(index as u64);
        names.iter().for_each(|name| fact.text(name));
        stored.facts.borrow_mut().insert(fact.end());
    }

    /// Notes why a value that is read so cannot be stored.
    fn refuse(&self, why: &'static str) {
        if let Some(stored) = &self.seen.stored {
            stored.refused.set(stored.refused.get().or(Some(why)));
        }
    }

    /// Notes what is asked for. Rules out an answer about secrets if a visitor may do something that cannot be seen.
    fn check<'de, V: Visitor<'de>>(&self, kind: &str, names: &[&str]) {
        let makes = type_name::<V::Value>();
        self.note(kind, makes, names);
        if makes.starts_with('&') {
            self.refuse(BORROWS);
        }
        let is_own = self.of.is_read_as(makes);
        let is_plain = !self.of.needs_drop || (is_own && !needs_drop::<V::Value>());
        // Only serde can implement the trait for types of `std` (which have these names), only serde_json for its own.
        let std = ["alloc::", "core::", "std::", "serde_json::", "(", "["];
        let is_known = std.iter().any(|start| makes.starts_with(start)) || !makes.contains("::");
        let is_trusted = is_own && (is_known || is_derived::<V>()) && size_of::<V>() == 0;
        if !is_plain && !is_trusted {
            self.seen.is_unknown.set(true);
        }
    }

    /// Takes an alternative of a place, in which `read` notes that it was asked for to its end.
    fn choose<T>(
        self,
        place: usize,
        alternatives: usize,
        read: impl FnOnce(usize, Self, &Cell<bool>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let seen = self.seen;
        seen.visits.set(seen.visits.get() + 1);
        if self.depth == DEEPEST || seen.visits.get() > MOST_VISITS {
            seen.is_unknown.set(true);
            return Err(Error::custom("too large"));
        }
        // A type within itself is seen by the visit of the outer one.
        let is_within_itself = seen.within.borrow().contains(&place);
        let pick = {
            let mut places = seen.places.borrow_mut();
            let all = || Place { open: (0..alternatives).collect(), works: None };
            let place = places.entry(place).or_insert_with(all);
            let next = place.open.first().filter(|_| !is_within_itself);
            next.copied().or(place.works).ok_or_else(|| Error::custom("nothing fits"))?
        };
        seen.within.borrow_mut().push(place);
        let earlier_open = seen.is_open.replace(false);
        let was_asked = Cell::new(false);
        let made = read(pick, Probe { depth: self.depth + 1, ..self }, &was_asked);
        seen.within.borrow_mut().pop();
        let mut places = seen.places.borrow_mut();
        let place = places.get_mut(&place).expect("invariant: a place that was entered is kept");
        if made.is_ok() {
            place.works.get_or_insert(pick);
        }
        if !is_within_itself {
            place.open.retain(|open| *open != pick);
            if seen.is_open.get() || !was_asked.get() {
                place.open.push(pick);
            }
            seen.is_open.set(!place.open.is_empty());
        }
        seen.is_open.set(seen.is_open.get() || earlier_open);
        made
    }

    /// Prepares to read the value of a seed. Seeds other than serde's own may do something that cannot be seen.
    fn for_seed<'de, S: DeserializeSeed<'de>>(self) -> Self {
        let of = Expected::of::<S::Value>();
        if of.needs_drop && !type_name::<S>().starts_with("core::marker::PhantomData<") {
            self.seen.is_unknown.set(true);
        }
        Probe { of, ..self }
    }

    /// Reads a list of some lengths in turn.
    fn list<'de, V: Visitor<'de>>(
        self,
        kind: &str,
        lengths: &[usize],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.check::<V>(kind, &[]);
        let probe = self.parts_of::<V>();
        let place = V::visit_seq::<Items<'a, '_>> as fn(_, _) -> _ as usize;
        probe.choose(place, lengths.len(), |pick, probe, was_asked| {
            was_asked.set(lengths[pick] == 0);
            visitor.visit_seq(Items { probe, left: lengths[pick], was_asked })
        })
    }

    fn text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.check::<V>("text", &[]);
        let place = V::visit_str::<Error> as fn(_, _) -> _ as usize;
        let made = self.choose(place, TEXTS.len(), |pick, _, was_asked| {
            was_asked.set(true);
            visitor.visit_str(TEXTS[pick])
        });
        if made.is_ok() {
            // One that fits is enough.
            self.seen.places.borrow_mut().entry(place).and_modify(|place| place.open.clear());
        }
        made
    }
}

macro_rules! offers {
    ($($method:ident => $visit:ident($($value:expr)?);)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.check::<V>(stringify!($method), &[]);
            visitor.$visit($($value)?)
        })*
    };
}

macro_rules! texts {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.text(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Error;

    offers! {
        deserialize_bool => visit_bool(false);
        deserialize_i8 => visit_i8(1);
        deserialize_i16 => visit_i16(1);
        deserialize_i32 => visit_i32(1);
        deserialize_i64 => visit_i64(1);
        deserialize_i128 => visit_i128(1);
        deserialize_u8 => visit_u8(1);
        deserialize_u16 => visit_u16(1);
        deserialize_u32 => visit_u32(1);
        deserialize_u64 => visit_u64(1);
        deserialize_u128 => visit_u128(1);
        deserialize_f32 => visit_f32(1.0);
        deserialize_f64 => visit_f64(1.0);
        deserialize_char => visit_char('1');
        deserialize_bytes => visit_bytes(&[]);
        deserialize_byte_buf => visit_bytes(&[]);
        deserialize_unit => visit_unit();
    }

    texts! { deserialize_str deserialize_string }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.refuse(NOT_DESCRIBED);
        self.text(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.check::<V>("any", &[]);
        self.refuse(NOT_DESCRIBED);
        visitor.visit_unit()
    }

    /// Answers a type that reads anything. It keeps the value, as `serde_json::Value` does, or reads it later, unseen.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.of.needs_drop && !type_name::<V::Value>().starts_with("serde_json::") {
            self.seen.is_unknown.set(true);
        }
        self.check::<V>("any", &[]);
        // The content of an enum before its tag is kept for later; stored bytes have the tag first.
        if !(self.of.name.starts_with("serde") && self.of.name.contains("private")) {
            self.refuse(NOT_DESCRIBED);
        }
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.check::<V>("option", &[]);
        let place = V::visit_some::<Self> as fn(_, _) -> _ as usize;
        self.choose(place, 2, |pick, probe, was_asked| {
            was_asked.set(true);
            let name = argument(type_name::<V::Value>(), "core::option::Option<").unwrap_or_default();
            let of = Expected { name, needs_drop: needs_drop::<V::Value>() };
            let probe = probe.parts_of::<V>();
            if pick == 0 { visitor.visit_some(Probe { of, ..probe }) } else { visitor.visit_none() }
        })
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    /// Offers a list of one, because the type of an item is known.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.list("newtype", &[1], visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.list("list", &[1, 0], visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.list("tuple", &[length], visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.list("tuple", &[length], visitor)
    }

    /// Offers a map with one entry, or none. A struct that reads a map has flattened fields, which it reads later, unseen.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.check::<V>("map", &[]);
        if self.of.needs_drop && is_derived::<V>() {
            self.seen.is_unknown.set(true);
        }
        let place = V::visit_map::<Entries<'_, '_>> as fn(_, _) -> _ as usize;
        self.parts_of::<V>().choose(place, 2, |pick, probe, was_asked| {
            was_asked.set(pick == 1);
            visitor.visit_map(Entries { probe, left: 1 - pick, was_asked })
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.check::<V>("struct", fields);
        let place = V::visit_map::<Fields<'_, '_>> as fn(_, _) -> _ as usize;
        self.parts_of::<V>().choose(place, fields.len().max(1), |first, probe, was_asked| {
            was_asked.set(fields.is_empty());
            visitor.visit_map(Fields { probe, names: fields, first, next: 0, was_asked })
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.check::<V>("enum", variants);
        let place = V::visit_enum::<Variant<'_, '_>> as fn(_, _) -> _ as usize;
        self.parts_of::<V>().choose(place, variants.len(), |pick, mut probe, was_asked| {
            let name = variants[pick];
            probe.part.variant = name;
            visitor.visit_enum(Variant { probe, name, was_asked })
        })
    }

    fn is_human_readable(&self) -> bool {
        self.seen.stored.is_none()
    }
}

/// The items of a list or tuple.
struct Items<'a, 'b> {
    probe: Probe<'a>,
    left: usize,
    was_asked: &'b Cell<bool>,
}

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.was_asked.set(self.left == 0);
        let probe = self.probe;
        self.probe.part.index += 1;
        seed.deserialize(probe.for_seed::<S>()).map(Some)
    }
}

/// The entries of a map.
struct Entries<'a, 'b> {
    probe: Probe<'a>,
    left: usize,
    was_asked: &'b Cell<bool>,
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(self.probe.for_seed::<S>()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        self.was_asked.set(true);
        self.probe.part.index = 1;
        seed.deserialize(self.probe.for_seed::<S>())
    }
}

/// The fields of a struct, from the one that is to be first.
struct Fields<'a, 'b> {
    probe: Probe<'a>,
    names: &'static [&'static str],
    first: usize,
    next: usize,
    was_asked: &'b Cell<bool>,
}

impl<'de> MapAccess<'de> for Fields<'_, '_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if self.next == self.names.len() {
            return Ok(None);
        }
        let at = (self.first + self.next) % self.names.len();
        self.next += 1;
        (self.probe.part.name, self.probe.part.index) = (self.names[at], at);
        let name: StrDeserializer<'_, Error> = self.names[at].into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        self.was_asked.set(true);
        seed.deserialize(self.probe.for_seed::<S>())
    }
}

/// One variant of an enum.
struct Variant<'a, 'b> {
    probe: Probe<'a>,
    name: &'static str,
    was_asked: &'b Cell<bool>,
}

impl<'de> EnumAccess<'de> for Variant<'_, '_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let name: StrDeserializer<'_, Error> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, '_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        self.was_asked.set(true);
        self.probe.note("unit", "", &[]);
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        self.was_asked.set(true);
        self.probe.note("newtype", "", &[]);
        seed.deserialize(self.probe.for_seed::<S>())
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.was_asked.set(true);
        self.probe.list("tuple", &[length], visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.was_asked.set(true);
        self.probe.deserialize_struct("", fields, visitor)
    }
}
