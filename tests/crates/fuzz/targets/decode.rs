//! Reads bytes as values of many types: the first byte chooses the type. No panic, no abort, little memory, no delay.

#![no_main]

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use pipeline::__private::{StoredForm, ToStore};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Row {
    id: u64,
    delta: i128,
    price: f64,
    note: Option<String>,
    tags: Vec<u32>,
    kind: Kind,
}

#[derive(Serialize, Deserialize)]
enum Kind {
    Plain,
    One(char),
    Two(i8, u16),
    Named { left: Option<Box<Kind>>, right: Vec<Kind> },
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Chain(Option<Box<Chain>>);

#[derive(Serialize, Deserialize)]
struct Empty;

macro_rules! forms {
    ($($ty:ty),* $(,)?) => { [$(<ToStore<$ty>>::__PIPELINE_STORE),*] };
}

const FORMS: [Option<&StoredForm>; 16] = forms![
    Row,
    Vec<Row>,
    Kind,
    Vec<Kind>,
    Chain,
    Vec<Chain>,
    (bool, char, i8, i16, i32, i64, i128, u128, f32),
    BTreeMap<String, VecDeque<u64>>,
    HashMap<(), Vec<Empty>>,
    BTreeSet<(i64, Option<Option<bool>>)>,
    Result<[u16; 4], Box<str>>,
    (SocketAddr, Duration, PathBuf),
    Vec<()>,
    Vec<(Empty, Vec<[(); 8]>)>,
    Vec<Vec<Vec<u8>>>,
    String,
];

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let form = FORMS[usize::from(*choice) % FORMS.len()].expect("each is `Serialize + Deserialize`");
    if let Err(error) = form.decode(0, bytes) {
        assert!(!error.to_string().contains("panicked"), "{error}");
    }
});
