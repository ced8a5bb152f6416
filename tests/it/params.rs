//! Run parameters and resources: given, default, missing, unknown, of the wrong type.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pipeline::StepDefaults;
use pipeline::graph::{Problem, ProblemCode};
use pipeline::prelude::*;

/// A05: values from code and from text, read as the type that the step asks for.
#[test]
fn parameters_come_from_code_and_from_text_as_the_type_asked_for() {
    #[step]
    fn typed(
        #[param] n: u64,
        #[param] path: PathBuf,
        #[param] on: bool,
        #[param] list: &[u8],
        #[param] name: &str,
    ) -> String {
        format!("{n} {} {on} {list:?} {name}", path.display())
    }
    let from_code = Pipeline::to::<typed>()
        .param("n", 7)
        .param("path", PathBuf::from("a/b"))
        .param("on", true)
        .param("list", [1, 2])
        .param("name", "x");
    let from_text = Pipeline::to::<typed>()
        .param_text("n", "7")
        .param_text("path", "a/b")
        .param_text("on", "true")
        .param_text("list", "[1, 2]")
        .param_text("name", "x");
    for pipeline in [from_code, from_text] {
        let run = pipeline.run_blocking().unwrap();
        assert_eq!(run.output::<typed>().unwrap(), "7 a/b true [1, 2] x");
    }
}

/// A05: text for a string parameter stays text.
#[test]
fn text_that_looks_like_a_number_stays_text_for_a_string() {
    #[step]
    fn zip(#[param] code: String, #[param] maybe: Option<String>, #[param] count: Option<u32>) -> String {
        format!("{code} {maybe:?} {count:?}")
    }
    let run = Pipeline::to::<zip>()
        .param_text("code", "01234")
        .param_text("maybe", "null")
        .param_text("count", "3");
    assert_eq!(run.run_blocking().unwrap().output::<zip>().unwrap(), "01234 Some(\"null\") Some(3)");
}

/// A06: defaults of every form; an `Option` may be missing.
#[test]
fn parameters_that_are_not_given_have_their_defaults() {
    #[step]
    fn defaults(
        #[param(default = 3)] n: u8,
        #[param(default)] list: Vec<u8>,
        #[param(default = "out")] dir: PathBuf,
        #[param] missing: Option<u32>,
        #[param(name = "other", default = 1)] renamed: u32,
    ) -> String {
        format!("{n} {list:?} {} {missing:?} {renamed}", dir.display())
    }
    let run = Pipeline::to::<defaults>().run_blocking().unwrap();
    assert_eq!(run.output::<defaults>().unwrap(), "3 [] out None 1");
    let run = Pipeline::to::<defaults>().param("other", 9).param("missing", 4).run_blocking().unwrap();
    assert_eq!(run.output::<defaults>().unwrap(), "3 [] out Some(4) 9");
}

/// A06, A05, B05: all that is missing, unknown or of the wrong type is reported at once, with codes, before a step
/// runs.
#[test]
fn all_problems_of_parameters_resources_and_settings_are_reported_at_once() {
    #[step]
    fn first(#[param] width: u32, #[param] height: u32, #[resource] pool: &BTreeMap<u8, u8>) -> u32 {
        width + height + pool.len() as u32
    }
    #[step]
    fn second(first: &u32, #[param] depth: u32, #[resource("replica")] replica: &String) -> u32 {
        first + depth + replica.len() as u32
    }
    let started = crate::support::Recorder::default();
    let problems = Pipeline::to::<second>()
        .param("height", "tall")
        .param("heigth", 3)
        .settings(Settings::default().cpu(0))
        .observe(started.clone())
        .run_blocking()
        .unwrap_err();
    let codes: Vec<ProblemCode> = problems.iter().map(|problem| problem.code).collect();
    use ProblemCode::{InvalidParam, InvalidSetting, MissingParam, MissingResource, UnknownParam};
    assert_eq!(
        codes,
        [
            MissingParam,
            MissingParam,
            InvalidParam,
            UnknownParam,
            MissingResource,
            MissingResource,
            InvalidSetting
        ],
        "{problems}"
    );
    let text = problems.to_string();
    for part in
        ["`width`", "`depth`", "`height`", "did you mean `height`?", "`replica`", "PL0010", "`cpu` is `0`"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(started.seen().is_empty(), "nothing has started");
}

/// A05: the value for one step wins over the value for all.
#[test]
fn a_parameter_can_be_set_for_one_step() {
    #[step]
    fn left(#[param] size: u32) -> u32 {
        size
    }
    #[step]
    fn right(#[param] size: u32) -> u32 {
        size
    }
    let run =
        Pipeline::to::<left>().and::<right>().param("size", 1).param("right.size", 2).run_blocking().unwrap();
    assert_eq!((run.output::<left>(), run.output::<right>()), (Ok(&1), Ok(&2)));
}

/// A05: of two values for one name, the later wins.
#[test]
fn the_last_value_of_a_parameter_wins() {
    #[step]
    fn reads(#[param] a: u32) -> u32 {
        a
    }
    let run = Pipeline::to::<reads>().param("a", 1).param("a", 2).run_blocking().unwrap();
    assert_eq!(run.output::<reads>(), Ok(&2));
}

/// A disabled step reads nothing: neither its parameters nor its resources are required.
#[test]
fn a_disabled_step_needs_no_parameter_and_no_resource() {
    #[derive(Debug)]
    struct Mailer;
    #[step]
    fn made() -> u32 {
        1
    }
    #[step(writes)]
    fn sent(made: &u32, #[param] to: String, #[param] token: Secret<String>, #[resource] mailer: &Mailer) {
        panic!("{made} {to} {} {mailer:?}", token.expose());
    }
    let pipeline = Pipeline::to::<sent>();
    assert!(pipeline.run_blocking().unwrap_err().has(ProblemCode::MissingParam));
    let off = Settings::default().step("sent", StepDefaults::new().enabled(false));
    for settings in [off, Settings::default().no_write(true)] {
        let run = pipeline.clone().settings(settings.deterministic(true)).run_blocking().unwrap();
        assert_eq!(run.report().counts.skipped, 1);
        assert!(!run.report().provenance.params.contains_key("to"), "{:?}", run.report().provenance);
    }
    let wrong = Settings::default().step("made", StepDefaults::new().enabled(false));
    assert!(pipeline.settings(wrong).run_blocking().unwrap_err().has(ProblemCode::MissingResource));
}

/// Parameters of steps that an override excludes are not required.
#[test]
fn parameters_of_steps_that_do_not_run_are_not_required() {
    #[step]
    fn loads(#[param] url: String) -> String {
        url
    }
    #[step]
    fn counts(loads: &str) -> usize {
        loads.len()
    }
    let run = Pipeline::to::<counts>().with_output::<loads>("abc".into()).run_blocking().unwrap();
    assert_eq!(run.output::<counts>(), Ok(&3));
    let run = Pipeline::to::<counts>().with_output::<loads>("abc".into()).param("url", "x").run_blocking();
    assert!(run.is_ok(), "one set of parameters serves every target");
}

/// A value without a JSON form is one problem among the others.
#[test]
fn a_value_that_serde_cannot_write_is_a_problem() {
    #[step]
    fn wants(#[param] map: BTreeMap<String, u32>) -> usize {
        map.len()
    }
    let bad: BTreeMap<Vec<u8>, u32> = [(vec![1], 1)].into();
    let problems = Pipeline::to::<wants>().param("map", bad).run_blocking().unwrap_err();
    assert!(problems.has(ProblemCode::InvalidParam), "{problems}");
}

/// What JSON would change is refused by name: infinity and NaN do not become `None`, nor does `Some(None)`.
#[test]
fn a_value_that_json_would_change_is_a_problem() {
    #[step]
    fn level(#[param] level: Option<f64>) -> Option<f64> {
        level
    }
    #[step]
    fn levels(#[param] levels: Vec<Option<f32>>) -> usize {
        levels.into_iter().flatten().count()
    }
    #[allow(clippy::option_option, reason = "such a value is what is tested")]
    #[step]
    fn nested(#[param] nested: Option<Option<u32>>) -> bool {
        nested.is_some()
    }
    let level = |value: f64| Pipeline::to::<level>().param("level", value);
    for (pipeline, why) in [
        (level(f64::INFINITY), "JSON has no infinite number"),
        (level(f64::NEG_INFINITY), "JSON has no infinite number"),
        (level(f64::NAN), "JSON has no NaN"),
        (Pipeline::to::<levels>().param("levels", [1.0, f32::INFINITY]), "JSON has no infinite number"),
        (Pipeline::to::<nested>().param("nested", Some(None::<u32>)), "a `Some` that holds nothing"),
        (Pipeline::to::<nested>().param("nested", Some(())), "a `Some` that holds nothing"),
    ] {
        let problems = pipeline.run_blocking().unwrap_err();
        let told = problems.to_string();
        assert!(problems.has(ProblemCode::InvalidParam) && told.contains(why), "{told}");
    }
    assert_eq!(level(f64::MAX).run_blocking().unwrap().output::<level>(), Ok(&Some(f64::MAX)));
    let none = Pipeline::to::<nested>().param("nested", None::<u32>).run_blocking().unwrap();
    assert_eq!(none.output::<nested>(), Ok(&false));
}

/// Parameters are shown by name only.
#[test]
fn no_debug_text_or_report_contains_parameter_values() {
    #[step]
    fn logs_in(#[param] password: String) -> usize {
        password.len()
    }
    let pipeline = Pipeline::to::<logs_in>().param("password", "hunter2-secret");
    let run = pipeline.run_blocking().unwrap();
    for text in
        [format!("{pipeline:?}"), format!("{run:?}"), run.report().to_json(), run.report().to_string()]
    {
        assert!(!text.contains("hunter2"), "{text}");
    }
}

/// Resources are found by type, and by name if there are several.
#[test]
fn resources_are_found_by_type_and_name() {
    #[step]
    fn plain(#[resource] text: &String, #[resource("replica")] replica: &String) -> String {
        format!("{text}+{replica}")
    }
    let run = Pipeline::to::<plain>()
        .resource("main".to_owned())
        .resource_named("replica", "copy".to_owned())
        .run_blocking()
        .unwrap();
    assert_eq!(run.output::<plain>().unwrap(), "main+copy");
}

/// Types have short names; full ones only if two would look the same.
#[test]
fn types_in_problems_are_short_unless_two_look_the_same() {
    mod of_orders {
        #[derive(Debug, serde::Deserialize)]
        pub(super) struct Id(pub(super) u32);
    }
    mod of_users {
        #[derive(Debug, serde::Deserialize)]
        pub(super) struct Id(pub(super) u32);
    }
    #[step]
    fn wants_alike(
        #[param] order: of_orders::Id,
        #[param] user: of_users::Id,
        #[param] paths: Vec<PathBuf>,
    ) -> u32 {
        order.0 + user.0 + paths.len() as u32
    }
    let problems = Pipeline::to::<wants_alike>().param("user", "x").run_blocking().unwrap_err();
    let told = |name: &str| {
        let about = |problem: &&Problem| problem.message.starts_with(&format!("run parameter `{name}`"));
        let problem = problems.iter().find(about).unwrap_or_else(|| panic!("{problems}"));
        (problem.message.clone(), problem.notes.join("; "))
    };
    let (message, notes) = told("paths");
    assert_eq!(
        (message.as_str(), notes.as_str()),
        ("run parameter `paths` (`Vec<PathBuf>`) was not given", "")
    );
    let (message, notes) = told("order");
    assert_eq!(message, "run parameter `order` (`Id`) was not given");
    assert!(notes.starts_with("`Id` is ") && notes.contains("of_orders::Id"), "{notes}");
    let (message, notes) = told("user");
    assert_eq!(message, "run parameter `user` does not fit `Id`");
    assert!(notes.contains("of_users::Id"), "{notes}");
}
