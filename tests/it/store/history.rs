//! The history: used by two processes, by two threads, and by queries.

use std::fs;

use pipeline::store::{Pace, RunState};

use super::*;

#[step]
fn rows_in(#[context] cx: &StepContext) -> u64 {
    cx.count("rows_in", 5);
    5
}

#[step(retries = 1, backoff = "1ms")]
fn second_time(rows_in: &u64, #[context] cx: &StepContext) -> Result<u64, String> {
    if cx.attempt() == 1 { Err("planted".to_owned()) } else { Ok(*rows_in) }
}

/// I21: every query in the document runs and finds something here.
#[test]
fn the_documented_queries_find_something() {
    let folder = Folder::new();
    let store = folder.store();
    for _ in 0..6 {
        record(Pipeline::to::<second_time>(), &store);
    }
    record(two_steps(true), &store);
    let database = rusqlite::Connection::open(folder.join("history.db")).unwrap();
    let document = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/history.md")).unwrap();
    let queries: Vec<&str> = document
        .split("```sql\n")
        .skip(1)
        .map(|block| block.split("```").next().unwrap())
        .filter(|block| !block.contains("CREATE TABLE"))
        .collect();
    assert!(queries.len() >= 5);
    for query in queries {
        let mut statement = database.prepare(query).unwrap_or_else(|error| panic!("{error}: {query}"));
        assert!(statement.exists([]).unwrap(), "it finds nothing: {query}");
    }
}

/// `SQLite`'s integers end at 2^63 - 1.
#[test]
fn a_counter_of_any_size_is_kept_exactly() {
    #[step]
    fn counts_far(#[context] cx: &StepContext) {
        cx.count("edge", i64::MAX as u64);
        cx.count("beyond", i64::MAX as u64 + 1);
        cx.count("most", u64::MAX);
    }
    let folder = Folder::new();
    record(Pipeline::to::<counts_far>(), &folder.store());
    let database = rusqlite::Connection::open(folder.join("history.db")).unwrap();
    let mut all = database.prepare("SELECT CAST(value AS TEXT) FROM counters ORDER BY length(name)").unwrap();
    let all: Vec<String> = all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(all.len(), 3);
    for value in [i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX] {
        assert!(all.contains(&value.to_string()), "{value}: {all:?}");
    }
}

#[test]
fn the_documented_tables_are_those_of_the_history() {
    let folder = Folder::new();
    drop(folder.store());
    let database = rusqlite::Connection::open(folder.join("history.db")).unwrap();
    let document = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/history.md")).unwrap();
    let documented = rusqlite::Connection::open_in_memory().unwrap();
    let tables = document.split("```sql\n").find(|block| block.starts_with("CREATE TABLE")).unwrap();
    documented.execute_batch(tables.split("```").next().unwrap()).unwrap();
    let columns = |db: &rusqlite::Connection| -> Vec<(String, String, String)> {
        db.prepare("SELECT m.name, c.name, c.type FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY m.name, c.cid")
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    };
    assert_eq!(columns(&database), columns(&documented));
}

#[test]
fn many_runs_can_record_at_once() {
    let folder = Folder::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let store = folder.store();
                for _ in 0..5 {
                    let (run, _) = record(two_steps(false), &store);
                    assert!(store.runs().unwrap().iter().any(|entry| entry.run_id == run.id()));
                }
            });
        }
    });
    let runs = folder.store().runs().unwrap();
    assert_eq!(runs.len(), 20);
    assert!(runs.iter().all(|run| run.state == RunState::Succeeded), "{runs:?}");
}

#[test]
fn trends_show_what_was_slower_than_usual() {
    let folder = Folder::new();
    let store = folder.store();
    let pipeline = |millis: u64| {
        let mut dag = DagBuilder::new();
        dag.cpu("sleeps", (), move |()| std::thread::sleep(std::time::Duration::from_millis(millis)));
        Pipeline::new(dag.build().unwrap())
    };
    for _ in 0..5 {
        record(pipeline(1), &store);
    }
    let trend = |n| store.trends(n).unwrap().remove(0);
    assert_eq!((trend(4).pace, trend(9).runs), (Pace::Unknown, 5));
    // Longer than any of the others, even on a busy machine.
    let slowest = trend(9).times.iter().map(|time| time.duration).max().unwrap();
    record(pipeline(20 * slowest.as_millis() as u64 + 20), &store);
    assert_eq!((trend(9).pace, trend(9).runs), (Pace::Slower, 6));
    assert_eq!(trend(9).times[0].run_id, store.find("latest").unwrap().run_id);
}
