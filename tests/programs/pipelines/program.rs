//! A program of three pipelines, of which `tests/programs/pipelines` selects one.
//!
//! Each line on standard output says that code ran: a preparation or a step.

#![allow(clippy::trivially_copy_pass_by_ref)]

use std::process::ExitCode;

use pipeline::prelude::*;
use pipeline::{DagBuilder, Program};

/// What `prepare` of `nightly` makes.
struct Database;

#[step(tags("hourly"))]
fn orders(#[param(default = 2)] days: u32) -> u32 {
    println!("orders of {days} days");
    days
}

#[step(tags("hourly"))]
fn checked(orders: &u32) -> u32 {
    assert_ne!(*orders, 13, "planted");
    *orders
}

#[step]
fn archive(orders: &u32, #[resource] _database: &Database, #[param] token: Secret<String>) -> usize {
    println!("archive of {orders} days");
    token.expose().len()
}

/// Fails, and the run does without it.
#[step(optional)]
fn weather() -> Result<u32, String> {
    Err("no answer".to_owned())
}

/// Writes it down.
#[step(writes)]
fn notes(#[param] text: String) {
    println!("notes: {text}");
}

fn sweep() -> Pipeline {
    let mut dag = DagBuilder::new();
    let tries: Vec<_> = (1_u32..=3).map(|n| dag.cpu(format!("try_{n}"), (), move |()| n)).collect();
    dag.cpu("best", tries, |tries: Vec<&u32>| println!("best of {}", tries.len()));
    Pipeline::new(dag.build().expect("a valid graph"))
}

fn main() -> ExitCode {
    let workers = std::env::var("WORKERS").ok().and_then(|workers| workers.parse().ok());
    let settings = workers.map_or_else(Settings::default, |workers| Settings::default().workers(workers));
    if std::env::args().nth(1).as_deref() == Some("--own") {
        // A program with its own arguments.
        return match Pipeline::to::<checked>().run_in_terminal() {
            Ok(run) => run.exit_code(),
            Err(problems) => {
                eprintln!("{problems}");
                ExitCode::from(2)
            }
        };
    }
    Program::new()
        .pipeline("hourly", Pipeline::all().select(["tag:hourly"]))
        .pipeline_with(
            "nightly",
            Pipeline::to::<archive>().param("days", 30).settings(settings),
            async |pipeline| {
                // A client may need the timer of the runtime.
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                println!("prepared");
                if std::env::var_os("NO_DATABASE").is_some() {
                    return Err(std::io::Error::other("no route to host").into());
                }
                Ok(pipeline.resource(Database))
            },
        )
        .pipeline("sweep", sweep())
        .main()
}
