//! The failure that is blamed: the first in the order written, in every schedule and at every width.

use std::time::Duration;

use pipeline::prelude::*;

/// How long each of the three failing steps takes, in virtual milliseconds.
type Delays = [u64; 3];

async fn fails_after(millis: u64) -> Result<u64, String> {
    tokio::time::sleep(Duration::from_millis(millis)).await;
    Err("planted".to_owned())
}

#[step]
async fn ca_1(#[param] ca_delays: Delays) -> Result<u64, String> {
    fails_after(ca_delays[0]).await
}

#[step]
async fn ca_2(#[param] ca_delays: Delays) -> Result<u64, String> {
    fails_after(ca_delays[1]).await
}

#[step]
async fn ca_3(#[param] ca_delays: Delays) -> Result<u64, String> {
    fails_after(ca_delays[2]).await
}

#[step]
async fn ca_good(#[param] ca_delays: Delays) -> u64 {
    tokio::time::sleep(Duration::from_millis(ca_delays[1])).await;
    1
}

#[step]
fn ca_all(#[from(ca_good, ca_3, ca_1, ca_2)] all: Vec<&u64>) -> usize {
    all.len()
}

#[step]
fn ca_two(#[from(ca_good, ca_2, ca_3, ca_1, at_least = 2)] two: Vec<&u64>) -> usize {
    two.len()
}

#[step]
fn ca_three_early(#[from(ca_2, ca_good, ca_1, ca_3, at_least = 3, cancel)] three: Vec<&u64>) -> usize {
    three.len()
}

#[step]
fn ca_first(#[from(ca_3, ca_2, ca_1, first)] first: &u64) -> u64 {
    *first
}

#[step]
fn ca_by_priority(#[from(ca_2, ca_1, ca_3, priority)] one: &u64) -> u64 {
    *one
}

#[step]
fn ca_inputs(ca_2: &u64, ca_1: &u64, ca_3: &u64) -> u64 {
    ca_1 + ca_2 + ca_3
}

#[step(after(ca_3, ca_2))]
fn ca_after(ca_1: &u64) -> u64 {
    *ca_1
}

#[step(after(ca_2, ca_3))]
fn ca_after_too(ca_1: &u64) -> u64 {
    *ca_1
}

#[step]
fn ca_behind(ca_first: &u64, ca_inputs: &u64) -> u64 {
    ca_first + ca_inputs
}

#[step]
fn ca_merged(#[from(ca_3, ca_1, ca_2, first)] first: Result<&u64, &StepError>) -> String {
    first.map_or_else(|error| error.step().to_owned(), |_| String::new())
}

/// For each reader, the step that is blamed.
const BLAMED: [(&str, &str); 9] = [
    ("ca_all", "ca_3"),
    ("ca_two", "ca_2"),
    ("ca_three_early", "ca_2"),
    ("ca_first", "ca_3"),
    ("ca_by_priority", "ca_2"),
    ("ca_inputs", "ca_2"),
    ("ca_after", "ca_3"),
    ("ca_after_too", "ca_2"),
    ("ca_behind", "ca_3"),
];

/// E02, H01: whichever of several failures comes first, and however many steps run at once.
#[test]
fn the_first_failure_in_the_order_written_is_blamed_at_every_width() {
    let all = Pipeline::to::<ca_all>().and::<ca_two>().and::<ca_three_early>().and::<ca_first>();
    let all = all
        .and::<ca_by_priority>()
        .and::<ca_inputs>()
        .and::<ca_after>()
        .and::<ca_after_too>()
        .and::<ca_behind>();
    let all = all.and::<ca_merged>();
    let orders: [Delays; 6] = [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]];
    for (delays, workers) in orders.iter().flat_map(|order| [1, 2, 4, 16].map(|workers| (order, workers))) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let pipeline = all.clone().param("ca_delays", delays).settings(Settings::default().workers(workers));
        let run = runtime.block_on(pipeline.run()).unwrap();
        for (reader, blamed) in BLAMED {
            let told = run.report().step(reader).unwrap();
            assert_eq!(told.because.as_deref(), Some(blamed), "{reader}, {delays:?}, {workers} workers");
        }
        assert_eq!(run.output::<ca_merged>().map(String::as_str), Ok("ca_3"));
    }
}

/// A quorum that names a step twice counts it twice, also if it starts its reader early.
#[test]
fn a_member_that_is_named_twice_counts_twice() {
    #[step]
    fn ca_one() -> u64 {
        1
    }
    #[step]
    fn ca_bad() -> Result<u64, String> {
        Err("planted".to_owned())
    }
    #[step]
    fn ca_twice(#[from(ca_one, ca_bad, ca_one, at_least = 2)] values: Vec<&u64>) -> usize {
        values.len()
    }
    #[step]
    fn ca_twice_early(#[from(ca_one, ca_bad, ca_one, at_least = 2, cancel)] values: Vec<&u64>) -> usize {
        values.len()
    }
    #[step]
    fn ca_never(#[from(ca_bad, ca_one, ca_bad, at_least = 2, cancel)] values: Vec<&u64>) -> usize {
        values.len()
    }
    let run = Pipeline::to::<ca_twice>().and::<ca_twice_early>().and::<ca_never>().run_blocking().unwrap();
    assert_eq!(run.output::<ca_twice>(), Ok(&2));
    assert_eq!(run.output::<ca_twice_early>(), Ok(&2));
    assert_eq!(run.report().step("ca_never").unwrap().because.as_deref(), Some("ca_bad"));
}
