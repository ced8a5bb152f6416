//! The runs shown on the pages.

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

/// A report as read from a file, with steps of these names, statuses and upstreams.
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

/// Several failures in one run: an error with causes after two attempts, a panic, and the steps skipped because of
/// them.
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

/// An optional failure before the one that fails the run; `needed` includes the latter.
pub(crate) fn harmless(needed: bool) -> RunReport {
    use pipeline::prelude::*;

    #[step(optional)]
    fn adorns() -> Result<u64, Layered> {
        Err(Layered("the picture is not there", None))
    }
    #[step]
    fn counts(adorns: Option<&u64>) -> u64 {
        adorns.copied().unwrap_or(1)
    }
    #[step]
    fn sells(counts: &u64) -> Result<u64, Layered> {
        if *counts == 1 { Err(Layered("the shop is closed", None)) } else { Ok(2) }
    }
    let run = if needed { Pipeline::to::<sells>() } else { Pipeline::to::<counts>() };
    run.run_blocking().unwrap().report().clone()
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

/// A report of a busy run of a second: three lanes, waits, attempts, memory and processor time, lost slots.
pub(crate) fn busy() -> RunReport {
    let ms = |ms: u64| json!({ "secs": ms / 1000, "nanos": ms % 1000 * 1_000_000 });
    let mut random = 7_u64;
    let mut below = |bound: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % bound
    };
    let mut steps: Vec<Value> = Vec::new();
    let mut ends: Vec<u64> = Vec::new();
    for number in 0..48_usize {
        let upstream: Vec<usize> = if number < 6 {
            Vec::new()
        } else {
            (0..=below(3)).map(|_| number - 1 - below(6.min(number as u64)) as usize).collect()
        };
        let ready = upstream.iter().map(|&from| ends[from]).max().unwrap_or(0);
        let (wait, duration) = (below(30), 10 + below(110));
        ends.push(ready + wait + duration);
        let (lane, group) =
            (["io", "cpu", "cpu", "blocking"][number % 4], ["bronze", "silver", "gold"][number / 16]);
        let mut made = step(
            &format!("{group}_{}_{number}", ["load", "clean", "join", "sum"][number % 4]),
            "succeeded",
            &upstream,
        );
        let changes = json!({
            "lane": lane, "group": group, "thread": number % 5, "start": ms(ready + wait), "wait": ms(wait), "duration": ms(duration),
            "attempts": 1 + number % 7 / 6, "tags": ["nightly"],
        });
        made.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        steps.push(made);
    }
    let wall = ends.iter().copied().max().unwrap_or(1);
    let mut report = serde_json::to_value(written(steps)).unwrap();
    let points = (1..=40).map(|point| {
        let memory = 40_000_000 + 2_500_000 * (point % 17) * (1 + point / 12);
        json!({ "at": ms(wall * point / 40), "memory": memory, "cpu": (point % 5) as f64 * 0.9, "threads": 4 + point % 3 })
    });
    report["resources"] = json!({ "points": points.collect::<Vec<_>>(), "samples": 40, "peak_memory": 190_000_000, "mean_cpu": 1.7 });
    let change = |at, share: u32, before: u32| json!({ "at": ms(at), "pressure": "high", "before": before, "share": share, "reason": "memory 181 MiB of 200 MiB (90 %)" });
    report["pressure"] = json!([change(wall * 2 / 3, 2, 1), change(wall * 5 / 6, 1, 2)]);
    report["wall"] = ms(wall);
    serde_json::from_value(report).unwrap()
}

/// Ten thousand steps in a chain, and as many that read one.
pub(crate) fn chain_and_fan() -> [RunReport; 2] {
    let mut chain = DagBuilder::new();
    let mut last = chain.cpu("first", (), |()| 0_u64);
    for number in 1..10_000 {
        last = chain.cpu(format!("link_{number}"), (last,), |(last,): (&u64,)| last + 1);
    }
    let mut fan = DagBuilder::new();
    let source = fan.cpu("source", (), |()| 1_u64);
    for number in 1..10_000 {
        fan.cpu(format!("reader_{number}"), (source,), |(source,): (&u64,)| source + 1);
    }
    [chain, fan].map(|dag| Pipeline::new(dag.build().unwrap()).run_blocking().unwrap().report().clone())
}
