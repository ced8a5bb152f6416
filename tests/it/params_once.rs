//! A run has one value of a run parameter, and one problem for each mistake.

use std::sync::atomic::{AtomicU32, Ordering};

use pipeline::graph::{Problem, ProblemCode};
use pipeline::prelude::*;
use pipeline::{DagBuilder, Problems, Secret, Step};
use serde::Deserialize;

/// A different number each time.
fn next() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A06: neither a retry nor another step of the module evaluates a default again.
#[test]
fn a_default_is_evaluated_once_per_run() {
    #[step(retries = 2)]
    fn by_value(#[param(default = next())] number: u32, #[context] cx: &StepContext) -> Result<u32, String> {
        static FIRST: AtomicU32 = AtomicU32::new(0);
        if cx.attempt() == 1 {
            FIRST.store(number, Ordering::Relaxed);
        }
        assert_eq!(FIRST.load(Ordering::Relaxed), number, "attempt {}", cx.attempt());
        if cx.attempt() < 3 { Err("again".to_owned()) } else { Ok(number) }
    }
    #[step]
    fn by_reference(#[param(default = next())] number: &u32) -> u32 {
        *number
    }
    let pipeline = Pipeline::to::<by_value>().and::<by_reference>();
    let numbers = || {
        let run = pipeline.clone().run_blocking().unwrap();
        (*run.output::<by_value>().unwrap(), *run.output::<by_reference>().unwrap())
    };
    let (first, second) = (numbers(), numbers());
    assert!(first.0 == first.1 && second.0 == second.1 && first.0 != second.0, "{first:?} {second:?}");
}

/// A05: the same of what a type's `Deserialize` fills in.
#[test]
fn a_given_value_is_read_once_per_run() {
    #[derive(Clone, Deserialize)]
    struct Batch {
        #[serde(default = "next")]
        number: u32,
    }
    #[step(retries = 1)]
    fn opens(#[param] batch: Batch, #[context] cx: &StepContext) -> Result<u32, String> {
        static FIRST: AtomicU32 = AtomicU32::new(0);
        if cx.attempt() == 1 {
            FIRST.store(batch.number, Ordering::Relaxed);
            return Err("again".to_owned());
        }
        assert_eq!(FIRST.load(Ordering::Relaxed), batch.number);
        Ok(batch.number)
    }
    #[step]
    fn closes(#[param] batch: &Batch) -> u32 {
        batch.number
    }
    let run = Pipeline::to::<opens>().and::<closes>().param_text("batch", "{}").run_blocking().unwrap();
    assert_eq!(run.output::<opens>().unwrap(), run.output::<closes>().unwrap());
}

/// A type that is no `Clone` is read again for each attempt. The panic about one that does not read the same again quotes
/// nothing: the value may be a secret of another step.
#[test]
fn a_value_that_is_refused_when_it_is_read_again_is_not_quoted() {
    /// Reads one text, once.
    struct Once;
    impl<'de> Deserialize<'de> for Once {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            static READ: AtomicU32 = AtomicU32::new(0);
            let text = String::deserialize(from)?;
            match READ.fetch_add(1, Ordering::Relaxed) {
                0 => Ok(Once),
                1 => Err(serde::de::Error::custom(format!("{text} was used"))),
                _ => panic!("{text} was used"),
            }
        }
    }
    #[step(retries = 1)]
    fn uses(#[param] ticket: Once) -> u32 {
        let Once = ticket;
        1
    }
    #[step]
    fn keeps(#[param] ticket: &Secret<String>) -> usize {
        ticket.expose().len()
    }
    let run = Pipeline::to::<uses>().and::<keeps>().param("ticket", "hunter2").run_blocking().unwrap();
    let error = run.output::<uses>().unwrap_err().to_string();
    assert!(error.contains("`ticket` was read once and then refused"), "{error}");
    for text in [error, run.report().to_json(), run.report().to_string(), format!("{run:?}")] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}

/// `Deserialize` and defaults are code of the user: a panic there is a problem of the parameter, before any step runs.
#[test]
fn a_panic_while_a_parameter_is_read_is_a_problem() {
    #[derive(Clone)]
    struct Fragile;
    impl<'de> Deserialize<'de> for Fragile {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("planted in deserialize")
        }
    }
    fn broken() -> u32 {
        panic!("planted in a default")
    }
    #[step]
    fn reads_fragile(#[param] fragile: Fragile, #[param(default = broken())] count: u32) -> u32 {
        let Fragile = fragile;
        count
    }
    crate::support::quiet();
    let problems = Pipeline::to::<reads_fragile>().param("fragile", 1).run_blocking().unwrap_err();
    let told = problems.to_string();
    assert_eq!(problems.iter().count(), 2, "{told}");
    for part in ["planted in deserialize", "planted in a default", "`fragile`", "`count`"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

fn only(problems: &Problems) -> &Problem {
    let all: Vec<&Problem> = problems.iter().collect();
    assert_eq!(all.len(), 1, "{problems}");
    all[0]
}

/// One mistake is one problem, and it names the steps that read the parameter.
#[test]
fn a_wrong_or_missing_parameter_is_one_problem_however_many_steps_read_it() {
    macro_rules! readers {
        ($($name:ident)*) => {
            $(#[step]
            fn $name(#[param] pace: u32, #[param] key: &Secret<String>) -> u32 {
                pace + key.expose().len() as u32
            })*
            fn all() -> Pipeline {
                let mut dag = DagBuilder::new();
                $(dag.add::<$name>();)*
                Pipeline::new(dag.build().unwrap())
            }
        };
    }
    readers!(r1 r2 r3 r4 r5 r6 r7 r8 r9 r10);
    let problems = all().param_text("pace", "abc").param("key", "k").run_blocking().unwrap_err();
    let problem = only(&problems);
    assert_eq!(problem.code, ProblemCode::InvalidParam);
    let readers = "read by `r1`, `r2`, `r3`, `r4`, `r5`, `r6`, `r7`, `r8` and 2 more";
    assert!(problem.notes.iter().any(|note| note == readers), "{problem}");
    let problems = all().param("pace", 3).run_blocking().unwrap_err();
    let problem = only(&problems);
    assert_eq!(problem.code, ProblemCode::MissingParam);
    assert!(problem.notes.iter().any(|note| note == readers), "{problem}");
    // A value for one step is a mistake of its own.
    let problems =
        all().param("pace", "x").param("r2.pace", "y").param("key", "k").run_blocking().unwrap_err();
    assert_eq!(problems.iter().count(), 2, "{problems}");
}

#[test]
fn a_missing_resource_is_one_problem_however_many_steps_need_it() {
    #[step]
    fn left(#[resource] pool: &Vec<u8>) -> usize {
        pool.len()
    }
    #[step]
    fn right(#[resource] pool: &Vec<u8>, #[resource("spare")] spare: &Vec<u8>) -> usize {
        pool.len() + spare.len()
    }
    let problems = Pipeline::to::<left>().and::<right>().run_blocking().unwrap_err();
    let notes: Vec<_> = problems.iter().map(|problem| problem.notes.join("; ")).collect();
    assert_eq!(notes, ["read by `left`, `right`", ""], "{problems}");
}

/// What is a secret to one step is not quoted by a message about another.
#[test]
fn a_value_that_is_secret_to_any_step_is_not_quoted_for_others() {
    #[step]
    fn logs_in(#[param] token: Secret<String>) -> usize {
        token.expose().len()
    }
    #[step]
    fn counts(#[param] token: u32) -> u32 {
        token
    }
    fn expired() -> u32 {
        panic!("hunter2 expired")
    }
    #[step]
    fn guesses(#[param(default = expired())] token: u32) -> u32 {
        token
    }
    let given = Pipeline::to::<logs_in>().and::<counts>().param("token", "hunter2");
    let text = given.run_blocking().unwrap_err().to_string();
    assert!(text.contains("PL0011") && text.contains("not shown") && !text.contains("hunter2"), "{text}");
    let default = Pipeline::to::<logs_in>().and::<guesses>().param("logs_in.token", "x");
    let text = default.run_blocking().unwrap_err().to_string();
    assert!(text.contains("the default of run parameter `token` panicked"), "{text}");
    assert!(text.contains("not shown") && !text.contains("hunter2"), "{text}");
}

#[test]
fn the_debug_text_of_a_definition_does_not_show_a_default() {
    #[step]
    fn shows(#[param(default = "hunter2")] token: Secret<String>) -> usize {
        token.expose().len()
    }
    let text = format!("{:?} {:?}", shows::def(), Pipeline::to::<shows>());
    assert!(text.contains("token") && !text.contains("hunter2"), "{text}");
}
