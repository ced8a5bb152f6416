//! Every option about how a step runs, and its definition.

use std::collections::BTreeMap;
use std::time::Duration;

use pipeline::__private::{AsyncStep, SyncStep};
use pipeline::prelude::*;
use pipeline::Step;
use pipeline::graph::{Backoff, InputKind, Mode, Quorum};

#[derive(Clone, Debug, PartialEq)]
struct Order(u32);

#[step]
fn orders() -> Vec<Order> {
    vec![]
}

fn is_busy(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::WouldBlock
}

fn tell(_error: &StepError) {}

fn has_room() -> bool {
    true
}

#[step(
    retries = 3,
    backoff = "100ms..10s",
    jitter,
    retry_if = is_busy,
    timeout = "1m 30s",
    deadline = "0.5h",
    idempotent,
    optional,
    on_failure = tell,
    limit("db" = 2, api),
    parallel_if = has_room,
    sequential = "state",
    memory = "512MiB",
    cores = 2,
    priority = -5,
)]
fn everything(orders: Vec<Order>) -> Result<u32, std::io::Error> {
    Ok(orders.len() as u32)
}

#[step(retries = 0, backoff = "70us", jitter = 1, no_cancel, fail_fast, limit = "db", exclusive)]
async fn something(#[param] limit: u32) -> u32 {
    limit
}

#[step(retry_if = |error| error.len() > 3, on_failure = |error| assert!(!error.message().is_empty()))]
fn closures() -> Result<u32, String> {
    Ok(1)
}

type Fallible<T> = std::result::Result<T, String>;

#[step(fallible, retry_if = |_| false, parallel_if = || true, priority = 7)]
fn alias() -> Fallible<u32> {
    Ok(1)
}

#[step]
fn fails() -> Result<u32, String> {
    Err("as planned".to_owned())
}

mod fallbacks {
    use super::*;

    const NOTHING: Vec<Order> = Vec::new();

    fn from_error(_: &StepError) -> Vec<Order> {
        vec![Order(1)]
    }

    #[step(fallback = vec![])]
    pub(super) fn value() -> Vec<Order> {
        vec![]
    }

    #[step(fallback = NOTHING)]
    pub(super) fn constant() -> Result<Vec<Order>, String> {
        Ok(vec![])
    }

    #[step(fallback = Vec::new)]
    pub(super) fn function() -> Vec<Order> {
        vec![]
    }

    #[step(fallback = Default::default)]
    pub(super) fn by_trait() -> Vec<Order> {
        vec![]
    }

    #[step(fallback = Default::default())]
    pub(super) async fn by_call() -> Vec<Order> {
        vec![]
    }

    #[step(fallback = from_error)]
    pub(super) fn function_of_error() -> Vec<Order> {
        vec![]
    }

    #[step(fallback = |_| vec![])]
    pub(super) fn closure() -> Vec<Order> {
        vec![]
    }

    #[step(fallback = || vec![])]
    pub(super) fn closure_of_nothing() -> Vec<Order> {
        vec![]
    }

    #[step(fallback = |error| error.message().to_owned())]
    pub(super) fn of_message() -> String {
        String::new()
    }

    #[step(fallback = "none")]
    pub(super) fn text() -> String {
        String::new()
    }

    #[step(fallback = 0)]
    pub(super) fn number() -> Result<u64, String> {
        Ok(1)
    }

    #[step(fallback = None)]
    pub(super) fn none() -> Option<u32> {
        Some(1)
    }

    #[step(fallback = ())]
    pub(super) fn unit() {}
}

struct Split {
    good: Vec<u32>,
}

#[step]
fn split() -> Split {
    Split { good: vec![] }
}

fn all_kinds(
    _orders: &[Order],
    _taken: &Split,
    _option: Option<&Vec<Order>>,
    _list: &[&Vec<Order>],
    _map: &BTreeMap<&str, Option<&Vec<Order>>>,
    _chosen: &[Order],
    _limit: &u64,
    _text: &str,
    pool: &u8,
    _context: &StepContext,
) -> bool {
    *pool > 0
}

#[step(when = all_kinds)]
fn conditional(
    orders: &[Order],
    #[from(split)] taken: Split,
    #[from(orders)] option: Option<&Vec<Order>>,
    #[from(orders, orders)] list: Vec<&Vec<Order>>,
    #[from(orders, orders)] map: BTreeMap<&str, Option<&Vec<Order>>>,
    #[from(orders, orders, first)] chosen: &[Order],
    #[param] limit: u64,
    #[param] text: &str,
    #[resource] pool: &u8,
    #[context] context: &StepContext,
) -> usize {
    let _ = (orders, taken, option, list, map, chosen, limit, text, pool, context);
    1
}

#[step(when = |good, limit| good.len() as u64 > *limit)]
async fn conditional_closure(#[from(split.good)] good: &[u32], #[param] limit: u64) -> u64 {
    limit + good.len() as u64
}

enum Size {
    None,
    Of(u32),
}

#[step(switch(
    Size::None => nothing,
    Size::Of(size) if *size > 10 => large,
    Size::Of(0..=3) => nothing,
    Size::Of(_) => small,
))]
fn size(orders: &[Order]) -> Size {
    if orders.is_empty() { Size::None } else { Size::Of(orders.len() as u32) }
}

#[step(branch = size)]
fn nothing() -> u32 {
    0
}

#[step(branch = self::size)]
fn large(size: &Size, orders: &[Order]) -> u32 {
    if let Size::Of(size) = size { *size } else { orders.len() as u32 }
}

#[step(branch = size)]
async fn small() -> u32 {
    1
}

#[step]
fn rejoined(#[from(nothing, large, small, first)] chosen: &u32) -> u32 {
    *chosen
}

#[step(switch(true => yes, false => no))]
fn ask(rejoined: &u32) -> bool {
    *rejoined > 0
}

#[step(branch = ask)]
fn yes() {}

#[step(branch = ask)]
fn no() {}

#[step(tags("q"))]
fn first() -> u32 {
    1
}

#[step(tags("q"))]
fn priority() -> u32 {
    2
}

#[step(tags("q"))]
fn cancel() -> u32 {
    3
}

#[step]
fn quorums(
    #[from(first, cancel, self::priority, at_least = 2)] a: Vec<&u32>,
    #[from(first, priority, self::cancel, at_least = 2, cancel)] b: BTreeMap<&str, &u32>,
    #[from(tag = "q", at_least = 0)] c: Vec<Option<&u32>>,
    #[from("f*", at_least = 1)] d: Vec<Result<&u32, &StepError>>,
    #[from(cancel, priority, self::first, first)] e: &u32,
    #[from(tag = "q", first)] f: Option<&u32>,
    #[from(first, cancel, priority)] g: Result<&u32, &StepError>,
    #[from("p*", priority)] h: &u32,
    #[from(first)] i: &u32,
    #[from(cancel, at_least = 1)] j: Vec<&u32>,
) -> usize {
    let _ = (a, b, c, d, e, f, g, h, i, j);
    0
}

fn quorum<S: Step>(input: usize) -> Quorum {
    match &S::def().inputs[input].kind {
        InputKind::Upstream { quorum, .. } => *quorum,
        _ => panic!("no upstream"),
    }
}

fn main() {
    let policy = &everything::def().policy;
    assert_eq!(policy.retries, Some(3));
    let backoff = Backoff::exponential(Duration::from_millis(100), Duration::from_secs(10)).jitter(0.5);
    assert_eq!(policy.backoff, Some(backoff));
    assert_eq!(policy.timeout, Some(Duration::from_secs(90)));
    assert_eq!(policy.deadline, Some(Duration::from_secs(1800)));
    assert!(policy.idempotent && policy.optional && !policy.fail_fast && !policy.no_cancel);
    assert!(policy.on_failure.is_some() && policy.parallel_if.is_some_and(|parallel| parallel()));
    assert_eq!(policy.limits[..], [("db".into(), 2), ("api".into(), 1)]);
    assert_eq!(policy.sequential.as_deref(), Some("state"));
    assert_eq!((policy.memory, policy.cores, policy.priority), (Some(512 << 20), Some(2), -5));

    let policy = &something::def().policy;
    assert_eq!(policy.retries, Some(0));
    assert_eq!(policy.backoff, Some(Backoff::fixed(Duration::from_micros(70)).jitter(1.0)));
    assert!(policy.no_cancel && policy.fail_fast && policy.exclusive && !policy.idempotent);
    assert_eq!(policy.limits[..], [("db".into(), 1)]);

    let run = Pipeline::to::<fails>().run_blocking().unwrap();
    let error = run.error("fails").unwrap();
    assert_eq!(fallbacks::value::fallback(error), Some(vec![]));
    assert_eq!(fallbacks::constant::fallback(error), Some(vec![]));
    assert_eq!(fallbacks::function::fallback(error), Some(vec![]));
    assert_eq!(fallbacks::by_trait::fallback(error), Some(vec![]));
    assert_eq!(fallbacks::by_call::fallback(error), Some(vec![]));
    assert_eq!(fallbacks::function_of_error::fallback(error), Some(vec![Order(1)]));
    assert_eq!(fallbacks::closure::fallback(error), Some(vec![]));
    assert_eq!(fallbacks::closure_of_nothing::fallback(error), Some(vec![]));
    assert_eq!(fallbacks::of_message::fallback(error).as_deref(), Some("as planned"));
    assert_eq!(fallbacks::text::fallback(error).as_deref(), Some("none"));
    assert_eq!(fallbacks::number::fallback(error), Some(0));
    assert_eq!(fallbacks::none::fallback(error), Some(None));
    assert_eq!(fallbacks::unit::fallback(error), Some(()));
    assert_eq!(fails::fallback(error), None);

    assert!(fallbacks::value::def().policy.has_fallback && !everything::def().policy.has_fallback);
    assert_eq!(conditional::def().policy.when, Some("all_kinds"));
    let when = conditional_closure::def().policy.when;
    assert_eq!(when, Some("|good, limit| good.len() as u64 > *limit"));

    let switch = &size::def().cases;
    let cases: Vec<_> = switch.iter().map(|case| case().name.as_ref()).collect();
    assert_eq!(cases, ["nothing", "large", "small"]);
    let branch = large::def().inputs.last().unwrap();
    assert_eq!(branch.name, "branch");
    assert_eq!(branch.location.line + 1, large::def().location.line, "it is where the option is written");
    assert!(matches!(branch.kind, InputKind::Upstream { mode: Mode::Branch, quorum: Quorum::All, .. }));

    assert_eq!(quorum::<quorums>(0), Quorum::AtLeast { count: 2, cancel: false });
    assert_eq!(quorum::<quorums>(1), Quorum::AtLeast { count: 2, cancel: true });
    assert_eq!(quorum::<quorums>(2), Quorum::AtLeast { count: 0, cancel: false });
    assert_eq!(quorum::<quorums>(3), Quorum::AtLeast { count: 1, cancel: false });
    assert_eq!(quorum::<quorums>(4), Quorum::First);
    assert_eq!(quorum::<quorums>(5), Quorum::First);
    assert_eq!(quorum::<quorums>(6), Quorum::Priority);
    assert_eq!(quorum::<quorums>(7), Quorum::Priority);
    assert_eq!(quorum::<quorums>(8), Quorum::All);
    assert_eq!(quorum::<quorums>(9), Quorum::AtLeast { count: 1, cancel: false });
}
