//! Whether reading a type would read a secret somewhere in it, found out by asking the type.
//!
//! The probe is a deserializer that has something of every kind to offer: a type that asks it for a secret is seen. Of an
//! enum it sees the first variant only, and a type that refuses what it is offered hides what it would have asked for next;
//! so each field of a struct gets to be the first once.

use std::cell::Cell;

use serde::de::value::{Error, StrDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};

use super::NAME;
use crate::contain;

/// So deep a type is looked into: one that holds itself has no end.
const DEEPEST: u32 = 6;
/// So many fields of a struct get to be the first.
const MOST_FIELDS: usize = 32;

/// Whether a value of this type holds a [`Secret`](super::Secret), as far as its way of being read tells.
pub(crate) fn holds_secret<T: DeserializeOwned>() -> bool {
    let found = Found::default();
    for first in 0..MOST_FIELDS {
        found.fields.set(0);
        // Reading runs the type's own code, which may panic.
        let _ = contain::guard(|| T::deserialize(Probe { found: &found, first, depth: 0 }).is_ok());
        if found.secret.get() || first + 1 >= found.fields.get() {
            break;
        }
    }
    found.secret.get()
}

/// What has been seen.
#[derive(Default)]
struct Found {
    secret: Cell<bool>,
    /// The most fields that a struct on the way had.
    fields: Cell<usize>,
}

#[derive(Clone, Copy)]
struct Probe<'a> {
    found: &'a Found,
    /// Which field of a struct is offered first.
    first: usize,
    depth: u32,
}

impl Probe<'_> {
    fn inner(self) -> Result<Self, Error> {
        if self.depth == DEEPEST {
            return Err(Error::custom("deep enough"));
        }
        Ok(Probe { depth: self.depth + 1, ..self })
    }
}

macro_rules! offers {
    ($($method:ident => $visit:ident($($value:expr)?);)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit($($value)?)
        })*
    };
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Error;

    offers! {
        deserialize_any => visit_unit();
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
        deserialize_str => visit_str("1");
        deserialize_string => visit_str("1");
        deserialize_bytes => visit_bytes(&[]);
        deserialize_byte_buf => visit_bytes(&[]);
        deserialize_unit => visit_unit();
        deserialize_identifier => visit_str("1");
        deserialize_ignored_any => visit_unit();
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self.inner()?)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == NAME {
            self.found.secret.set(true);
            return Err(Error::custom("found"));
        }
        visitor.visit_newtype_struct(self.inner()?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Items { probe: self.inner()?, left: 1 })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Items { probe: self.inner()?, left: length })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Entries { probe: self.inner()?, left: 1 })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.found.fields.set(self.found.fields.get().max(fields.len()));
        visitor.visit_map(Fields { probe: self.inner()?, names: fields, next: 0 })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let name = variants.first().ok_or_else(|| Error::custom("no variant"))?;
        visitor.visit_enum(Variant { probe: self.inner()?, name })
    }
}

/// The items of a list or tuple.
struct Items<'a> {
    probe: Probe<'a>,
    left: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(self.probe).map(Some)
    }
}

/// The entries of a map.
struct Entries<'a> {
    probe: Probe<'a>,
    left: usize,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(self.probe).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.probe)
    }
}

/// The fields of a struct, from the one that is to be first.
struct Fields<'a> {
    probe: Probe<'a>,
    names: &'static [&'static str],
    next: usize,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if self.next == self.names.len() {
            return Ok(None);
        }
        let at = (self.probe.first + self.next) % self.names.len();
        self.next += 1;
        let name: StrDeserializer<'_, Error> = self.names[at].into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.probe)
    }
}

/// One variant of an enum.
struct Variant<'a> {
    probe: Probe<'a>,
    name: &'static str,
}

impl<'a, 'de> EnumAccess<'de> for Variant<'a> {
    type Error = Error;
    type Variant = Probe<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Probe<'a>), Error> {
        let name: StrDeserializer<'_, Error> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self.probe))
    }
}

impl<'de> VariantAccess<'de> for Probe<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_struct("", fields, visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::Secret;

    #[test]
    fn a_secret_is_found_wherever_it_is() {
        #[derive(Deserialize)]
        #[allow(dead_code)]
        struct Server {
            host: String,
            address: std::net::IpAddr,
            port: Option<u16>,
            login: Option<Login>,
        }
        #[derive(Deserialize)]
        #[allow(dead_code)]
        struct Login(String, Secret<String>);
        #[derive(Deserialize)]
        #[allow(dead_code)]
        enum Access {
            Token { token: Secret<String> },
            Open,
        }
        assert!(holds_secret::<Secret<u8>>());
        assert!(holds_secret::<Option<Secret<String>>>());
        assert!(holds_secret::<Vec<(u8, Secret<String>)>>());
        assert!(holds_secret::<BTreeMap<String, Secret<String>>>());
        assert!(holds_secret::<BTreeMap<u16, Secret<String>>>());
        assert!(holds_secret::<Server>());
        assert!(holds_secret::<Access>());
    }

    #[test]
    fn what_holds_no_secret_is_open() {
        #[derive(Deserialize)]
        #[allow(dead_code)]
        struct List {
            value: u8,
            next: Option<Box<List>>,
        }
        assert!(!holds_secret::<String>());
        assert!(!holds_secret::<List>());
        assert!(!holds_secret::<serde_json::Value>());
        assert!(!holds_secret::<std::net::IpAddr>());
    }
}
