//! Trait objects as inputs, and resources behind an `Arc` or a box.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pipeline::prelude::*;

trait Rates: Send + Sync {
    fn rate(&self) -> u64;
}

struct Fixed(u64);

impl Rates for Fixed {
    fn rate(&self) -> u64 {
        self.0
    }
}

#[step]
fn converted(#[resource] rates: &dyn Rates, #[resource("replica")] replica: &(dyn Rates + 'static)) -> u64 {
    rates.rate() * 10 + replica.rate()
}

#[test]
fn a_trait_object_is_a_resource_in_an_arc_or_a_box() {
    let arc: Arc<dyn Rates> = Arc::new(Fixed(3));
    let boxed: Box<dyn Rates> = Box::new(Fixed(4));
    let run =
        Pipeline::to::<converted>().resource(arc).resource_named("replica", boxed).run_blocking().unwrap();
    assert_eq!(run.output::<converted>(), Ok(&34));
    let missing = Pipeline::to::<converted>().resource(Fixed(3)).run_blocking().unwrap_err().to_string();
    let needed = "needs a resource `dyn it::objects::Rates` (a `Box<dyn Rates>` or an `Arc<dyn Rates>`)";
    assert!(missing.contains(needed), "{missing}");
    assert!(missing.contains("`.resource(Arc::new(value) as Arc<dyn Rates>)`"), "{missing}");
    let mut dag = pipeline::DagBuilder::new();
    let _ = dag.add::<converted>();
    let json = dag.build().unwrap().document().to_json();
    assert!(json.contains("\"dyn it::objects::Rates\"") && !json.contains("Box<"), "{json}");
}

#[step]
fn read(
    #[resource] rates: &Fixed,
    #[resource] words: &[String],
    #[resource] greeting: &str,
    #[resource] folder: &Path,
    #[resource] list: &Vec<u64>,
) -> String {
    format!("{} {} {greeting} {} {}", rates.rate(), words.len(), folder.display(), list.len())
}

#[test]
fn a_resource_is_found_in_what_owns_it() {
    let given =
        |rates: Pipeline| rates.resource(PathBuf::from("x")).resource(vec![1_u64, 2]).run_blocking().unwrap();
    let pipeline = || Pipeline::to::<read>();
    let owned = pipeline().resource(Fixed(1)).resource(vec![String::new()]).resource("hello".to_owned());
    assert_eq!(given(owned).output::<read>().unwrap(), "1 1 hello x 2");
    let words: Arc<[String]> = Arc::new([String::new(), String::new()]);
    let shared = pipeline().resource(Arc::new(Fixed(2))).resource(words).resource(Arc::<str>::from("hi"));
    assert_eq!(given(shared).output::<read>().unwrap(), "2 2 hi x 2");
    let boxed = pipeline().resource(Box::new(Fixed(3))).resource(vec![String::new()].into_boxed_slice());
    let own_first = boxed.resource(Arc::<str>::from("no")).resource("own".to_owned());
    assert_eq!(given(own_first).output::<read>().unwrap(), "3 1 own x 2");
}

#[step]
fn quoted() -> Box<dyn Rates> {
    Box::new(Fixed(5))
}

#[step]
fn broken() -> Result<Box<dyn Rates>, String> {
    Err("no rates".to_owned())
}

struct Pair {
    left: Box<dyn Rates>,
}

#[step]
fn pair() -> Pair {
    Pair { left: Box::new(Fixed(6)) }
}

#[step(when = |rates, _, _| rates.rate() > 1)]
fn one(quoted: &dyn Rates, broken: Option<&dyn Rates>, #[from(pair.left)] left: &dyn Rates) -> (u64, bool) {
    (quoted.rate() * 10 + left.rate(), broken.is_some())
}

#[step]
fn outcomes(
    #[from(quoted)] source: Result<&dyn Rates, &StepError>,
    #[from(broken, quoted, first)] chosen: &dyn Rates,
    #[from("quoted")] named: &dyn Rates,
) -> u64 {
    source.map_or(0, Rates::rate) + chosen.rate() + named.rate()
}

#[step]
fn several(
    #[from(quoted, quoted)] all: Vec<&dyn Rates>,
    #[from(quoted, broken)] some: BTreeMap<&str, Option<&dyn Rates>>,
    #[from(quoted, broken, at_least = 1)] available: BTreeMap<&str, &dyn Rates>,
    #[from(quoted, broken)] outcomes: Vec<Result<&dyn Rates, &StepError>>,
) -> (u64, Vec<String>) {
    let rates = all.iter().map(|rates| rates.rate()).sum();
    let named = some.iter().map(|(name, rates)| format!("{name} {}", rates.is_some()));
    let available = available.iter().map(|(name, rates)| format!("{name} {}", rates.rate()));
    let outcomes = outcomes.iter().map(|outcome| outcome.is_ok().to_string());
    (rates, named.chain(available).chain(outcomes).collect())
}

#[test]
fn a_trait_object_is_read_from_the_box_that_the_upstream_returns() {
    let run = Pipeline::to::<one>().and::<outcomes>().and::<several>().run_blocking().unwrap();
    assert_eq!(run.output::<one>(), Ok(&(56, false)));
    assert_eq!(run.output::<outcomes>(), Ok(&15));
    let (rates, names) = run.output::<several>().unwrap();
    assert_eq!(*rates, 10);
    assert_eq!(names, &["broken false", "quoted true", "quoted 5", "true", "false"]);
}
