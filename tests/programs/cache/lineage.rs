//! `lineage` and `cache export`.

use std::fs;

use super::Place;

fn steps(related: &serde_json::Value) -> Vec<(u64, &str)> {
    let related = related.as_array().unwrap().iter();
    let mut steps: Vec<(u64, &str)> =
        related.map(|value| (value["distance"].as_u64().unwrap(), value["step"].as_str().unwrap())).collect();
    steps.sort_unstable();
    steps
}

#[test]
fn a_value_is_followed_to_what_made_it_and_to_what_was_made_of_it() {
    let place = Place::new();
    place.run("");
    let total = place.call("lineage total --json").exits(0).json();
    assert_eq!(total["value"]["step"], "cache::total");
    assert_eq!(steps(&total["made_of"]), [(1, "cache::numbers")]);
    assert_eq!(steps(&total["made_for"]), [(1, "cache::parity"), (1, "cache::summary")]);
    let summary = place.call("lineage summary --json").exits(0).json();
    assert_eq!(steps(&summary["made_of"]), [(1, "cache::text"), (1, "cache::total"), (2, "cache::numbers")]);
    // Values of other inputs are not part of it.
    place.run("-p count=4");
    let key = total["value"]["key"].as_str().unwrap();
    let again = place.call(&format!("lineage {key} --json")).exits(0).json();
    assert_eq!(steps(&again["made_for"]).len(), 2);
    let text = place.call("lineage numbers").exits(0).out;
    assert!(text.contains("\nmade of\n  no other step's output\n\nused for\n  cache::total"), "{text}");
    place.call("cache rm numbers");
    let gone = place.call("lineage total").exits(0).out;
    assert!(gone.contains("not stored"), "{gone}");
}

#[test]
fn a_file_is_followed_to_the_values_that_were_made_of_it() {
    let place = Place::new();
    place.run("");
    let input = place.call("lineage input.txt --json").exits(0).json();
    // The text of the file is the value of `text`, too.
    assert_eq!(input["value"]["step"], "cache::text");
    assert_eq!(steps(&input["made_for"]), [(1, "cache::summary")]);
    place.call("cache rm text").exits(0);
    place.write_input("one\n");
    place.run("");
    fs::write(place.0.join("other.txt"), "no step reads it").unwrap();
    assert!(place.call("lineage other.txt").exits(2).err.contains("`other.txt`"));
    place.run("-p input=other.txt");
    place.call("cache rm text").exits(0);
    let unread = place.call("lineage other.txt").exits(2).err;
    assert!(unread.contains("no value in the store"), "{unread}");
}

#[test]
fn a_value_is_exported_as_it_is_or_as_json() {
    let place = Place::new();
    place.run("");
    let read = |name: &str| fs::read_to_string(place.0.join(name)).unwrap();
    let said = place.call("cache export text out.txt").exits(0).out;
    assert_eq!((said.as_str(), read("out.txt").as_str()), ("wrote out.txt\n", "one\ntwo\n"));
    place.call("cache export summary out.json").exits(0);
    assert_eq!(read("out.json"), "{\"lines\":2,\"total\":6}\n");
    let numbers = place.call("cache export numbers raw --raw --json").exits(0).json();
    assert_eq!((&numbers["codec"], &numbers["bytes"]), (&"postcard".into(), &4.into()));
    assert_eq!(fs::read(place.0.join("raw")).unwrap(), [3, 1, 2, 3]);
    place.call("cache export file copy.csv").exits(0);
    assert_eq!(read("copy.csv"), "a,b\n");
    let unknown = place.call("cache export nothing out").exits(2).err;
    assert!(unknown.contains("`cache ls`"), "{unknown}");
    assert!(!place.0.join("out").exists());
}
