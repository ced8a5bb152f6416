//! Outputs that own a tokio runtime, as clients that call themselves blocking do: dropped where blocking is allowed.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use pipeline::frame::{Execute, Frame};
use pipeline::prelude::*;
use pipeline::*;
use tokio::runtime::Runtime;

use crate::deadlines::two_workers;
use crate::other_executors::OneByOne;
use crate::support::{Gauge, Inside, run_in_time, step_report, until};

/// A client that cannot be dropped on a thread that runs tasks: one that is stays in the gauge.
struct Client {
    runtime: Option<Runtime>,
    alive: Option<Inside>,
    page: u32,
}

impl Drop for Client {
    fn drop(&mut self) {
        let (runtime, alive) = (self.runtime.take(), self.alive.take());
        if let Err(refused) = catch_unwind(AssertUnwindSafe(|| drop(runtime))) {
            std::mem::forget(alive);
            resume_unwind(refused);
        }
    }
}

impl Client {
    fn new(gauge: &Arc<Gauge>) -> Client {
        Client { runtime: Some(Runtime::new().unwrap()), alive: Some(gauge.enter()), page: 7 }
    }
}

#[step(blocking)]
fn dl_client(#[resource] gauge: &Arc<Gauge>) -> Client {
    Client::new(gauge)
}

#[step]
fn dl_cpu_client(#[resource] gauge: &Arc<Gauge>) -> Client {
    Client::new(gauge)
}

#[step]
async fn dl_page(dl_client: &Client) -> u32 {
    tokio::task::yield_now().await;
    dl_client.page
}

#[step]
async fn dl_pages(dl_client: &Client, dl_cpu_client: &Client) -> u32 {
    dl_client.page + dl_cpu_client.page
}

/// Is skipped, and so takes no client.
#[step]
async fn dl_takes(dl_cpu_client: Client, dl_fails: &u32) -> u32 {
    dl_cpu_client.page + dl_fails
}

#[step]
async fn dl_fails() -> Result<u32, String> {
    Err("planted".to_owned())
}

fn with(pipeline: &Pipeline, settings: Settings) -> (Pipeline, Arc<Gauge>) {
    let gauge = Arc::<Gauge>::default();
    (pipeline.clone().settings(settings).resource(Arc::clone(&gauge)), gauge)
}

/// The last reader is async, with or without waiting, alone or one of several; the run ends after the drop.
#[test]
fn an_output_is_dropped_where_its_step_may_block() {
    let pipeline = Pipeline::to::<dl_page>().and::<dl_pages>();
    for settings in [Settings::default(), Settings::default().workers(1), Settings::default().timings(false)]
    {
        let (blocking, gauge) = with(&pipeline, settings.clone());
        let run = run_in_time(blocking);
        assert_eq!((run.output::<dl_page>(), run.output::<dl_pages>()), (Ok(&7), Ok(&14)));
        assert!(run.succeeded(), "{}", run.report());
        assert_eq!((gauge.peak(), gauge.now()), (2, 0), "both were dropped before the end");

        let (awaited, gauge) = with(&pipeline, settings);
        let run = two_workers().block_on(awaited.run()).unwrap();
        assert!(run.succeeded(), "{}", run.report());
        assert_eq!((gauge.peak(), gauge.now()), (2, 0));
    }
    let (skipped, gauge) = with(&Pipeline::to::<dl_takes>(), Settings::default());
    let run = run_in_time(skipped);
    assert_eq!(step_report(&run, "dl_cpu_client").status, Status::Succeeded, "{}", run.report());
    assert_eq!((run.status("dl_takes"), gauge.peak(), gauge.now()), (Ok(Status::Skipped), 1, 0));
}

/// An output that is kept is dropped with its run, also in async code; and so is one of a run whose handle was dropped.
#[test]
fn a_kept_output_is_dropped_where_its_step_may_block() {
    let pipeline = Pipeline::to::<dl_client>().and::<dl_page>();
    let runtime = two_workers();
    let (kept, gauge) = with(&pipeline, Settings::default());
    runtime.block_on(async {
        let run = kept.run().await.unwrap();
        assert_eq!((run.output::<dl_client>().unwrap().page, gauge.now()), (7, 1));
        drop(run);
        assert_eq!(gauge.now(), 0);
    });
    let (stopped, gauge) = with(&pipeline, Settings::default());
    runtime.block_on(async { drop(stopped.start().unwrap()) });
    until("what was made is dropped", || Arc::strong_count(&gauge) == 2 && gauge.now() == 0);
}

/// A panic in such a drop fails the step that made the output.
#[test]
fn a_panic_in_a_drop_elsewhere_fails_the_step() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("planted");
        }
    }
    #[step(blocking)]
    fn dl_panics() -> Panics {
        Panics
    }
    #[step]
    async fn dl_reads(dl_panics: &Panics) -> u32 {
        let Panics = dl_panics;
        0
    }
    crate::support::quiet();
    let run = run_in_time(Pipeline::to::<dl_reads>());
    assert_eq!(
        (run.status("dl_reads"), run.status("dl_panics")),
        (Ok(Status::Succeeded), Ok(Status::Failed))
    );
    assert_eq!(run.error("dl_panics").unwrap().kind(), FailureKind::DropPanic);
}

/// What the frame keeps after the last step is dropped on another thread only if its drop may block.
#[test]
fn an_output_of_the_standard_library_needs_no_thread_for_its_drop() {
    struct Looks(std::sync::Mutex<Vec<bool>>);
    impl Execute for Looks {
        fn execute(&self, frame: &Arc<Frame>) {
            OneByOne.execute(frame);
            self.0.lock().unwrap().push(frame.has_outputs_of_threads());
        }
    }
    #[step]
    fn dl_text() -> String {
        "kept".to_owned()
    }
    let looks = Looks(std::sync::Mutex::default());
    let (text, client) = (Pipeline::to::<dl_text>(), Pipeline::to::<dl_client>());
    assert!(text.run_with(&looks).unwrap().succeeded());
    assert!(with(&client, Settings::default()).0.run_with(&looks).unwrap().succeeded());
    assert_eq!(looks.0.into_inner().unwrap(), [false, true]);
}
