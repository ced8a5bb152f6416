//! I18, I26: spans of `tracing`, as a subscriber writes them.

use std::io;
use std::sync::{Mutex, Once};
use std::thread::ThreadId;

use pipeline::prelude::*;
use pipeline::telemetry::Spans;
use pipeline::*;
use serde_json::Value;
use tracing::info;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::support::quiet;

static WRITTEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Sink;

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        WRITTEN.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sets the subscriber of this process: JSON lines of all events, and of each span's end.
pub(super) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE);
        subscriber.with_span_events(FmtSpan::CLOSE).with_writer(|| Sink).init();
    });
}

/// The lines written inside the spans of a run.
pub(super) fn lines(run_id: &str) -> Vec<Value> {
    let written = WRITTEN.lock().unwrap();
    let lines = written.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    let lines = lines.map(|line| serde_json::from_slice::<Value>(line).unwrap());
    let of_run = |line: &Value| {
        let spans = line["spans"].as_array().into_iter().flatten().chain([&line["span"]]);
        spans.into_iter().any(|span| span["run_id"] == run_id)
    };
    lines.filter(of_run).collect()
}

/// The lines with a message.
fn said(lines: &[Value], message: &str) -> Vec<Value> {
    lines.iter().filter(|line| line["fields"]["message"] == message).cloned().collect()
}

/// The fields of a span, from the line of its end.
fn closed(lines: &[Value], name: &str, step: Option<&str>) -> Value {
    let closed = said(lines, "close");
    let mut found = closed
        .into_iter()
        .filter(|line| line["span"]["name"] == name && step.is_none_or(|step| line["span"]["step"] == step));
    let line = found.next().unwrap_or_else(|| panic!("no span {name} {step:?}: {lines:#?}"));
    assert!(found.next().is_none(), "once");
    line["span"].clone()
}

/// The spans around a line, outermost first: by name, or by the name of their step.
fn path(line: &Value) -> Vec<String> {
    let spans = line["spans"].as_array().unwrap();
    let name = |span: &Value| span["step"].as_str().or(span["name"].as_str()).unwrap().to_owned();
    spans.iter().map(name).collect()
}

#[step]
fn sp_cpu() -> u32 {
    info!("on the cpu lane");
    1
}

#[step(blocking)]
fn sp_blocking(sp_cpu: &u32) -> u32 {
    info!("on the blocking lane");
    *sp_cpu
}

#[step]
async fn sp_async(sp_blocking: &u32) -> [ThreadId; 2] {
    info!(sp_blocking, "before the await");
    let before = std::thread::current().id();
    tokio::task::yield_now().await;
    info!("after the await");
    [before, std::thread::current().id()]
}

#[test]
fn a_run_is_a_span_below_the_callers_and_its_steps_are_below_it() {
    listen();
    let caller = tracing::info_span!("caller");
    let run = caller.in_scope(|| Pipeline::to::<sp_async>().observe(Spans::new()).run_blocking().unwrap());
    info!("outside again");
    let lines = lines(run.id());
    for (message, step) in [
        ("on the cpu lane", "sp_cpu"),
        ("on the blocking lane", "sp_blocking"),
        ("before the await", "sp_async"),
        ("after the await", "sp_async"),
    ] {
        let said = said(&lines, message);
        assert_eq!(said.len(), 1, "{message}");
        assert_eq!(path(&said[0]), ["caller", "run", step], "{message}");
        assert_eq!(said[0]["span"]["run_id"], run.id(), "{message}");
    }
    assert_eq!(said(&lines, "outside again"), [] as [Value; 0]);
    let span = closed(&lines, "step", Some("sp_async"));
    assert_eq!(
        (&span["status"], &span["attempt"], &span["lane"]),
        (&"succeeded".into(), &1.into(), &"io".into())
    );
    let took = run.report().step("sp_async").unwrap().duration.unwrap().as_secs_f64();
    assert_eq!(span["duration"].as_f64(), Some(took));
    let span = closed(&lines, "run", None);
    assert_eq!((&span["succeeded"], &span["planned"]), (&true.into(), &3.into()));
    assert_eq!(span["duration"].as_f64(), Some(run.duration().as_secs_f64()));
}

/// With one slot the caller drives and does the first poll; a step that waits continues in a task of the runtime.
#[test]
fn the_log_of_an_async_step_is_in_its_span_on_every_thread() {
    #[step]
    async fn sp_moves() -> [ThreadId; 2] {
        let before = std::thread::current().id();
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        info!("on another thread");
        [before, std::thread::current().id()]
    }
    listen();
    let run = Pipeline::to::<sp_moves>()
        .settings(Settings::default().workers(1))
        .observe(Spans::new())
        .run_blocking()
        .unwrap();
    let [before, after] = run.output::<sp_moves>().unwrap();
    assert_ne!(before, after);
    let said = said(&lines(run.id()), "on another thread");
    assert_eq!(said.iter().map(path).collect::<Vec<_>>(), [["run", "sp_moves"]]);
}

#[test]
fn attempts_after_the_first_are_spans_and_failures_are_events() {
    #[step(retries = 2, fallback = 5)]
    async fn sp_tries(#[context] cx: &StepContext) -> Result<u32, String> {
        tokio::task::yield_now().await;
        info!(attempt = cx.attempt(), "trying");
        Err(format!("no. {}\nnext line \u{1b}[31m", cx.attempt()))
    }
    #[step]
    fn sp_fails(sp_tries: &u32) -> Result<u32, String> {
        Err(format!("after {sp_tries}"))
    }
    #[step]
    fn sp_not_run(sp_fails: &u32) -> u32 {
        *sp_fails
    }
    listen();
    let run = Pipeline::to::<sp_not_run>().observe(Spans::new()).run_blocking().unwrap();
    let lines = lines(run.id());
    let trying: Vec<_> = said(&lines, "trying").iter().map(path).collect();
    let below = ["run", "sp_tries", "attempt"];
    assert_eq!(trying, [&below[..2], &below, &below]);
    let failed = said(&lines, "attempt failed");
    let attempts: Vec<_> = failed.iter().map(|line| &line["fields"]["attempt"]).collect();
    assert_eq!(attempts, [1, 2]);
    assert_eq!(failed[0]["fields"]["error"], "no. 1\nnext line \u{1b}[31m");
    assert_eq!(
        (path(&failed[1]), &failed[1]["level"]),
        (path(&said(&lines, "fallback used")[0]), &"WARN".into())
    );
    let span = closed(&lines, "step", Some("sp_tries"));
    assert_eq!((&span["status"], &span["attempt"]), (&"succeeded".into(), &3.into()));
    let failure = &said(&lines, "step failed")[0];
    assert_eq!((&failure["fields"]["error"], &failure["level"]), (&"after 5".into(), &"ERROR".into()));
    assert_eq!(path(failure), ["run", "sp_fails"]);
    assert_eq!(said(&lines, "step not run")[0]["fields"]["step"], "sp_not_run");
    assert_eq!(closed(&lines, "run", None)["succeeded"], false);
}

#[test]
fn a_run_within_a_step_is_a_span_below_that_step() {
    #[step(blocking)]
    fn sp_outer(#[context] cx: &StepContext) -> Result<String, Problems> {
        let run = Pipeline::to::<sp_cpu>().within(cx).observe(Spans::new()).run_blocking()?;
        info!("back in the outer step");
        Ok(run.id().to_owned())
    }
    listen();
    let run = Pipeline::to::<sp_outer>().observe(Spans::new()).run_blocking().unwrap();
    let inner = run.output::<sp_outer>().unwrap();
    let inner = lines(inner);
    assert_eq!(path(&said(&inner, "on the cpu lane")[0]), ["run", "sp_outer", "run", "sp_cpu"]);
    let after = said(&lines(run.id()), "back in the outer step");
    assert_eq!(after.iter().map(path).collect::<Vec<_>>(), [["run", "sp_outer"]]);
}

/// Such a run has its own thread, on which the caller's span is not current.
#[test]
fn a_run_that_is_started_on_a_thread_of_a_runtime_is_below_its_caller_too() {
    listen();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    let caller = tracing::info_span!("caller");
    let run = caller.in_scope(|| Pipeline::to::<sp_cpu>().observe(Spans::new()).run_blocking().unwrap());
    assert_eq!(path(&said(&lines(run.id()), "on the cpu lane")[0]), ["caller", "run", "sp_cpu"]);
}

#[test]
fn spans_of_panicking_and_stopped_steps_are_closed() {
    quiet();
    listen();
    let (waits, is_waiting) = std::sync::mpsc::channel();
    let mut dag = DagBuilder::new();
    dag.cpu("panics", (), |()| -> u32 { panic!("planted") });
    dag.io("waits", (), move |_| {
        let waits = waits.clone();
        Box::pin(async move {
            waits.send(()).unwrap();
            std::future::pending::<Result<(), String>>().await
        })
    });
    let pipeline = Pipeline::new(dag.build().unwrap()).observe(Spans::new());
    let handle = pipeline.start().unwrap();
    is_waiting.recv().unwrap();
    crate::support::until("the panic", || handle.status("panics") == Ok(Status::Failed));
    handle.stop();
    let run = futures::executor::block_on(handle.wait());
    let lines = lines(run.id());
    assert_eq!(closed(&lines, "step", Some("panics"))["status"], "failed");
    assert_eq!(closed(&lines, "step", Some("waits"))["status"], "cancelled");
    // The run is still held; its span is not.
    assert_eq!(closed(&lines, "run", None)["succeeded"], false);
    assert!(tracing::Span::current().is_none(), "nothing is left entered on this thread");
}
