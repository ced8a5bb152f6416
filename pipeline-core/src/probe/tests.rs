//! Each shape of a type with a secret in it, and with a plain text in its place.

#![allow(dead_code, reason = "only read")]

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::holds_secret;
use crate::Secret;

type Hidden = Secret<String>;

/// What is answered for a type that holds a secret, and for the same type with a plain text.
const SEEN: [Option<bool>; 2] = [Some(true), Some(false)];

fn answers<S: for<'de> Deserialize<'de>, P: for<'de> Deserialize<'de>>() -> [Option<bool>; 2] {
    [holds_secret::<S>(), holds_secret::<P>()]
}

macro_rules! check {
    ($($shape:ident => $answers:expr),* $(,)?) => {
        $(assert_eq!(answers::<$shape<Hidden>, $shape<String>>(), $answers, stringify!($shape));)*
    };
}

#[test]
fn a_secret_is_found_in_every_type_of_the_standard_library() {
    type List<T> = Vec<T>;
    type Pointers<T> = (Box<T>, Box<u8>);
    type Last<T> = (IpAddr, PathBuf, Box<[u8]>, Cow<'static, str>, char, (), SocketAddr, T);
    type Fixed<T> = [T; 2];
    type Choice<T> = Result<u8, T>;
    type Nested<T> = BTreeMap<String, VecDeque<Option<(u8, T)>>>;
    type ByNumber<T> = HashMap<u16, T>;
    type ByAddress<T> = HashMap<IpAddr, T>;
    check! {
        Option => SEEN, List => SEEN, Pointers => SEEN, Last => SEEN, Fixed => SEEN, Choice => SEEN, Nested => SEEN,
        ByNumber => SEEN, ByAddress => SEEN,
    }
    assert_eq!(answers::<Secret<u8>, u8>(), SEEN);
}

#[test]
fn a_secret_is_found_in_every_field_of_a_struct() {
    #[derive(Deserialize)]
    struct Named<T> {
        host: String,
        address: IpAddr,
        wait: Duration,
        login: Option<Login<T>>,
    }
    #[derive(Deserialize)]
    struct Login<T>(Vec<String>, Wrapper<T>);
    #[derive(Deserialize)]
    struct Wrapper<T>(T);
    #[derive(Deserialize)]
    struct Unit;
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    struct Attributes<T> {
        #[serde(default)]
        the_unit: Option<Unit>,
        #[serde(rename = "b", alias = "c")]
        renamed: T,
        #[serde(skip)]
        skipped: Option<Hidden>,
    }
    macro_rules! large {
        ($($field:ident)*) => {
            #[derive(Deserialize)]
            struct Large<T> {
                $($field: String,)*
                last: T,
            }
        };
    }
    large! { a b c d e f g h i j k l m n o p q r s t u v w x y z aa bb cc dd ee ff gg hh ii jj kk ll mm nn oo pp }
    check! { Named => SEEN, Wrapper => SEEN, Attributes => SEEN, Large => SEEN }
}

#[test]
fn a_secret_is_found_in_every_variant_of_an_enum() {
    #[derive(Deserialize)]
    enum Newtype<T> {
        Open,
        Text(String),
        Hidden(T),
    }
    #[derive(Deserialize)]
    enum Tuple<T> {
        Open(IpAddr, u8),
        Hidden(IpAddr, T),
    }
    #[derive(Deserialize)]
    enum Struct<T> {
        Open { host: String },
        Hidden { address: IpAddr, value: T },
    }
    #[derive(Deserialize)]
    struct Within<T>(Vec<Struct<u8>>, Option<Newtype<Struct<T>>>);
    check! { Newtype => SEEN, Tuple => SEEN, Struct => SEEN, Within => SEEN }
}

#[test]
fn a_secret_is_found_in_types_that_hold_themselves() {
    #[derive(Deserialize)]
    struct List<T> {
        next: Option<Box<List<T>>>,
        value: T,
    }
    #[derive(Deserialize)]
    struct Tree<T>(Vec<Tree<T>>, T);
    #[derive(Deserialize)]
    enum Sum<T> {
        Of(Box<Sum<T>>, Box<Sum<T>>, T),
        Number(u8),
    }
    #[derive(Deserialize)]
    struct One<T> {
        other: Option<Box<Other<T>>>,
    }
    #[derive(Deserialize)]
    struct Other<T> {
        ones: Vec<One<T>>,
        pair: (Vec<One<T>>, Option<Sum<T>>),
    }
    check! { List => SEEN, Tree => SEEN, Sum => SEEN, One => SEEN, Other => SEEN }
}

#[test]
fn a_secret_is_found_however_deep_it_is() {
    #[derive(Deserialize)]
    struct In<T> {
        first: String,
        deeper: T,
    }
    type Deep<T> = In<In<In<In<In<In<In<In<In<In<In<In<T>>>>>>>>>>>>;
    check! { Deep => SEEN }
}

/// Whatever such a type reads, it may make a secret of it: no answer, unless a secret was seen or cannot be.
#[test]
fn a_type_that_is_read_by_unknown_code_gets_no_answer() {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Untagged<T> {
        Open { host: String },
        Hidden { value: T },
    }
    #[derive(Deserialize)]
    #[serde(tag = "kind")]
    enum Internal<T> {
        Open { host: String },
        Hidden { value: T },
    }
    #[derive(Deserialize)]
    #[serde(tag = "kind", content = "value")]
    enum Adjacent<T> {
        Open(String),
        Hidden(T),
    }
    #[derive(Deserialize)]
    struct Inner<T> {
        value: T,
    }
    #[derive(Deserialize)]
    struct Flat<T> {
        host: String,
        #[serde(flatten)]
        inner: Inner<T>,
    }
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Transparent<T> {
        value: T,
    }
    #[derive(Deserialize)]
    struct With<T: for<'a> Deserialize<'a>> {
        #[serde(deserialize_with = "read")]
        value: T,
    }
    fn read<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        T::deserialize(from)
    }
    for [hidden, plain] in [
        answers::<Untagged<Hidden>, Untagged<String>>(),
        answers::<Internal<Hidden>, Internal<String>>(),
        answers::<Adjacent<Hidden>, Adjacent<String>>(),
        answers::<Flat<Hidden>, Flat<String>>(),
        answers::<Transparent<Hidden>, Transparent<String>>(),
        answers::<With<Hidden>, With<String>>(),
        answers::<Vec<Untagged<Hidden>>, (u8, Option<Untagged<String>>)>(),
    ] {
        assert_ne!(hidden, Some(false));
        assert_eq!(plain, None);
    }
}

#[allow(non_snake_case, non_camel_case_types, reason = "as the derive names it")]
mod Inner {
    pub(super) struct __Visitor;
    pub(super) mod Generic {
        pub(in super::super) struct __Visitor<T>(T);
    }
}

#[test]
fn a_secret_beside_unknown_code_is_found() {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Unknown {
        value: String,
    }
    #[derive(Deserialize)]
    struct Both {
        unknown: Unknown,
        hidden: Option<Hidden>,
    }
    assert_eq!(holds_secret::<Both>(), Some(true));
}

#[test]
fn a_secret_that_only_some_texts_become_is_not_denied() {
    /// A text that is checked before it becomes a secret.
    #[derive(Deserialize)]
    #[serde(try_from = "String")]
    struct Key(Hidden);
    impl TryFrom<String> for Key {
        type Error = &'static str;

        fn try_from(text: String) -> Result<Self, Self::Error> {
            if text.starts_with("sk-") { Ok(Key(Secret::new(text))) } else { Err("no key") }
        }
    }
    /// One that is a secret only if it looks like one.
    #[derive(Deserialize)]
    #[serde(from = "String")]
    enum Access {
        Token(Hidden),
        Name(String),
    }
    impl From<String> for Access {
        fn from(text: String) -> Self {
            if text.starts_with("token:") { Access::Token(Secret::new(text)) } else { Access::Name(text) }
        }
    }
    /// One that becomes a secret at once.
    #[derive(Deserialize)]
    #[serde(from = "String")]
    struct Token(Hidden);
    impl From<String> for Token {
        fn from(text: String) -> Self {
            Token(Secret::new(text))
        }
    }
    /// One whose own code reads a map.
    struct ByHand(Hidden);
    impl<'de> Deserialize<'de> for ByHand {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            let mut all = BTreeMap::<String, String>::deserialize(from)?;
            all.remove("token")
                .map(Secret::new)
                .map(ByHand)
                .ok_or_else(|| serde::de::Error::custom("no token"))
        }
    }
    #[derive(Deserialize)]
    struct Newtype(Key);
    #[derive(Deserialize)]
    enum Variant {
        Open,
        Hidden(Key),
    }
    /// One with a visitor around a derived one.
    struct Around<V>(V);
    assert!(!super::is_derived::<Around<Inner::__Visitor>>() && super::is_derived::<Inner::__Visitor>());
    assert!(super::is_derived::<Inner::Generic::__Visitor<Vec<u8>>>());
    assert_eq!(holds_secret::<Key>(), None);
    assert_eq!(holds_secret::<Access>(), None);
    assert_eq!(holds_secret::<Token>(), Some(true));
    assert_eq!(holds_secret::<ByHand>(), None);
    assert_eq!(holds_secret::<Box<Key>>(), None);
    assert_eq!(holds_secret::<Option<Key>>(), None);
    assert_eq!(holds_secret::<Vec<Key>>(), None);
    assert_eq!(holds_secret::<Newtype>(), None);
    assert_eq!(holds_secret::<Variant>(), None);
}

#[test]
fn plain_types_hold_no_secret() {
    #[derive(Deserialize)]
    enum Kind {
        Fast,
        Slow,
    }
    #[derive(Deserialize)]
    #[serde(tag = "kind")]
    enum Shape {
        Circle { radius: f64 },
        Square { side: f64 },
    }
    macro_rules! plain {
        ($($ty:ty),* $(,)?) => {
            $(assert_eq!(holds_secret::<$ty>(), Some(false), stringify!($ty));)*
        };
    }
    plain! {
        u8, f64, bool, char, (), String, PathBuf, Box<str>, Box<Path>, Cow<'static, str>, IpAddr,
        Duration, std::time::SystemTime, std::num::NonZeroU8, Kind, Shape, Vec<Kind>, Vec<Shape>, Vec<u8>, Box<[u8]>,
        HashSet<IpAddr>, serde_json::Value, HashMap<String, serde_json::Value>,
        serde_json::Map<String, serde_json::Value>,
    }
}
