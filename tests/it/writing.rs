//! K11: runs that do not write.

use std::sync::atomic::{AtomicU32, Ordering};

use pipeline::graph::Policy;
use pipeline::prelude::*;
use pipeline::*;

static WRITTEN: AtomicU32 = AtomicU32::new(0);

#[step]
fn wr_rows() -> Vec<u64> {
    vec![1, 2, 3]
}
#[step(writes)]
fn wr_table(wr_rows: &[u64]) -> usize {
    WRITTEN.fetch_add(1, Ordering::SeqCst);
    wr_rows.len()
}
#[step]
fn wr_mail(wr_table: &usize) -> String {
    format!("{wr_table} rows")
}
#[step]
fn wr_summary(wr_rows: &[u64], wr_table: Option<&usize>) -> (u64, bool) {
    (wr_rows.iter().sum(), wr_table.is_some())
}

/// Steps that write are skipped, with the steps that require them. The rest runs, the report has the reason, and the
/// run has succeeded.
#[test]
fn a_run_without_writing_skips_steps_that_write_and_says_so() {
    let pipeline = Pipeline::to::<wr_mail>().and::<wr_summary>().settings(Settings::default().no_write(true));
    let run = pipeline.clone().run_blocking().unwrap();
    assert_eq!(WRITTEN.load(Ordering::SeqCst), 0);
    assert!(run.succeeded(), "{}", run.report());
    assert_eq!(run.output::<wr_summary>().unwrap(), &(6, false));
    let report = run.report();
    assert_eq!((report.counts.succeeded, report.counts.skipped), (2, 2));
    let step = |name: &str| report.steps.iter().find(|step| step.name == name).unwrap();
    let why = step("wr_table").error.as_ref().unwrap();
    assert_eq!((why.kind, why.message.as_str()), (FailureKind::NotMet, "it writes, and `no_write` is set"));
    assert_eq!(step("wr_mail").because.as_deref(), Some("wr_table"));
    // The same pipeline writes if it may: the earlier plan does not stick.
    let run = pipeline.settings(Settings::default().no_write(false)).run_blocking().unwrap();
    assert_eq!((run.report().counts.succeeded, WRITTEN.load(Ordering::SeqCst)), (4, 1));
    assert_eq!(run.output::<wr_summary>().unwrap(), &(6, true));
}

/// A closure can be a step that writes; a given output counts as written.
#[test]
fn closures_can_write_and_given_outputs_count() {
    let mut dag = DagBuilder::new();
    let file = dag.cpu("file", (), |()| 7_u64);
    dag.policy(file, Policy::writes);
    let _ = dag.cpu("read", (file,), |(file,)| file + 1);
    let dag = std::sync::Arc::new(dag.build().unwrap());
    let run = Pipeline::new(dag.clone()).settings(Settings::default().no_write(true)).run_blocking().unwrap();
    assert_eq!((run.status("file"), run.status("read")), (Ok(Status::Skipped), Ok(Status::Skipped)));
    let run = Pipeline::new(dag)
        .settings(Settings::default().no_write(true))
        .with_output_named("file", 1_u64)
        .run_blocking()
        .unwrap();
    assert_eq!(run.output_named::<u64>("read").unwrap(), &2);
}
