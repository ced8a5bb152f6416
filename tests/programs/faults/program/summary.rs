//! Graphs for the summary: very many steps, hostile names, and one with every kind of outcome.

use std::time::Duration;

use pipeline::{DagBuilder, Pipeline, Settings};

/// Ten thousand steps: a hundred fail in one way, and one is skipped.
pub(crate) fn many() -> Pipeline {
    let mut dag = DagBuilder::new();
    for n in 0..9_899 {
        dag.cpu(format!("part_{n:04}"), (), |()| ());
    }
    for n in 0..100 {
        let shard =
            dag.try_cpu(format!("shard_{n:02}"), (), |()| Err::<(), _>("no route to host".to_owned()));
        if n == 0 {
            dag.cpu("behind_shard", (shard,), |((),)| ());
        }
    }
    Pipeline::new(dag.build().expect("valid"))
}

/// What names and messages of users can contain.
pub(crate) const HOSTILE: &str =
    "\u{1b}]0;owned\u{7}\u{1b}[2J\r\u{202e}evil\u{9b}31m\u{2066}\u{8}<script>\u{7f}";

/// Names and messages that would control a terminal, that are wide, and that are long.
pub(crate) fn hostile() -> Pipeline {
    let mut dag = DagBuilder::new();
    dag.cpu(HOSTILE, (), |()| ());
    dag.cpu("日本語の名前".repeat(40), (), |()| ());
    dag.cpu("🦀 crab", (), |()| std::thread::sleep(Duration::from_millis(20)));
    dag.cpu("x".repeat(10_000), (), |()| ());
    let fails = dag.try_cpu("fails", (), |()| Err::<(), _>(format!("{HOSTILE}{}", "y".repeat(10_000))));
    dag.cpu(format!("behind {HOSTILE}"), (fails,), |((),)| ());
    Pipeline::new(dag.build().expect("valid")).settings(Settings::default().cpu(2))
}
