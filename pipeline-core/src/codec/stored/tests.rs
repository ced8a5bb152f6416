use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Debug;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::known::{decode, encode};
use super::{NotToStore as _, StoreAs, StoredForm, ToStore, contained};
use crate::Secret;

fn written<T: Serialize + Deserialize<'static> + 'static>(value: &T) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    contained(&mut bytes, |out| encode(value, out)).map(|()| bytes)
}

/// Returns why a value cannot be stored.
fn refused<T: Serialize + Deserialize<'static> + 'static>(value: &T) -> String {
    let error = written(value).expect_err("it cannot be stored");
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    error.to_string()
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    id: u64,
    price: f64,
    note: Option<String>,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Plain,
    Code(i128),
    Pair(u8, char),
    Named { at: (i64, f32), parts: Vec<Kind> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Marker;

fn rows(count: u64) -> Vec<Row> {
    let kinds = |id| match id % 4 {
        0 => Kind::Plain,
        1 => Kind::Code(-(i128::from(id)) << 64),
        2 => Kind::Pair(id as u8, 'é'),
        _ => Kind::Named { at: (-7, 0.5), parts: vec![Kind::Plain, Kind::Code(i128::MIN)] },
    };
    (0..count)
        .map(|id| Row {
            id: id << (id % 60),
            price: id as f64 / 3.0,
            note: (id % 3 == 0).then(|| "é".repeat(9)),
            kind: kinds(id),
        })
        .collect()
}

/// The bytes are those that `postcard` writes, and are read back as the same value.
#[test]
fn values_are_read_back_and_their_bytes_are_those_of_postcard() {
    fn check<T: Serialize + DeserializeOwned + PartialEq + Debug + 'static>(value: T) {
        let bytes = written(&value).expect("it can be stored");
        assert_eq!(bytes, postcard::to_allocvec(&value).expect("postcard writes it"));
        assert_eq!(decode::<T>(&bytes).expect("it is read"), value);
    }
    check(rows(0));
    check(rows(5));
    check(rows(40_000));
    check((u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX, usize::MAX));
    check((i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN, isize::MIN));
    check((i8::MAX, i16::MAX, i32::MAX, i64::MAX, i128::MAX, isize::MAX));
    check((0..70).map(|bits| (1_u128 << bits) - 1).collect::<Vec<_>>());
    check((0..64).map(|bits| (1_u64 << bits) - 1).collect::<VecDeque<_>>());
    check((0..63).map(|bits| (-1_i64) << bits).collect::<BTreeSet<_>>());
    check([f64::INFINITY, f64::MIN_POSITIVE, -0.0]);
    check((f32::NEG_INFINITY, true, false, '\u{10ffff}', ()));
    check((Some(Some(1)), Some(None::<u8>), None::<Option<u8>>, Some(())));
    check(BTreeMap::from([(Some((1, 'a')), vec![1]), (None, vec![])]));
    check((Box::<str>::from("a"), PathBuf::from("a/b"), IpAddr::from([1, 2, 3, 4]), Duration::from_nanos(7)));
    check(vec!["long ".repeat(50_000), String::new(), "x".repeat(4097)]);
    check(vec![(); 1000]);
    check(Marker);
}

#[test]
fn numbers_that_are_none_are_read_back() {
    let bytes = written(&(f64::NAN, -f32::NAN)).expect("it can be stored");
    let (double, single): (f64, f32) = decode(&bytes).expect("it is read");
    assert_eq!((double.to_bits(), single.to_bits()), (f64::NAN.to_bits(), (-f32::NAN).to_bits()));
}

#[test]
fn bytes_and_texts_are_stored_as_they_are() {
    assert_eq!(written(&vec![1_u8, 200]).ok(), Some(vec![1, 200]));
    assert_eq!(written(&Box::<[u8]>::from([1, 200])).ok(), Some(vec![1, 200]));
    assert_eq!(written(&"é".to_owned()).ok(), Some("é".as_bytes().to_vec()));
    assert_eq!(decode::<Vec<u8>>(&[1, 200]).ok(), Some(vec![1, 200]));
    assert_eq!(decode::<Box<[u8]>>(&[1, 200]).ok().as_deref(), Some(&[1, 200][..]));
    assert_eq!(decode::<String>("é".as_bytes()).ok().as_deref(), Some("é"));
    assert!(decode::<String>(&[200]).is_err());
    let names = [
        <ToStore<Vec<u8>>>::__PIPELINE_STORE,
        <ToStore<Box<[u8]>>>::__PIPELINE_STORE,
        <ToStore<String>>::__PIPELINE_STORE,
        <ToStore<Vec<Row>>>::__PIPELINE_STORE,
        <ToStore<io::Error>>::__PIPELINE_STORE,
    ];
    assert_eq!(
        names.map(|form| form.map(StoredForm::name)),
        [Some("bytes"), Some("bytes"), Some("text"), Some("postcard"), None]
    );
}

#[derive(Serialize, Deserialize)]
enum InVariant {
    Some {
        #[serde(skip_serializing_if = "Option::is_none", default)]
        a: Option<u8>,
    },
}

#[derive(Serialize, Deserialize)]
struct LeftOut {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    a: Option<u8>,
    b: u8,
}

#[derive(Serialize, Deserialize)]
struct OneWay {
    #[serde(skip_serializing, default)]
    #[allow(dead_code, reason = "only written")]
    a: u8,
    b: u8,
}

#[derive(Serialize, Deserialize)]
struct Flat {
    a: u8,
    #[serde(flatten)]
    more: BTreeMap<String, u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u8),
}

#[test]
fn a_value_that_could_not_be_read_back_is_refused() {
    assert!(refused(&LeftOut { a: None, b: 1 }).starts_with("its field `a` is left out"));
    assert!(written(&LeftOut { a: Some(1), b: 1 }).is_ok());

    assert!(refused(&InVariant::Some { a: None }).starts_with("its field `a` is left out"));

    assert!(refused(&OneWay { a: 1, b: 2 }).contains("cannot read: it ends too early"));
    assert!(refused(&(0..100).map(|b| OneWay { a: 1, b }).collect::<Vec<_>>()).contains("it ends too early"));

    assert!(refused(&Flat { a: 1, more: BTreeMap::new() }).contains("how many elements"));

    assert!(refused(&Untagged::Number(1)).contains("read by what it finds"));
    assert!(refused(&serde_json::json!({"a": [1]})).contains("read by what it finds"));

    let mut nested = Kind::Plain;
    for _ in 0..200 {
        nested = Kind::Named { at: (0, 0.0), parts: vec![nested] };
    }
    assert_eq!(refused(&nested), "it is nested more than 128 levels deep");
    assert!(refused(&vec![(); 100_000]).contains("that take no bytes"));
    assert!(refused(&"borrowed").contains("expected a borrowed string"));
}

/// A list that writes another number of elements than it says.
#[derive(Deserialize)]
struct Miscounted(#[allow(dead_code, reason = "only read")] Vec<u8>);

impl Serialize for Miscounted {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq as _;
        let mut list = to.serialize_seq(Some(2))?;
        self.0.iter().try_for_each(|element| list.serialize_element(element))?;
        list.end()
    }
}

#[derive(Debug)]
struct Panics;
impl Serialize for Panics {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("not today")
    }
}
impl<'de> Deserialize<'de> for Panics {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("not today either")
    }
}

#[test]
fn code_that_misbehaves_is_contained() {
    assert!(refused(&Miscounted(vec![1])).contains("another number of elements"));
    assert!(refused(&Miscounted(vec![1, 2, 3])).contains("another number of elements"));

    assert!(refused(&Panics).starts_with("its code panicked: not today"));
    let form = <ToStore<Panics>>::__PIPELINE_STORE.expect("it has both traits");
    let error = form.decode(0, &[]).expect_err("it panics");
    assert!(error.to_string().starts_with("its code panicked: not today either"), "{error}");
}

/// Its lengths have to fit each other, which those of a sample do not.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "(usize, Vec<u64>)", into = "(usize, Vec<u64>)")]
#[derive(Clone)]
struct Counted(Vec<u64>);

impl TryFrom<(usize, Vec<u64>)> for Counted {
    type Error = &'static str;

    fn try_from((length, list): (usize, Vec<u64>)) -> Result<Self, Self::Error> {
        if length == list.len() { Ok(Counted(list)) } else { Err("another length") }
    }
}

impl From<Counted> for (usize, Vec<u64>) {
    fn from(counted: Counted) -> Self {
        (counted.0.len(), counted.0)
    }
}

#[test]
fn a_type_that_refuses_its_sample_is_checked_whole() {
    let value = Counted((0..1000).collect());
    let bytes = written(&value).expect("it can be stored");
    assert_eq!(decode::<Counted>(&bytes).ok(), Some(value));
}

/// Exposes a secret when it is written.
#[derive(Deserialize)]
struct Exposed(Secret<String>);

impl Serialize for Exposed {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.expose())
    }
}

#[test]
fn no_byte_of_a_secret_is_written() {
    let mut all: Vec<(String, Option<Exposed>)> = (0..50_000).map(|_| ("plain".to_owned(), None)).collect();
    all[40_000].1 = Some(Exposed(Secret::new("hunter2".to_owned())));
    let mut bytes = Vec::new();
    let error = contained(&mut bytes, |out| encode(&all, out)).expect_err("it holds a secret");
    assert_eq!((error.kind(), error.to_string().as_str()), (io::ErrorKind::Unsupported, "it holds a secret"));
    assert!(bytes.len() > 100_000 && !bytes.windows(7).any(|window| window == b"hunter2"));
    assert_eq!(refused(&Exposed(Secret::new("hunter2".to_owned()))), "it holds a secret");
}

#[test]
fn an_error_of_the_writer_stays_one() {
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for count in [1, 40_000] {
        let error = contained(&mut Full, |out| encode(&rows(count), out)).expect_err("it is full");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Endless(#[allow(dead_code, reason = "only read")] Vec<Endless>);
#[derive(Deserialize)]
#[serde(transparent)]
struct Chain(#[allow(dead_code, reason = "only read")] Option<Box<Chain>>);

/// Numbers as text, for people.
struct Lines;

impl StoreAs<Vec<u64>> for Lines {
    const NAME: &'static str = "lines";

    fn encode(numbers: &Vec<u64>, out: &mut dyn io::Write) -> io::Result<()> {
        numbers.iter().try_for_each(|number| writeln!(out, "{number}"))
    }

    fn decode(bytes: &[u8]) -> io::Result<Vec<u64>> {
        let text = str::from_utf8(bytes).map_err(io::Error::other)?;
        text.lines().map(|line| line.parse().map_err(io::Error::other)).collect()
    }
}

#[test]
fn a_codec_of_users_replaces_serde() {
    let form = StoredForm::by::<Lines, Vec<u64>>();
    let postcard = <ToStore<Vec<u64>>>::__PIPELINE_STORE.expect("it has both traits");
    assert_eq!((form.name(), form.refused()), ("lines", None));
    assert_ne!(form.shape(), postcard.shape());
    let (_, value) = form.decode(0, b"7\n8\n").expect("they are numbers").into_parts();
    assert_eq!(value.into_value().downcast_ref(), Some(&vec![7_u64, 8]));
    assert_eq!(
        form.decode(0, b"seven").expect_err("it is none").to_string(),
        "invalid digit found in string"
    );
}

/// What a hostile file may hold: each ends at once, with an error.
#[test]
fn bytes_that_are_no_value_are_refused() {
    fn error<T: Deserialize<'static> + 'static>(bytes: &[u8]) -> String {
        decode::<T>(bytes).err().expect("it is no value").to_string()
    }
    let claims = [0xff, 0xff, 0xff, 0xff, 0x7f];
    assert_eq!(error::<Vec<()>>(&claims), "it claims more elements than it has");
    assert_eq!(error::<Vec<u64>>(&claims), "it claims more elements than it has");
    assert_eq!(error::<BTreeMap<(), u8>>(&claims), "it claims more elements than it has");
    assert_eq!(error::<Vec<[(); 3]>>(&[0x80, 0x80, 0x05]), "it claims more elements than it has");
    assert_eq!(
        error::<Vec<Vec<()>>>(&[2, 0xff, 0xff, 3, 0xff, 0xff, 3]),
        "it claims more elements than it has"
    );
    assert_eq!(error::<Box<str>>(&claims), "it ends too early");
    assert_eq!(error::<u64>(&[[0xff; 9].as_slice(), &[0x7f]].concat()), "a number is too large for its type");
    assert_eq!(error::<u64>(&[0xff; 9]), "it ends too early");
    assert_eq!(error::<u128>(&[0xff; 30]), "a number is too large for its type");
    assert_eq!(error::<u16>(&[0xff, 0xff, 0x7f]), "a number is too large for its type");
    assert_eq!(error::<i16>(&[0xff, 0xff, 0x7f]), "a number is too large for its type");
    assert_eq!(error::<bool>(&[2]), "a `bool` is neither 0 nor 1");
    assert_eq!(error::<Option<u8>>(&[2]), "an `Option` is neither 0 nor 1");
    assert_eq!(error::<char>(b"\x02ab"), "a `char` is not one");
    assert_eq!(error::<char>(&[0]), "a `char` is not one");
    assert_eq!(error::<Box<str>>(&[1, 0xc3]), "a text is not UTF-8");
    assert_eq!(error::<u8>(&[1, 2]), "there are bytes after its end");
    assert_eq!(error::<Kind>(&[9]), "expected variant index 0 <= i < 4");
    assert_eq!(error::<(u8, u8)>(&[1]), "it ends too early");
    assert_eq!(error::<Endless>(&vec![1; 100_000]), "it is nested more than 128 levels deep");
    assert_eq!(error::<Chain>(&vec![1; 100_000]), "it is nested more than 128 levels deep");
}

#[test]
fn an_error_does_not_quote_the_value() {
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "String")]
    struct Checked;
    impl TryFrom<String> for Checked {
        type Error = String;

        fn try_from(text: String) -> Result<Self, String> {
            Err(format!("no such name: {text}"))
        }
    }
    let bytes = written(&("hunter2".to_owned(),)).expect("it can be stored");
    for error in [
        decode::<(Checked,)>(&bytes).expect_err("it is refused").to_string(),
        decode::<(&'static str,)>(&bytes).expect_err("it borrows").to_string(),
    ] {
        assert!(!error.contains("hunter2"), "{error}");
    }
}
