//! Runs whose pages are looked at.

use std::thread::sleep;
use std::time::Duration;

use pipeline::{Dag, DagBuilder, Handle, Pipeline, RunReport};
use serde_json::{Value, json};

/// Four steps that succeed: `left` and `right` read `source`, `sum` reads both.
pub(crate) fn success() -> RunReport {
    Pipeline::new(diamond()).run_blocking().unwrap().report().clone()
}

pub(crate) fn diamond() -> Dag {
    let mut dag = DagBuilder::new();
    let source = dag.cpu("source", (), |()| {
        sleep(Duration::from_millis(5));
        20_u64
    });
    let left = dag.cpu("left", (source,), |(source,): (&u64,)| source + 1);
    let right = dag.cpu("right", (source,), |(source,): (&u64,)| source + 2);
    dag.cpu("sum", (left, right), |(left, right): (&u64, &u64)| left + right);
    dag.build().unwrap()
}

/// A report as a file would have it, with steps of these names, statuses and upstreams.
pub(crate) fn written(steps: Vec<Value>) -> RunReport {
    let mut report = serde_json::to_value(success()).unwrap();
    report["steps"] = Value::Array(steps);
    report["figures"]["critical_steps"] = json!([]);
    serde_json::from_value(report).unwrap()
}

/// A step of such a report.
pub(crate) fn step(name: &str, status: &str, upstream: &[usize]) -> Value {
    let mut step = serde_json::to_value(&success().steps[0]).unwrap();
    step["name"] = name.into();
    step["status"] = status.into();
    step["upstream"] = json!(upstream);
    step
}

/// What can go wrong in one run: an error with causes after two attempts, a panic, and what is skipped because of them.
pub(crate) fn failures() -> RunReport {
    use pipeline::prelude::*;

    #[step(retries = 1, group = "bronze", tags("source"))]
    fn loads(#[context] cx: &StepContext) -> Result<u64, Layered> {
        cx.count("rows_in", 12_345);
        let causes = Layered("connection refused", Some(Box::new(Layered("os error 111", None))));
        Err(Layered("the rates could not be read", Some(Box::new(causes))))
    }
    #[step(group = "silver")]
    fn cleans(loads: &u64) -> u64 {
        *loads
    }
    #[step(group = "gold")]
    fn sums(cleans: &u64) -> u64 {
        *cleans
    }
    #[step]
    fn breaks() -> u64 {
        panic!("planted: the well is dry")
    }
    #[step(retries = 2)]
    fn recovers(#[context] cx: &StepContext) -> Result<u64, Layered> {
        if cx.attempt() < 3 { Err(Layered("not yet", None)) } else { Ok(7) }
    }
    Pipeline::to::<sums>().and::<breaks>().and::<recovers>().run_blocking().unwrap().report().clone()
}

/// An error with a cause.
#[derive(Debug)]
struct Layered(&'static str, Option<Box<Layered>>);

impl std::fmt::Display for Layered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Layered {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.1.as_ref().map(|inner| &**inner as _)
    }
}

/// Ten thousand steps on a hundred levels, each of which reads two of the level before.
pub(crate) fn ten_thousand() -> RunReport {
    let mut dag = DagBuilder::new();
    let mut level: Vec<Handle<u64>> =
        (0..100).map(|n| dag.cpu(format!("source_{n}"), (), move |()| n)).collect();
    for number in 1..100 {
        level = (0..100)
            .map(|n| {
                let inputs = (level[n], level[(n * 7 + number) % 100]);
                let name = format!("level_{number}.step_{n}");
                dag.cpu(name, inputs, |(a, b): (&u64, &u64)| a.wrapping_add(*b))
            })
            .collect();
    }
    Pipeline::new(dag.build().unwrap()).run_blocking().unwrap().report().clone()
}
