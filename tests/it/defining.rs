//! How steps are written: functions, async functions, parameters as edges, fields, `after`, closures.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};

use pipeline::graph::{ProblemCode, Refs, StepDef, registered};
use pipeline::prelude::*;
use pipeline::run::{Executor, Stopper};
use pipeline::*;

/// Steps in another module, named by path.
mod elsewhere {
    use pipeline::prelude::*;

    #[step]
    pub(super) fn defined_elsewhere() -> u32 {
        20
    }
}

/// A01, L01: one attribute makes a step of a function or an async function, without further set-up.
#[test]
fn a_function_and_an_async_function_become_steps_by_one_attribute() {
    #[step]
    fn number() -> u32 {
        20
    }
    #[step]
    async fn half(number: &u32) -> u32 {
        number / 2
    }
    #[step]
    async fn text(half: &u32) -> Result<String, std::num::ParseIntError> {
        tokio::task::yield_now().await;
        Ok(format!("{half}"))
    }
    let run = Pipeline::to::<text>().run_blocking().unwrap();
    assert_eq!(run.output::<text>().map(String::as_str), Ok("10"));
    assert!(run.succeeded());
}

/// A02, B01: steps of any module are found, and a path edge adds its step.
#[test]
fn steps_of_any_module_are_found_without_a_list() {
    #[step]
    fn uses_elsewhere(#[from(elsewhere::defined_elsewhere)] n: &u32) -> u32 {
        n + 1
    }
    let ids: BTreeSet<String> = registered().into_iter().map(StepDef::id).collect();
    assert!(ids.contains(concat!(module_path!(), "::elsewhere::defined_elsewhere")));
    assert!(ids.iter().any(|id| id.ends_with("::uses_elsewhere")));
    let run = Pipeline::to::<uses_elsewhere>().run_blocking().unwrap();
    assert_eq!(run.output::<uses_elsewhere>(), Ok(&21));
}

/// A03, B05: a missing producer is reported before anything runs, with the reader, the name and a hint.
#[test]
fn a_missing_producer_is_a_problem_that_names_both_sides() {
    #[step]
    fn reader_of_nothing(#[from("defined_elsewher")] rows: &u32) -> u32 {
        *rows
    }
    let problems = Pipeline::to::<reader_of_nothing>().plan().unwrap_err();
    let problem = problems.iter().next().unwrap();
    assert_eq!(problem.code, ProblemCode::UnknownUpstream);
    assert_eq!(problem.parameter.as_deref(), Some("rows"));
    let text = problem.to_string();
    assert!(text.contains("`reader_of_nothing`") && text.contains("`defined_elsewher`"), "{text}");
    assert!(text.contains("did you mean `defined_elsewhere`?"), "{text}");
    assert!(text.contains("defining.rs:"), "{text}");
}

/// A03, B15
#[test]
fn a_string_edge_of_the_wrong_type_is_a_problem_with_both_types() {
    #[step]
    fn reads_text(#[from("defined_elsewhere")] text: &str) -> usize {
        text.len()
    }
    let problems = Pipeline::to::<reads_text>().run_blocking().unwrap_err();
    assert!(problems.has(ProblemCode::TypeMismatch));
    let text = problems.to_string();
    assert!(
        text.contains("String") && text.contains("u32") && text.contains("`defined_elsewhere`"),
        "{text}"
    );
}

/// A08: an input can have a different name from its step.
#[test]
fn an_input_can_be_renamed_on_the_edge() {
    #[step]
    fn raw_rows() -> Vec<u32> {
        vec![1, 2, 3]
    }
    #[step]
    fn renamed(#[from(raw_rows)] rows: &[u32], #[from(raw_rows)] again: &Vec<u32>) -> usize {
        rows.len() + again.len()
    }
    let run = Pipeline::to::<renamed>().run_blocking().unwrap();
    assert_eq!(run.output::<renamed>(), Ok(&6));
}

/// A09: each field of a tuple or struct is a separate edge, read in place.
#[test]
fn each_field_of_an_output_is_a_separate_edge() {
    struct Split {
        good: Vec<u32>,
        names: (String, u8),
    }
    #[step]
    fn split() -> Split {
        Split { good: vec![1, 2, 3], names: ("n".into(), 7) }
    }
    #[step]
    fn pair() -> (String, Vec<u8>) {
        ("left".into(), vec![9])
    }
    #[step]
    fn goods(#[from(split.good)] good: &[u32], #[from(pair.1)] right: &[u8]) -> usize {
        good.len() + right.len()
    }
    #[step]
    fn named(#[from(split.names.0)] name: &str, #[from(pair.0)] left: Option<&str>) -> String {
        format!("{name}{}", left.unwrap_or("-"))
    }
    #[step]
    fn address(#[from(split.good)] good: &Vec<u32>, split: &Split) -> bool {
        std::ptr::eq(good, &raw const split.good)
    }
    let run = Pipeline::to::<goods>().and::<named>().and::<address>().run_blocking().unwrap();
    assert_eq!(run.output::<goods>(), Ok(&4));
    assert_eq!(run.output::<named>().map(String::as_str), Ok("nleft"));
    assert_eq!(run.output::<address>(), Ok(&true), "nothing is copied");
}

/// A10: `after` orders steps without data, and adds its step to the run.
#[test]
fn after_orders_steps_without_data() {
    static CREATED: AtomicBool = AtomicBool::new(false);
    #[step]
    async fn creates_table() {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        CREATED.store(true, Ordering::SeqCst);
    }
    #[step(after(creates_table))]
    fn inserts() -> bool {
        CREATED.load(Ordering::SeqCst)
    }
    let run = Pipeline::to::<inserts>().run_blocking().unwrap();
    assert_eq!(run.output::<inserts>(), Ok(&true));
    assert_eq!(run.status("creates_table"), Ok(Status::Succeeded));
}

/// A10, E02
#[test]
fn a_step_after_a_failed_step_is_skipped() {
    #[step]
    fn migrates() -> Result<(), String> {
        Err("no such table".into())
    }
    #[step(after(migrates))]
    fn inserts_rows() -> u32 {
        1
    }
    #[step(after(inserts_rows))]
    fn counts_rows() -> u32 {
        1
    }
    let run = Pipeline::to::<counts_rows>().run_blocking().unwrap();
    assert_eq!(run.status("migrates"), Ok(Status::Failed));
    for step in ["inserts_rows", "counts_rows"] {
        assert_eq!(run.report().step(step).unwrap().because.as_deref(), Some("migrates"));
    }
}

/// A16: steps stay plain functions, which can be composed and tested as such.
#[test]
fn steps_can_be_called_as_plain_functions() {
    #[step]
    fn base() -> Vec<u32> {
        vec![3, 1, 2]
    }
    #[step]
    fn sorted(mut base: Vec<u32>) -> Vec<u32> {
        base.sort_unstable();
        base
    }
    #[step]
    fn largest(sorted: &[u32]) -> Option<u32> {
        sorted.last().copied()
    }
    assert_eq!(largest(&sorted(base())), Some(3));
    let run = Pipeline::to::<largest>().run_blocking().unwrap();
    assert_eq!(run.output::<largest>(), Ok(&Some(3)));
}

/// A19: closures are steps in all three lanes, with inputs and captures.
#[test]
fn closures_are_steps_with_names_inputs_and_outputs() {
    let captured = 5_u32;
    let mut dag = DagBuilder::new();
    let a = dag.cpu("a", (), move |()| captured);
    let b = dag.io("b", (a,), |Refs((a,))| {
        Box::pin(async move {
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(a * 2)
        })
    });
    let c = dag.blocking("c", (a, b), |(a, b)| Ok::<_, Infallible>(a + b));
    let d = dag.try_cpu("d", (c,), |(c,)| if *c > 100 { Err("too large") } else { Ok(format!("{c}")) });
    dag.cpu("e", (d, a), |(d, a)| format!("{d}/{a}"));
    let run = Pipeline::new(dag.build().unwrap()).run_blocking().unwrap();
    assert_eq!(run.output_named::<String>("e").unwrap(), "15/5");
    let lanes: Vec<Lane> = run.report().steps.iter().map(|step| step.lane).collect();
    assert_eq!(lanes, [Lane::Cpu, Lane::Io, Lane::Blocking, Lane::Cpu, Lane::Cpu]);
}

#[test]
fn raw_identifiers_and_underscored_inputs_have_plain_names() {
    #[step]
    fn r#type() {}
    #[step]
    fn uses_it(r#type: &(), #[from(r#type)] _again: &()) -> u32 {
        let () = r#type;
        1
    }
    let run = Pipeline::to::<uses_it>().run_blocking().unwrap();
    let names: Vec<&str> = run.report().steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["type", "uses_it"]);
}

/// G08: rustc checks what crosses threads; the values a user holds can be sent and shared.
#[test]
fn public_types_are_send_and_sync() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Pipeline>();
    shared::<Run>();
    shared::<RunHandle>();
    shared::<Stopper>();
    shared::<Executor>();
    shared::<RunReport>();
    shared::<Problems>();
    shared::<StepContext>();
    fn sent<T: Send>(_: &T) {}
    #[step]
    fn one() -> u32 {
        1
    }
    let pipeline = Pipeline::to::<one>();
    sent(&pipeline.run());
}

/// G09: state that steps share is a declared resource; without it the run does not start.
#[test]
fn shared_state_has_to_be_a_declared_resource() {
    use std::sync::Mutex;
    #[step]
    fn first_push(#[resource] log: &Mutex<Vec<u32>>) {
        log.lock().unwrap().push(1);
    }
    #[step(after(first_push))]
    fn second_push(#[resource] log: &Mutex<Vec<u32>>) -> usize {
        log.lock().unwrap().push(2);
        log.lock().unwrap().len()
    }
    assert!(Pipeline::to::<second_push>().run_blocking().unwrap_err().has(ProblemCode::MissingResource));
    let log = std::sync::Arc::new(Mutex::new(Vec::<u32>::new()));
    let run = Pipeline::to::<second_push>().resource(std::sync::Arc::clone(&log)).run_blocking().unwrap();
    assert_eq!(run.output::<second_push>(), Ok(&2));
    assert_eq!(*log.lock().unwrap(), [1, 2]);
}
