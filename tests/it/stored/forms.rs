//! Which outputs are stored, and that they come back as they were.

use std::collections::BTreeMap;

use pipeline::prelude::*;
use pipeline::store::ValueStore;
use pipeline::{Secret, Status};
use serde::{Deserialize, Serialize, Serializer};

use crate::folder::Folder;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Cell {
    Empty,
    Number(f64),
    Wide { low: i128, parts: Vec<Option<char>> },
}

type Table = BTreeMap<(u8, Option<String>), Vec<Cell>>;

fn table() -> Table {
    let wide = Cell::Wide { low: i128::MIN, parts: vec![None, Some('é')] };
    BTreeMap::from([
        ((1, None), vec![]),
        ((2, Some(String::new())), vec![Cell::Empty, Cell::Number(-0.0), wide]),
    ])
}

#[step(cache)]
fn cells() -> Table {
    table()
}

#[step(cache)]
fn raw() -> Vec<u8> {
    (0..=255).cycle().take(10_000).collect()
}

#[step(cache)]
fn nan() -> (f64, f32) {
    (f64::NAN, f32::INFINITY)
}

#[step]
fn all_of_them(cells: &Table, raw: &[u8], nan: &(f64, f32)) -> bool {
    let expected: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    *cells == table() && raw == expected && nan.0.to_bits() == f64::NAN.to_bits() && nan.1.is_infinite()
}

#[test]
fn stored_values_come_back_as_they_were() {
    let folder = Folder::new();
    let run = || {
        let store = ValueStore::open(&*folder).unwrap();
        Pipeline::to::<all_of_them>().store(&store).run_blocking().unwrap()
    };
    assert!(run().output::<all_of_them>().unwrap());
    let again = run();
    assert!(again.output::<all_of_them>().unwrap());
    let statuses = ["cells", "raw", "nan"].map(|step| again.status(step).unwrap());
    assert_eq!(statuses, [Status::Cached; 3]);
}

/// JSON says what its parts are; stored bytes do not.
#[step(cache)]
fn described() -> serde_json::Value {
    serde_json::json!({ "rows": [1, 2] })
}

#[derive(Serialize, Deserialize)]
struct LeftOut {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    note: Option<u8>,
    count: u8,
}

/// It would be read back as another value.
#[step(cache)]
fn left_out() -> Vec<LeftOut> {
    vec![LeftOut { note: None, count: 1 }, LeftOut { note: Some(2), count: 3 }]
}

/// No serde at all.
#[step(cache)]
fn opaque() -> std::sync::Arc<std::sync::Mutex<u8>> {
    std::sync::Arc::default()
}

/// Exposes its secret when it is written.
#[derive(Deserialize)]
struct Login(Secret<String>);

impl Serialize for Login {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.expose())
    }
}

#[step(cache)]
fn login() -> Login {
    Login(Secret::new("hunter2-canary".to_owned()))
}

/// Its type does not say that it may be a secret.
#[derive(Deserialize)]
#[serde(transparent)]
struct Hidden {
    text: Text,
}

#[derive(Deserialize)]
#[serde(from = "String")]
struct Text(Result<String, Secret<String>>);

impl From<String> for Text {
    fn from(text: String) -> Self {
        Text(if text.starts_with("hunter2") { Err(Secret::new(text)) } else { Ok(text) })
    }
}

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.text.0.as_ref().unwrap_or_else(|secret| secret.expose()))
    }
}

#[step(cache)]
fn hidden() -> Vec<Hidden> {
    vec![Hidden { text: "plain".to_owned().into() }, Hidden { text: "hunter2-canary".to_owned().into() }]
}

#[test]
fn what_cannot_be_stored_is_run_each_time_and_leaves_nothing() {
    let folder = Folder::new();
    for _ in 0..2 {
        let store = ValueStore::open(&*folder).unwrap();
        let pipeline = Pipeline::to::<described>().and::<left_out>().and::<opaque>();
        let run = pipeline.and::<login>().and::<hidden>().store(&store).run_blocking().unwrap();
        for step in ["described", "left_out", "opaque", "login", "hidden"] {
            assert_eq!(run.status(step).unwrap(), Status::Succeeded, "{step}");
        }
        assert_eq!(store.values().unwrap().len(), 0);
    }
    assert_no_canary(&folder);
}

fn assert_no_canary(folder: &std::path::Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_no_canary(&path);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(14).any(|window| window == b"hunter2-canary"), "{}", path.display());
        }
    }
}
