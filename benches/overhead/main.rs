//! prototype
use pipeline::prelude::*;
use pipeline::*;
use std::sync::Arc;
use std::time::Instant;

#[step]
async fn noop_async() -> u64 {
    1
}
#[step]
fn noop_cpu() -> u64 {
    1
}
#[step]
async fn add1_async(#[input] a: &u64) -> u64 {
    a + 1
}
#[step]
fn add1_cpu(#[input] a: &u64) -> u64 {
    a + 1
}
#[step]
async fn sum2_async(#[input] a: &u64, #[input] b: &u64) -> u64 {
    a.wrapping_add(*b)
}
#[step]
fn sum2_cpu(#[input] a: &u64, #[input] b: &u64) -> u64 {
    a.wrapping_add(*b)
}
#[step]
async fn sum3_async(#[input] a: &u64, #[input] b: &u64, #[input] c: &u64) -> u64 {
    a.wrapping_add(*b).wrapping_add(*c)
}
#[step]
fn sum3_cpu(#[input] a: &u64, #[input] b: &u64, #[input] c: &u64) -> u64 {
    a.wrapping_add(*b).wrapping_add(*c)
}

fn dag(shape: &str, cpu: bool, n: usize) -> Dag {
    let mut b = DagBuilder::new();
    let name = |i: usize| format!("s{i}");
    match shape {
        "independent" => {
            for i in 0..n {
                if cpu {
                    b.add::<noop_cpu>().named(name(i)).handle()
                } else {
                    b.add::<noop_async>().named(name(i)).handle()
                };
            }
        }
        "chain" => {
            let mut last = if cpu {
                b.add::<noop_cpu>().named("s0").handle()
            } else {
                b.add::<noop_async>().named("s0").handle()
            };
            for i in 1..n {
                last = if cpu {
                    b.add::<add1_cpu>().named(name(i)).input("a", last).handle()
                } else {
                    b.add::<add1_async>().named(name(i)).input("a", last).handle()
                };
            }
        }
        "layered" => {
            let mut prev: Vec<Handle<u64>> = (0..100)
                .map(|i| {
                    if cpu {
                        b.add::<noop_cpu>().named(name(i)).handle()
                    } else {
                        b.add::<noop_async>().named(name(i)).handle()
                    }
                })
                .collect();
            let mut x = 88172645463325252u64;
            let mut i = 100;
            let mut rnd = || {
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
                (x % 100) as usize
            };
            while i < n {
                let mut next = Vec::new();
                for _ in 0..100 {
                    let (p, q, r) = (prev[rnd()], prev[rnd()], prev[rnd()]);
                    next.push(if cpu {
                        b.add::<sum3_cpu>().named(name(i)).input("a", p).input("b", q).input("c", r).handle()
                    } else {
                        b.add::<sum3_async>()
                            .named(name(i))
                            .input("a", p)
                            .input("b", q)
                            .input("c", r)
                            .handle()
                    });
                    i += 1;
                }
                prev = next;
            }
        }
        "tree" => {
            let mut level: Vec<Handle<u64>> = (0..n.next_power_of_two() / 2)
                .map(|i| {
                    if cpu {
                        b.add::<noop_cpu>().named(name(i)).handle()
                    } else {
                        b.add::<noop_async>().named(name(i)).handle()
                    }
                })
                .collect();
            let mut i = level.len();
            while level.len() > 1 {
                level = level
                    .chunks(2)
                    .map(|p| {
                        i += 1;
                        if cpu {
                            b.add::<sum2_cpu>().named(name(i)).input("a", p[0]).input("b", p[1]).handle()
                        } else {
                            b.add::<sum2_async>().named(name(i)).input("a", p[0]).input("b", p[1]).handle()
                        }
                    })
                    .collect();
            }
        }
        _ => unreachable!(),
    }
    b.build().unwrap()
}

fn main() {
    let n: usize = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(100_000);
    for shape in ["independent", "chain", "layered", "tree"] {
        for cpu in [false, true] {
            let t = Instant::now();
            let dag = Arc::new(dag(shape, cpu, n));
            let build = t.elapsed();
            let len = dag.len();
            for timings in [false, true] {
                let p = Pipeline::new(dag.clone()).settings(Settings::default().timings(timings));
                let t = Instant::now();
                p.plan().unwrap();
                let plan = t.elapsed();
                let mut best = u128::MAX;
                let mut drops = u128::MAX;
                for _ in 0..7 {
                    let t = Instant::now();
                    let run = p.run_blocking().unwrap();
                    let e = t.elapsed().as_nanos();
                    assert!(run.succeeded());
                    best = best.min(e);
                    let t = Instant::now();
                    drop(run);
                    drops = drops.min(t.elapsed().as_nanos());
                }
                println!(
                    "{shape:12} {} timings={timings} {:6.1} ns/step (+drop {:.1}) build {:.0} plan {:.0} ns",
                    if cpu { "cpu  " } else { "async" },
                    best as f64 / len as f64,
                    drops as f64 / len as f64,
                    build.as_nanos() as f64 / len as f64,
                    plan.as_nanos() as f64 / len as f64
                );
            }
        }
    }
}
