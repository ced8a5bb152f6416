//! `cache why`: whether a run would find a step, and what differs.

use std::fs::{self, OpenOptions};
use std::io::Write;

use super::Place;
use crate::support::{command, path, ran};

#[test]
fn a_step_that_would_be_found_is_a_hit() {
    let place = Place::new();
    let before = place.run("").len();
    assert_eq!(before, 6);
    let why = place.call("cache why total").exits(0).out;
    assert!(why.starts_with("cache::total would be a hit\n  stored: made "), "{why}");
    assert!(place.run("").len() == 1, "asking has changed nothing");
}

#[test]
fn what_differs_is_named() {
    let place = Place::new();
    let nothing = |step: &str| place.call(&format!("cache why {step}"));
    assert!(nothing("total").exits(2).err.contains("nothing is stored"));
    place.run("--exclude parity");
    let why = |arguments: &str| place.call(&format!("cache why {arguments}")).exits(0).out;
    assert!(why("total -p times=2").contains("would run"));
    assert!(why("total -p times=2").contains("parameter: its parameter `times` changed"));
    let upstream = why("total -p count=4");
    assert!(upstream.contains("looked up during the run: it reads the output of `numbers`"), "{upstream}");
    assert!(why("parity").contains("nothing of it is stored"));
    place.run("");
    assert!(why("parity").contains("its own key"));
    place.run("total -p times=3");
    let summary = why("summary -p times=3");
    assert!(
        summary.contains("input: its input `total` changed: `cache::total` has another output"),
        "{summary}"
    );
    place.write_input("one\ntwo\nthree\n");
    assert!(why("text").contains("parameter: its parameter `input` changed"));
    let json = place.call("cache why text --json").exits(0).json();
    assert_eq!(json["outlook"], "miss");
    assert_eq!(json["differences"][0]["of"], "parameter");
}

#[test]
fn a_step_that_cannot_be_cached_says_why() {
    let place = Place::new();
    place.run("");
    let why = |arguments: &str| place.call(&format!("cache why {arguments}")).exits(0).out;
    assert!(why("shown").contains("cannot be cached: nothing asks for it"), "{}", why("shown"));
    assert!(why("opaque --cache").contains("`Serialize` and `Deserialize`"), "{}", why("opaque --cache"));
    assert!(why("written --cache").contains("it writes"), "{}", why("written --cache"));
    assert!(why("text --no-cache").contains("cannot be cached"));
}

#[test]
fn another_program_is_named_as_the_reason() {
    let place = Place::new();
    place.run("");
    // The same program but for a byte behind its end.
    let other = place.0.join("cache");
    fs::copy(path("cache"), &other).unwrap();
    OpenOptions::new().append(true).open(&other).unwrap().write_all(b"\n").unwrap();
    let mut program = std::process::Command::new(&other);
    crate::support::clean(&mut program);
    program.current_dir(&*place.0).env("PIPELINE_PARAM_input", "input.txt");
    let why = ran(program.args(["cache", "why", "text"])).exits(0).out;
    assert!(why.contains("code: the program changed") && why.contains("pipeline-build"), "{why}");
    let same = ran(command("cache", &place.0)
        .env("PIPELINE_PARAM_input", "input.txt")
        .args(["cache", "why", "text"]));
    assert!(same.exits(0).out.contains("would be a hit"));
}
