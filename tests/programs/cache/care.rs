//! `cache ls`, `show`, `verify`, `rm`, `gc`.

use std::fs;

use pipeline::store::ValueStore;

use super::{ALL, Place};

#[test]
fn stored_values_are_listed_by_step_and_by_key() {
    let place = Place::new();
    assert_eq!(place.run(""), ALL);
    assert_eq!(place.run(""), ["shown: 2 lines, 6"]);
    let all = place.call("cache ls --json").exits(0).json();
    let steps = |json: &serde_json::Value| {
        let steps = json.as_array().unwrap().iter();
        let mut steps: Vec<String> = steps.map(|value| value["step"].as_str().unwrap().to_owned()).collect();
        steps.sort();
        steps
    };
    assert_eq!(
        steps(&all),
        ["file", "numbers", "parity", "summary", "text", "total"].map(|step| format!("cache::{step}"))
    );
    let text = place.call("cache ls").exits(0).out;
    assert!(text.contains("6 values of 6 steps"), "{text}");
    assert!(text.lines().next().unwrap().starts_with("step"), "{text}");
    place.run("-p count=4");
    let numbers = place.call("cache ls numbers --json").exits(0).json();
    assert_eq!(steps(&numbers), ["cache::numbers", "cache::numbers"]);
    let key = numbers[0]["key"].as_str().unwrap();
    let by_key = place.call(&format!("cache ls {} --json", &key[..12])).exits(0).json();
    assert_eq!(by_key.as_array().unwrap().len(), 1);
    assert_eq!(by_key[0]["key"], numbers[0]["key"]);
    let by_step = place.call("cache ls --by-step --json").exits(0).json();
    let of_numbers = by_step.as_array().unwrap().iter().find(|row| row["step"] == "cache::numbers").unwrap();
    assert_eq!(of_numbers["values"], 2);
    let limited = place.call("cache ls -n 1").exits(0).out;
    assert!(limited.contains("more; --limit shows more"), "{limited}");
}

#[test]
fn the_record_of_a_value_is_shown() {
    let place = Place::new();
    place.run("");
    let shown = place.call("cache show summary").exits(0).out;
    for part in [
        "cache::summary",
        "version 1",
        "text: cache::text, content ",
        "total: cache::total, content ",
        "postcard",
    ] {
        assert!(shown.contains(part), "{part}:\n{shown}");
    }
    let shown = place.call("cache show cache::text").exits(0).out;
    assert!(shown.contains("the whole program, ") && shown.contains("input: "), "{shown}");
    assert!(place.call("cache show parity").exits(0).out.contains("own key"));
    let record = place.call("cache show total --json").exits(0).json();
    assert_eq!(record["inputs"][0]["steps"][0]["step"], "cache::numbers");
    let unknown = place.call("cache show nothing").exits(2).err;
    assert!(unknown.contains("`nothing`") && unknown.contains("`cache ls`"), "{unknown}");
}

#[test]
fn a_step_whose_value_was_removed_runs_again() {
    let place = Place::new();
    place.run("");
    let bytes = place.blobs().len();
    let removed = place.call("cache rm text").exits(0).out;
    assert!(removed.starts_with("removed 1 value; "), "{removed}");
    assert_eq!(place.blobs().len(), bytes - 1, "the bytes are gone too");
    assert_eq!(place.run(""), ["shown: 2 lines, 6", "text"]);
    assert!(place.call("cache rm nothing").exits(2).err.contains("`nothing`"));
    assert_eq!(place.call("cache rm").exits(2).out, "");
    // In use, the records go, and the bytes stay.
    let user = ValueStore::open(place.store()).unwrap();
    let removed = place.call("cache rm --all").exits(0).out;
    assert!(removed.starts_with("removed 6 values; their bytes stay until `cache gc`"), "{removed}");
    assert_eq!(place.blobs().len(), bytes);
    drop(user);
    assert_eq!(place.call("cache gc --json").exits(0).json()["blobs"], bytes);
    assert_eq!(place.run(""), ALL);
}

#[test]
fn what_is_old_or_too_much_is_removed_unless_a_run_is_under_way() {
    let place = Place::new();
    place.run("");
    let kept = place.call("cache gc --older-than 30d --max-size 1GB --json").exits(0).json();
    assert_eq!(kept, serde_json::json!({ "values": 0, "blobs": 0, "bytes": 0 }));
    let user = ValueStore::open(place.store()).unwrap();
    let refused = place.call("cache gc --max-size 0B").exits(3).err;
    assert!(refused.contains("store"), "{refused}");
    drop(user);
    let removed = place.call("cache gc --max-size 0B").exits(0).out;
    assert!(removed.starts_with("removed 6 values and "), "{removed}");
    assert_eq!(place.run(""), ALL);
    for wrong in ["cache gc --older-than soon", "cache gc --max-size much"] {
        assert!(place.call(wrong).exits(2).err.contains(wrong.rsplit(' ').next().unwrap()));
    }
}

#[test]
fn damage_is_found_named_and_made_again() {
    let place = Place::new();
    place.run("");
    let right = place.call("cache verify").exits(0).out;
    assert!(right.starts_with("6 values and "), "{right}");
    let is_text = |path: &&std::path::PathBuf| fs::read(path).unwrap() == b"one\ntwo\n";
    let blobs = place.blobs();
    fs::write(blobs.iter().find(is_text).unwrap(), "one\ntwx\n").unwrap();
    let wrong = place.call("cache verify --json").exits(1).json();
    let problems = wrong["problems"].as_array().unwrap();
    assert!(problems.iter().any(|problem| problem.as_str().unwrap().contains("damaged")), "{wrong}");
    assert_eq!(place.run(""), ["shown: 2 lines, 6", "text"]);
    place.call("cache verify").exits(0);
}

#[test]
fn without_a_store_the_verbs_say_how_to_get_one() {
    let place = Place::new();
    let none = place.call("cache ls").exits(2).err;
    assert!(none.contains("nothing is stored") && none.contains("--store DIR"), "{none}");
    assert!(!place.store().exists(), "looking makes none");
    assert!(place.call("cache ls --store none").exits(2).err.contains("no store is in use"));
    place.run("--store other");
    assert!(place.call("cache ls --store other").exits(0).out.contains("6 values"));
}
