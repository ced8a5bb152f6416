//! What changes the fingerprint of a graph, and what does not.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::{Sketch, graph, step, step_in};
use crate::lane::Lane;
use crate::location::{Location, Package};
use crate::params::ParamDef;
use crate::step::{InputKind, Mode, Quorum, Source};
use crate::value::TypeDef;
use crate::{Fingerprint, Plan, PlanOptions, Policy};

fn of_options(steps: Vec<Sketch>, options: &PlanOptions) -> Fingerprint {
    Plan::new(Arc::new(graph(steps)), options).expect("a plan").fingerprint()
}

fn of(steps: Vec<Sketch>) -> Fingerprint {
    of_options(steps, &PlanOptions::default())
}

/// A graph in which `read` reads `a` and `b`, one after the other.
fn with(read: impl FnOnce(Sketch) -> Sketch) -> Fingerprint {
    of(vec![step("a"), step("b"), read(step("read"))])
}

fn base(read: Sketch) -> Sketch {
    read.reads("x", 0).reads("y", 1)
}

/// The base, with its reader's definition or policy changed.
fn with_def(change: impl FnOnce(&mut crate::StepDef)) -> Fingerprint {
    with(|read| {
        let mut read = base(read);
        change(&mut read.def);
        read
    })
}

fn with_policy(change: impl FnOnce(&mut Policy)) -> Fingerprint {
    with_def(|def| change(&mut def.policy))
}

fn collecting(quorum: Quorum) -> Fingerprint {
    with(|mut read| {
        read = read.collects("x", &[0, 1]);
        read.def.inputs.to_mut()[0].kind = InputKind::Upstream {
            source: Source::UnboundMany,
            mode: Mode::Borrow,
            quorum,
            ty: TypeDef::of::<u64>(),
        };
        read
    })
}

fn param(name: &'static str) -> InputKind {
    InputKind::Param(ParamDef {
        name: name.into(),
        ty: TypeDef::of::<u64>(),
        has_default: false,
        secret: || Some(false),
        parse: |_| Err(String::new()),
        default: None,
        default_text: None,
        copy: None,
    })
}

#[test]
fn what_affects_the_outcome_changes_the_fingerprint() {
    let resource = |name: Option<&'static str>| InputKind::Resource {
        name: name.map(Cow::Borrowed),
        ty: TypeDef::of::<u8>(),
        holders: &[],
    };
    let all = [
        ("nothing", with(base)),
        ("a step more", of(vec![step("a"), step("b"), base(step("read")), step("more")])),
        ("another name", of(vec![step("a"), step("b"), base(step("other"))])),
        ("another function", of(vec![step("a"), step("b"), base(step_in("elsewhere", "read"))])),
        ("an instance of its own name", of(vec![step("a"), step("b"), base(step("read").named("r2"))])),
        ("an edge less", with(|read| read.reads("x", 0))),
        ("edges crossed", with(|read| read.reads("x", 1).reads("y", 0))),
        ("another parameter", with(|read| read.reads("x", 0).reads("z", 1))),
        ("an edge without data", with(|read| read.reads("x", 0).after(&[1]))),
        ("taken", with(|read| read.reads("x", 0).reads_as("y", 1, Mode::Take))),
        ("optional", with(|read| read.reads("x", 0).reads_as("y", 1, Mode::Option))),
        ("as an outcome", with(|read| read.reads("x", 0).reads_as("y", 1, Mode::Result))),
        ("all of many", collecting(Quorum::All)),
        ("one of many", collecting(Quorum::AtLeast { count: 1, cancel: false })),
        ("two of many", collecting(Quorum::AtLeast { count: 2, cancel: false })),
        ("one of many, early", collecting(Quorum::AtLeast { count: 1, cancel: true })),
        ("many in another order", with(|read| read.collects("x", &[1, 0]))),
        ("a parameter of the run", with(|read| base(read).param(param("p"), "p"))),
        ("given as another", with(|read| base(read).param(param("q"), "p"))),
        ("a resource", with(|read| base(read).param(resource(None), "p"))),
        ("a named one", with(|read| base(read).param(resource(Some("n")), "p"))),
        ("the context", with(|read| base(read).param(InputKind::Context, "p"))),
        ("another output", with_def(|def| def.output = TypeDef::of::<i64>())),
        ("retries", with_policy(|policy| policy.retries = Some(1))),
        ("more retries", with_policy(|policy| policy.retries = Some(2))),
        ("a timeout", with_policy(|policy| policy.timeout = Some(Duration::from_millis(1)))),
        ("a deadline", with_policy(|policy| policy.deadline = Some(Duration::from_millis(1)))),
        ("may fail", with_policy(|policy| policy.optional = true)),
        ("stops the run", with_policy(|policy| policy.fail_fast = true)),
        ("a fallback", with_policy(|policy| policy.has_fallback = true)),
        ("a condition", with_policy(|policy| policy.when = Some("x > 1"))),
        ("one after another", with_policy(|policy| policy.sequential = Some("s".into()))),
        ("a given output", {
            let steps = vec![step("a"), step("b"), base(step("read"))];
            of_options(steps, &PlanOptions { given: vec![0], ..PlanOptions::default() })
        }),
    ];
    for (position, (what, fingerprint)) in all.iter().enumerate() {
        let same = all[..position].iter().find(|(_, earlier)| earlier == fingerprint);
        assert!(same.is_none(), "`{what}` gives the same as `{}`", same.map_or("", |same| same.0));
    }
}

#[test]
fn where_when_and_beside_what_a_step_runs_changes_nothing() {
    let all = [
        ("nothing", with(base)),
        ("written elsewhere", with_def(|def| def.location = Location { file: "x.rs", line: 1, column: 1 })),
        ("documented", with_def(|def| def.doc = "words".into())),
        ("tagged", with(|read| base(read).tags(&["t"]).group("g"))),
        ("on another lane", with(|read| base(read).lane(Lane::Blocking))),
        ("of another weight", with_def(|def| def.cost = 9)),
        ("another version", with_def(|def| def.package = Package { name: "shop", version: "9.0.0" })),
        ("more urgent", with_policy(|policy| policy.priority = 5)),
        ("exclusive", with_policy(|policy| policy.exclusive = true)),
        ("of many cores", with_policy(|policy| policy.cores = Some(2))),
        ("wanted as well", {
            let steps = vec![step("a"), step("b"), base(step("read"))];
            of_options(steps, &PlanOptions { keep: vec![0, 1], keep_all: true, ..PlanOptions::default() })
        }),
    ];
    for (what, fingerprint) in &all {
        assert_eq!(*fingerprint, all[0].1, "{what}");
    }
}

/// If the graph leaves the order open, the plan has that of the builder; and steps are run and reported in plan order.
#[test]
fn steps_in_another_order_are_another_graph() {
    let named = |first: &'static str, second: &'static str, [x, y]: [u32; 2]| {
        of(vec![step(first), step(second), step("read").reads("x", x).reads("y", y)])
    };
    assert_ne!(named("a", "b", [0, 1]), named("b", "a", [1, 0]));
}

/// Computed by another implementation, as its golden values are: the same in every process and version.
#[test]
fn the_fingerprint_of_a_graph_does_not_change_between_versions() {
    assert_eq!(with(base).to_string(), "13405f96d3dab64969ade0542fbf70b6");
}
