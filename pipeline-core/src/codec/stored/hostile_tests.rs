//! Bytes from nobody knows where: random ones, and those of a value, cut, changed and put together.
//!
//! What is read is what `postcard` reads, or an error. (The lists of a hostile input are short here: `postcard` believes
//! what they claim. `a_value_that_claims_more…` has the others.)

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt::Debug;
use std::net::SocketAddr;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::known::{decode, encode};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    id: u64,
    delta: i128,
    price: f64,
    note: Option<String>,
    tags: Vec<u32>,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Plain,
    One(char),
    Two(i8, u16),
    Named { left: Option<Box<Kind>>, right: Vec<Kind> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Empty;

/// The types that bytes are read as.
fn read_as_all(bytes: &[u8]) {
    fn read<T: DeserializeOwned + Debug + 'static>(bytes: &[u8]) {
        let Ok(value) = decode::<T>(bytes) else { return };
        let expected = postcard::from_bytes::<T>(bytes).expect("postcard reads what is read here");
        assert_eq!(format!("{value:?}"), format!("{expected:?}"));
    }
    read::<Row>(bytes);
    read::<Vec<Row>>(bytes);
    read::<Kind>(bytes);
    read::<(bool, char, i8, i16, i32, i64, i128, u128, f32)>(bytes);
    read::<BTreeMap<String, VecDeque<u64>>>(bytes);
    read::<BTreeSet<(i64, Option<Option<bool>>)>>(bytes);
    read::<Result<[u16; 4], Box<str>>>(bytes);
    read::<Vec<(f64, f32)>>(bytes);
    read::<(SocketAddr, Duration, std::path::PathBuf)>(bytes);
    read::<(usize, isize, Empty, ())>(bytes);
    // `postcard` would count to what these claim.
    drop(decode::<Vec<()>>(bytes));
    drop(decode::<Vec<(Empty, Vec<[(); 8]>)>>(bytes));
    drop(decode::<HashMap<(), Vec<Empty>>>(bytes));
}

fn kind() -> impl Strategy<Value = Kind> {
    let leaf = prop_oneof![
        Just(Kind::Plain),
        any::<char>().prop_map(Kind::One),
        any::<(i8, u16)>().prop_map(|(left, right)| Kind::Two(left, right)),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        let left = proptest::option::of(inner.clone().prop_map(Box::new));
        (left, vec(inner, 0..3)).prop_map(|(left, right)| Kind::Named { left, right })
    })
}

fn row() -> impl Strategy<Value = Row> {
    let tags = vec(any::<u32>(), 0..40);
    let parts = (any::<u64>(), any::<i128>(), any::<f64>(), any::<Option<String>>(), tags, kind());
    parts.prop_map(|(id, delta, price, note, tags, kind)| Row { id, delta, price, note, tags, kind })
}

fn encoded<T: Serialize + DeserializeOwned + 'static>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(value, &mut bytes).expect("it can be stored");
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_come_back(rows in vec(row(), 0..40)) {
        let bytes = encoded(&rows);
        prop_assert_eq!(&bytes, &postcard::to_allocvec(&rows).expect("postcard writes it"));
        prop_assert_eq!(decode::<Vec<Row>>(&bytes).expect("it is read"), rows);
    }

    #[test]
    fn random_bytes_are_read_as_postcard_reads_them(bytes in vec(any::<u8>(), 0..200)) {
        read_as_all(&bytes);
    }

    /// Small numbers: lengths, variants and options that fit.
    #[test]
    fn small_bytes_are_read_as_postcard_reads_them(bytes in vec(prop_oneof![0_u8..6, Just(0x80)], 0..200)) {
        read_as_all(&bytes);
    }

    #[test]
    fn damaged_bytes_are_read_as_postcard_reads_them(
        rows in vec(row(), 1..4),
        cut: Index,
        changes in vec(any::<(Index, u8)>(), 0..4),
        more in vec(any::<u8>(), 0..4),
    ) {
        let mut bytes = encoded(&rows);
        bytes.truncate(cut.index(bytes.len() + 1));
        bytes.extend(more);
        for (at, byte) in changes {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] ^= byte;
            }
        }
        read_as_all(&bytes);
    }

    /// A length that no file has, before anything.
    #[test]
    fn a_value_that_claims_more_than_it_has_is_refused(claimed in 1_u64 << 20.., bytes in vec(any::<u8>(), 0..64)) {
        let bytes = [encoded(&(claimed,)), bytes].concat();
        prop_assert!(decode::<Vec<()>>(&bytes).is_err());
        prop_assert!(decode::<Vec<u64>>(&bytes).is_err());
        prop_assert!(decode::<Vec<Vec<Row>>>(&bytes).is_err());
        prop_assert!(decode::<HashSet<u64>>(&bytes).is_err());
        prop_assert!(decode::<Box<str>>(&bytes).is_err());
        prop_assert!(decode::<(String, Empty)>(&bytes).is_err());
    }
}
