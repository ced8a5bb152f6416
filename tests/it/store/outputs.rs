//! Outputs as files: saved by one run, given to another.

use std::collections::BTreeMap;
use std::sync::Mutex;

use pipeline::graph::ProblemCode;
use pipeline::run::GivenOutput;
use serde::{Deserialize, Serialize, Serializer};

use super::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Reading {
    at: &'static str,
    value: f64,
}

/// A type without serde support.
struct Opaque(u64);

/// A type that can be written but not read.
#[derive(Serialize)]
struct OneWay(u64);

/// A type whose `Serialize` panics.
struct Mine;

impl Serialize for Mine {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("planted in serialize")
    }
}

/// A type whose check quotes what it refuses.
#[derive(Serialize, Deserialize)]
#[serde(try_from = "String")]
struct Checked(String);

impl TryFrom<String> for Checked {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "north" { Ok(Checked(text)) } else { Err(format!("{text}, expected north but {text}")) }
    }
}

/// A type without a value.
#[derive(Serialize, Deserialize)]
enum Never {}

#[step]
fn saved_checked() -> Checked {
    Checked("north".to_owned())
}

#[step]
fn saved_never() -> Vec<Never> {
    Vec::new()
}

#[step]
fn reads_checked(#[from(saved_checked)] _checked: &Checked, #[from(saved_never)] _never: &[Never]) {}

#[step]
fn saved_readings() -> Vec<Reading> {
    vec![Reading { at: "noon", value: 0.1 }, Reading { at: "night", value: -3.0 }]
}

#[step]
fn saved_site() -> &'static str {
    "north"
}

#[step]
fn saved_opaque() -> Opaque {
    Opaque(7)
}

#[step]
async fn saved_one_way(saved_opaque: &Opaque) -> Result<OneWay, String> {
    Ok(OneWay(saved_opaque.0))
}

/// Takes its input, so nothing of it is left afterwards.
#[step]
fn saved_total(
    #[from(saved_readings)] readings: Vec<Reading>,
    saved_site: &&'static str,
    saved_one_way: &OneWay,
) -> String {
    format!("{saved_site} {:.1} {}", readings.iter().map(|r| r.value).sum::<f64>(), saved_one_way.0)
}

#[test]
fn outputs_with_serde_support_are_saved_and_given_to_a_later_run() {
    let folder = Folder::new();
    let store = folder.store().save_outputs(true);
    let (run, _) = record(Pipeline::to::<saved_total>(), &store);
    assert_eq!(run.output::<saved_total>().unwrap(), "north -2.9 7");
    let file = |step: &str| store.output_file("latest", step).unwrap();
    let readings = fs::read(file("saved_readings").unwrap()).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&readings),
        r#"[{"at":"noon","value":0.1},{"at":"night","value":-3.0}]"#
    );
    assert_eq!(fs::read_to_string(file("saved_total").unwrap()).unwrap(), r#""north -2.9 7""#);
    assert_eq!(fs::read_to_string(file("saved_one_way").unwrap()).unwrap(), "7");
    assert_eq!(file("saved_opaque"), None);

    let later = Pipeline::to::<saved_total>()
        .with_output_named("saved_readings", GivenOutput::json(readings))
        .with_output_named("saved_site", GivenOutput::json(br#""south""#));
    let later = later.run_blocking().unwrap();
    assert_eq!(later.status("saved_readings").unwrap(), Status::Given);
    assert_eq!(later.output::<saved_total>().unwrap(), "south -2.9 7");
}

#[test]
fn nothing_is_saved_unless_requested() {
    let folder = Folder::new();
    let (_, dir) = record(Pipeline::to::<saved_total>(), &folder.store());
    assert!(!dir.join("outputs").exists());
}

#[step]
fn seen_by_the_next() -> u64 {
    42
}

#[step(blocking)]
fn looks_for_the_file(seen_by_the_next: &u64, #[param] looked_in: PathBuf) -> bool {
    let runs = fs::read_dir(looked_in.join("runs")).unwrap();
    let saved = runs.map(|run| run.unwrap().path().join("outputs/it.store.outputs.seen_by_the_next.json"));
    let saved: Vec<String> = saved.filter_map(|path| fs::read_to_string(path).ok()).collect();
    saved == [seen_by_the_next.to_string()]
}

#[test]
fn an_output_is_on_the_disk_before_a_dependent_starts() {
    let folder = Folder::new();
    let pipeline = Pipeline::to::<looks_for_the_file>().param("looked_in", &*folder);
    let (run, _) = record(pipeline, &folder.store().save_outputs(true));
    assert!(run.output::<looks_for_the_file>().unwrap());
}

#[step]
fn saved_with_odd_keys() -> BTreeMap<(u8, u8), u8> {
    BTreeMap::from([((1, 2), 3)])
}

#[step]
fn saved_by_code_that_panics() -> Mine {
    Mine
}

#[test]
fn an_output_that_cannot_be_written_is_a_warning_and_fails_no_step() {
    let folder = Folder::new();
    for (pipeline, step, why) in [
        (Pipeline::to::<saved_with_odd_keys>(), "saved_with_odd_keys", "key must be a string"),
        (Pipeline::to::<saved_by_code_that_panics>(), "saved_by_code_that_panics", "planted in serialize"),
    ] {
        let store = folder.store().save_outputs(true);
        let run = pipeline.record_to(&store).run_blocking().unwrap();
        assert!(run.succeeded());
        let told = run.recorded().unwrap().unwrap_err().to_string();
        assert!(told.contains(why) && told.contains(&format!("/it.store.outputs.{step}.json")), "{told}");
        // No partial file is left, and the rest of the run is recorded.
        assert_eq!(store.output_file(run.id(), step).unwrap(), None);
        let outputs = store.find(run.id()).unwrap().dir.join("outputs");
        let files: Vec<_> = fs::read_dir(&outputs).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(files, ["saved.txt"]);
        let listed = fs::read_to_string(outputs.join("saved.txt")).unwrap();
        assert!(
            listed.starts_with(&format!("- it.store.outputs.{step}.json ")) && listed.contains(why),
            "{listed}"
        );
        assert_eq!(store.report(run.id()).unwrap().status, RunStatus::Succeeded);
    }
}

#[test]
fn json_of_the_wrong_type_is_a_problem_that_does_not_quote_it() {
    let total = Pipeline::to::<saved_total>;
    for (step, json, why) in [
        ("saved_readings", r#"[{"at": "hunter2", "value": "hunter2"}]"#, "expected f64 at line 1 column 37"),
        ("saved_readings", r#"[{"at": "hunter2"}]"#, "missing field `value` at line 1 column 18"),
        ("saved_readings", "[", "EOF while parsing"),
        ("saved_readings", "", "EOF while parsing"),
        ("saved_opaque", "hunter2", "serde does not know how to read"),
        ("saved_one_way", "7", "serde does not know how to read"),
    ] {
        let problems = total().with_output_named(step, GivenOutput::json(json)).run_blocking().unwrap_err();
        let told = problems.to_string();
        assert!(problems.has(ProblemCode::OverrideMismatch), "{told}");
        assert!(told.contains(why) && told.contains(&format!("`{step}`")), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
    for (step, json) in [("saved_checked", r#""hunter2""#), ("saved_never", r#"["hunter2"]"#)] {
        let given = Pipeline::to::<reads_checked>().with_output_named(step, GivenOutput::json(json));
        let told = given.run_blocking().unwrap_err().to_string();
        assert!(told.contains("its `Deserialize` refuses the value"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
    let problems =
        total().with_output_named("saved_reading", GivenOutput::json("[]")).run_blocking().unwrap_err();
    assert!(problems.to_string().contains("did you mean `saved_readings`?"), "{problems}");
}

#[test]
fn concurrent_runs_save_to_separate_folders() {
    let folder = Folder::new();
    let store = folder.store().save_outputs(true);
    let ids = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let (run, _) = record(Pipeline::to::<saved_total>(), &store);
                ids.lock().unwrap().push(run.id().to_owned());
            });
        }
    });
    for id in ids.into_inner().unwrap() {
        let file = store.output_file(&id, "saved_total").unwrap().unwrap();
        assert_eq!(fs::read_to_string(file).unwrap(), r#""north -2.9 7""#);
    }
}
