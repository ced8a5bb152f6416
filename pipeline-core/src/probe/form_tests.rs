//! Shapes of types, and types that cannot be stored.

#![allow(dead_code, reason = "only read")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer};

use super::stored_form;
use crate::Secret;

/// The shapes of types of one name, each defined in a block of its own.
macro_rules! shapes {
    ($({ $($definition:item)* })*) => {
        [$({
            $(#[derive(Deserialize)] $definition)*
            (std::any::type_name::<Row>(), stored_form::<Row>().shape)
        }),*]
    };
}

#[test]
fn each_change_of_a_type_changes_its_shape() {
    let shapes = shapes! {
        { struct Row { id: u32, price: f64 } }
        { struct Row { id: u64, price: f64 } }
        { struct Row { id: i32, price: f64 } }
        { struct Row { id: u32, price: f32 } }
        { struct Row { price: f64, id: u32 } }
        { struct Row { key: u32, price: f64 } }
        { struct Row { id: u32, price: Option<f64> } }
        { struct Row { id: u32, price: (f64,) } }
        { struct Row { id: u32 } }
        { struct Row { id: u32, price: f64, more: () } }
        { struct Row(u32, f64); }
        { struct Row(f64, u32); }
        { struct Row(u32, [f64; 1]); }
        { struct Row(u32, [f64; 2]); }
        { struct Row(u32); }
        { struct Row(Part); struct Part(u32); }
        { struct Row; }
        { struct Row { id: String, price: f64 } }
        { struct Row { id: char, price: f64 } }
        { struct Row { id: Vec<u8>, price: f64 } }
        { struct Row { id: Vec<Vec<u8>>, price: f64 } }
        { struct Row { id: Vec<Option<u8>>, price: f64 } }
        { struct Row { id: BTreeMap<u8, u16>, price: f64 } }
        { struct Row { id: BTreeMap<u16, u8>, price: f64 } }
        { struct Row { id: Vec<(u8, u16)>, price: f64 } }
        { struct Row { part: Part } struct Part { at: u8 } }
        { struct Row { part: Part } struct Part { at: u16 } }
        { struct Row { part: Vec<Part> } struct Part { at: u8 } }
        { struct Row { part: Vec<Part> } struct Part { at: i8 } }
        { struct Row { part: Vec<Part> } struct Part { on: i8 } }
        { enum Row { A, B } }
        { enum Row { B, A } }
        { enum Row { A, B, C } }
        { enum Row { A(), B } }
        { enum Row { A(u8), B } }
        { enum Row { A(u16), B } }
        { enum Row { A(u8, u8), B } }
        { enum Row { A { x: u8 }, B } }
        { enum Row { A { y: u8 }, B } }
        { enum Row { A { x: u8 }, B { x: u16 } } }
        { enum Row { A { x: u16 }, B { x: u8 } } }
        { enum Row { A(u8, u16), B(u16, u8) } }
        { enum Row { A(u16, u8), B(u8, u16) } }
        { enum Row { A(u8), B(u16) } }
        { enum Row { A(u16), B(u8) } }
        { enum Row { A(Part), B(u8) } enum Part { C(u8), D } }
        { enum Row { A(Part), B(u8) } enum Part { C(u16), D } }
        { enum Row { A(u8), B(Option<Box<Row>>) } }
        { enum Row { A(u16), B(Option<Box<Row>>) } }
        { struct Row { next: Option<Box<Row>>, last: u8 } }
        { struct Row { next: Option<Box<Row>>, last: u16 } }
        { struct Row { next: Vec<Row>, last: u16 } }
    };
    let (names, of): (BTreeSet<_>, BTreeSet<_>) = shapes.iter().copied().unzip();
    assert_eq!((names.len(), of.len()), (1, shapes.len()));
}

#[test]
fn what_a_type_is_not_read_by_does_not_change_its_shape() {
    let shapes = shapes! {
        { struct Row { id: u32, price: Vec<Part> } enum Part { A, B(u8) } }
        { #[derive(Clone)] #[serde(deny_unknown_fields)]
          struct Row { id: u32, price: Vec<Part> }
          /// Documented, and elsewhere.
          #[derive(Clone, PartialEq)] enum Part { A, B(u8) } }
        { struct Row { #[serde(rename = "id")] key: u32, price: Vec<Part> } enum Part { A, B(u8) } }
        { struct Row { id: u32, price: Vec<Part>, #[serde(skip)] cache: u8 } enum Part { A, B(u8) } }
    };
    assert!(shapes.iter().all(|shape| *shape == shapes[0]), "{shapes:?}");
}

#[test]
fn arguments_of_generic_types_count() {
    #[derive(Deserialize)]
    struct Held<T>(Vec<T>);
    let shapes = [
        stored_form::<Held<u8>>().shape,
        stored_form::<Held<u16>>().shape,
        stored_form::<Held<Held<u16>>>().shape,
        stored_form::<u8>().shape,
        stored_form::<u16>().shape,
        stored_form::<Vec<u16>>().shape,
        stored_form::<HashMap<u16, u8>>().shape,
        stored_form::<(u16, u8)>().shape,
    ];
    assert_eq!(BTreeSet::from(shapes).len(), shapes.len());
}

/// A type that panics, or refuses what it is offered, has a shape of what was seen.
#[test]
fn a_type_that_cannot_be_seen_has_a_shape() {
    struct Panics;
    impl<'de> Deserialize<'de> for Panics {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            u8::deserialize(from)?;
            panic!("not today")
        }
    }
    #[derive(Deserialize)]
    struct Early(u8, Panics);
    #[derive(Deserialize)]
    struct Late(u16, Panics);
    #[derive(Deserialize)]
    #[serde(try_from = "String")]
    struct Refuses;
    impl TryFrom<String> for Refuses {
        type Error = String;

        fn try_from(text: String) -> Result<Self, String> {
            Err(text)
        }
    }
    let shapes = [
        stored_form::<Panics>(),
        stored_form::<Early>(),
        stored_form::<Late>(),
        stored_form::<Refuses>(),
        stored_form::<Vec<Refuses>>(),
    ];
    assert!(shapes.iter().all(|form| form.refused.is_none()));
    assert_eq!(shapes.map(|form| form.shape).iter().collect::<BTreeSet<_>>().len(), shapes.len());
}

#[test]
fn a_type_that_cannot_be_stored_says_why() {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(u8),
    }
    #[derive(Deserialize)]
    #[serde(tag = "kind")]
    enum Internal {
        Number { value: u8 },
    }
    #[derive(Deserialize)]
    struct Flat {
        #[serde(flatten)]
        more: BTreeMap<String, u8>,
    }
    #[derive(Deserialize)]
    enum InOneVariant {
        Plain,
        Json(Vec<serde_json::Value>),
    }
    #[derive(Deserialize)]
    struct Key(Secret<String>);
    let why = |refused: Option<&'static str>| refused.unwrap_or_default();
    for refused in [
        stored_form::<Untagged>().refused,
        stored_form::<Internal>().refused,
        stored_form::<Flat>().refused,
        stored_form::<InOneVariant>().refused,
        stored_form::<(u8, serde_json::Value)>().refused,
        stored_form::<(u8, serde::de::IgnoredAny)>().refused,
    ] {
        assert!(why(refused).contains("read by what it finds"), "{refused:?}");
    }
    for refused in [
        stored_form::<&'static str>().refused,
        stored_form::<Vec<(u8, Option<&'static [u8]>)>>().refused,
        stored_form::<&'static std::path::Path>().refused,
    ] {
        assert!(why(refused).contains("borrows"), "{refused:?}");
    }
    for refused in [stored_form::<Key>().refused, stored_form::<Vec<Option<Secret<u8>>>>().refused] {
        assert!(why(refused).contains("secret"), "{refused:?}");
    }
}

#[test]
fn a_plain_type_is_not_refused() {
    #[derive(Deserialize)]
    #[serde(tag = "kind", content = "value")]
    enum Adjacent {
        Open(String),
        Number { value: u8 },
    }
    let refused = [
        stored_form::<String>().refused,
        stored_form::<Vec<u8>>().refused,
        stored_form::<std::borrow::Cow<'static, str>>().refused,
        stored_form::<(Box<str>, PathBuf, IpAddr, Duration, SystemTime, char, i128)>().refused,
        stored_form::<HashMap<Option<u8>, BTreeSet<String>>>().refused,
        stored_form::<Adjacent>().refused,
        stored_form::<std::net::SocketAddr>().refused,
    ];
    assert_eq!(refused, [None; 7]);
}
