//! Whether a type can hold a [`Secret`](super::Secret), found out by reading it from made-up input.
//!
//! The probe is a deserializer that offers every alternative in turn: each variant of an enum, each field of a struct as the
//! first, an item and no item of a list. A secret that is made meanwhile is seen. The answer *no* is a proof, so a type is
//! trusted only if the probe saw all of it, and if its code is known: serde's own for the types of `std` and `serde_json`,
//! and that of `#[derive(Deserialize)]`. A type that reads itself by other code (`#[serde(from = "…")]`, `with`, `flatten`,
//! an untagged enum, a `Deserialize` written by hand) may turn any text into a secret: it gets no answer. A type without
//! drop glue holds none in any case, because a secret has some.

use std::any::type_name;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::mem::{needs_drop, size_of};
use std::path::PathBuf;

use serde::de::value::{Error, StrDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};

use super::watch;
use crate::contain;

/// Texts that are offered in turn to a type that reads a text: most of `std` take one of them.
const TEXTS: [&str; 4] = ["1", "127.0.0.1", "127.0.0.1:1", "[::1]:1"];
/// The framework's own types that read themselves as paths.
const INPUTS: [&str; 3] = [
    "pipeline_exec::store::files::inputs::InputFile",
    "pipeline_exec::store::files::inputs::InputDir",
    "pipeline_exec::store::files::inputs::InputGlob",
];
/// Deeper types, and those with more to visit, get no answer.
const DEEPEST: u32 = 64;
const MOST_VISITS: u32 = 100_000;

/// Returns whether a value of this type can hold a [`Secret`](super::Secret); `None` if that cannot be seen.
pub(crate) fn holds_secret<T: DeserializeOwned>() -> Option<bool> {
    if !needs_drop::<T>() {
        return Some(false);
    }
    let seen = Seen::default();
    let mut stalled = 0;
    loop {
        let before = seen.progress();
        let probe = Probe { seen: &seen, depth: 0, of: Expected::of::<T>() };
        // Reading runs the type's own code, which may panic.
        let (read, is_secret) = watch(|| contain::guard(|| T::deserialize(probe).is_ok()));
        if is_secret {
            return Some(true);
        }
        let open = seen.open();
        stalled = if seen.progress() == before { stalled + 1 } else { 0 };
        // Each round takes other alternatives. After a round for each without progress, the rest stays hidden.
        if read.is_err() || open == 0 || stalled > open {
            let is_proof = read.is_ok() && open == 0 && !seen.is_unknown.get();
            return is_proof.then_some(false);
        }
    }
}

/// State of the probe over all rounds.
#[derive(Default)]
struct Seen {
    /// By the address of the code that visits.
    places: RefCell<HashMap<usize, Place>>,
    /// The places on the way to the current one, outermost first.
    within: RefCell<Vec<usize>>,
    /// Whether the current visit left something to be seen in a later round.
    is_open: Cell<bool>,
    is_unknown: Cell<bool>,
    visits: Cell<u32>,
}

/// A place in a type that has alternatives.
struct Place {
    /// The alternatives not wholly seen yet, the next one first.
    open: Vec<usize>,
    /// The first alternative that was read without an error. It is taken again to get past the place.
    works: Option<usize>,
}

impl Seen {
    fn open(&self) -> usize {
        self.places.borrow().values().map(|place| place.open.len()).sum()
    }

    fn progress(&self) -> (usize, usize, usize) {
        let places = self.places.borrow();
        (places.len(), places.values().filter(|place| place.works.is_some()).count(), self.open())
    }
}

/// The type that is to be read next.
#[derive(Clone, Copy)]
struct Expected {
    name: &'static str,
    needs_drop: bool,
}

impl Expected {
    fn of<T: ?Sized>() -> Self {
        Expected { name: type_name::<T>(), needs_drop: needs_drop::<T>() }
    }

    /// Reports whether serde reads this type by reading a value of the type `made`. A pointer is read as its target.
    fn is_read_as(self, made: &str) -> bool {
        let pointers =
            ["alloc::boxed::Box<", "alloc::rc::Rc<", "alloc::sync::Arc<", "alloc::borrow::Cow<'_, "];
        let mut name = self.name;
        while let Some(inner) = pointers.iter().find_map(|pointer| argument(name, pointer)) {
            name = inner;
        }
        let slice = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        match name {
            "str" => made == type_name::<String>(),
            "std::path::Path" => made == type_name::<PathBuf>(),
            _ if INPUTS.contains(&name) => made == type_name::<PathBuf>(),
            _ => name == made || (slice.is_some() && slice == argument(made, "alloc::vec::Vec<")),
        }
    }
}

/// Returns the argument of a generic type, `Inner` of `Outer<Inner>`.
fn argument<'a>(name: &'a str, outer: &str) -> Option<&'a str> {
    name.strip_prefix(outer)?.strip_suffix('>')
}

#[derive(Clone, Copy)]
struct Probe<'a> {
    seen: &'a Seen,
    depth: u32,
    of: Expected,
}

impl<'a> Probe<'a> {
    /// Rules out an answer if a visitor may do something that cannot be seen.
    fn check<'de, V: Visitor<'de>>(&self) {
        let makes = type_name::<V::Value>();
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
    fn list<'de, V: Visitor<'de>>(self, lengths: &[usize], visitor: V) -> Result<V::Value, Error> {
        self.check::<V>();
        let place = V::visit_seq::<Items<'a, '_>> as fn(_, _) -> _ as usize;
        self.choose(place, lengths.len(), |pick, probe, was_asked| {
            was_asked.set(lengths[pick] == 0);
            visitor.visit_seq(Items { probe, left: lengths[pick], was_asked })
        })
    }

    fn text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.check::<V>();
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
            self.check::<V>();
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
        deserialize_ignored_any => visit_unit();
    }

    texts! { deserialize_str deserialize_string deserialize_identifier }

    /// Answers a type that reads anything. It keeps the value, as `serde_json::Value` does, or reads it later, unseen.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.of.needs_drop && !type_name::<V::Value>().starts_with("serde_json::") {
            self.seen.is_unknown.set(true);
        }
        self.check::<V>();
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.check::<V>();
        let place = V::visit_some::<Self> as fn(_, _) -> _ as usize;
        self.choose(place, 2, |pick, probe, was_asked| {
            was_asked.set(true);
            let name = argument(type_name::<V::Value>(), "core::option::Option<").unwrap_or_default();
            let of = Expected { name, needs_drop: needs_drop::<V::Value>() };
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
        self.list(&[1], visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.list(&[1, 0], visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.list(&[length], visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.list(&[length], visitor)
    }

    /// Offers a map with one entry, or none. A struct that reads a map has flattened fields, which it reads later, unseen.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.check::<V>();
        if self.of.needs_drop && is_derived::<V>() {
            self.seen.is_unknown.set(true);
        }
        let place = V::visit_map::<Entries<'_, '_>> as fn(_, _) -> _ as usize;
        self.choose(place, 2, |pick, probe, was_asked| {
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
        self.check::<V>();
        let place = V::visit_map::<Fields<'_, '_>> as fn(_, _) -> _ as usize;
        self.choose(place, fields.len().max(1), |first, probe, was_asked| {
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
        self.check::<V>();
        let place = V::visit_enum::<Variant<'_, '_>> as fn(_, _) -> _ as usize;
        self.choose(place, variants.len(), |pick, probe, was_asked| {
            visitor.visit_enum(Variant { probe, name: variants[pick], was_asked })
        })
    }
}

/// Reports whether a visitor was written by `#[derive(Deserialize)]`, by the name of its type without arguments.
fn is_derived<V>() -> bool {
    let name = type_name::<V>();
    let mut open = 0_i32;
    let is_end = |char| {
        open += match char {
            '>' => 1,
            '<' => -1,
            _ => 0,
        };
        open == 0
    };
    let end = if name.ends_with('>') { name.rfind(is_end).unwrap_or_default() } else { name.len() };
    name[..end].ends_with("::__Visitor")
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
        seed.deserialize(self.probe.for_seed::<S>()).map(Some)
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
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        self.was_asked.set(true);
        seed.deserialize(self.probe.for_seed::<S>())
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.was_asked.set(true);
        self.probe.list(&[length], visitor)
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

#[cfg(test)]
mod tests;
