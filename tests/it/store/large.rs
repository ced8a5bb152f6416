//! Runs of very many steps: every step is in the report, and a selection of them elsewhere.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use pipeline::prelude::*;

use super::*;

/// More than are kept whole elsewhere.
const STEPS: usize = 21_000;

/// A large run with some steps that stand out, recorded; the same for all tests.
static LARGE: LazyLock<(Folder, Run, PathBuf)> = LazyLock::new(|| {
    #[step]
    fn lg_counts(#[context] cx: &StepContext) -> u64 {
        cx.count("rows", 2);
        1
    }
    #[step(retries = 1)]
    fn lg_recovers(#[context] cx: &StepContext) -> Result<u64, &'static str> {
        if cx.attempt() == 1 { Err("not yet") } else { Ok(1) }
    }
    let mut dag = DagBuilder::new();
    for step in 0..STEPS {
        let _: Handle<u64> = dag.add::<lg_counts>().named(format!("plain_{step}")).handle();
    }
    let _: Handle<u64> = dag.add::<lg_recovers>().named("recovers").handle();
    let inputs: Vec<_> = (0..3).map(|n| dag.cpu(format!("input_{n}"), (), move |()| n)).collect();
    let fails = dag.try_cpu("fails", inputs, |_: Vec<&u64>| Err::<u64, _>("planted failure"));
    dag.cpu("skipped", (fails,), |(fails,)| *fails);
    let folder = Folder::new();
    let (run, dir) = record(Pipeline::new(dag.build().unwrap()), &folder.store());
    (folder, run, dir)
});

#[test]
fn the_report_of_a_large_run_has_every_step_and_is_compact() {
    let (folder, run, dir) = &*LARGE;
    let report = folder.store().report("latest").unwrap();
    assert_eq!(&report, run.report());
    assert_eq!((report.steps.len(), report.counters()["rows"]), (STEPS + 6, 2 * STEPS as u64));
    assert_eq!(report.step("fails").unwrap().inputs.len(), 1);
    let size: u64 = fs::read_dir(dir).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(size < 550 * STEPS as u64, "{} bytes a step", size / STEPS as u64);
}

#[test]
fn the_page_trace_and_history_of_a_large_run_have_the_steps_that_stand_out_and_say_so() {
    let (folder, run, dir) = &*LARGE;
    let page = fs::read_to_string(dir.join("page.html")).unwrap();
    let data = page.split_once("<script id=\"data\" type=\"application/json\">").unwrap().1;
    let data: serde_json::Value = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
    let steps = data["report"]["steps"].as_array().unwrap();
    assert_eq!(data["left_out"], STEPS + 6 - steps.len());
    assert!((2000..2100).contains(&steps.len()), "{}", steps.len());
    let name = |step: &serde_json::Value| step["name"].as_str().unwrap().to_owned();
    let names: BTreeSet<String> = steps.iter().map(name).collect();
    let stand_out = ["recovers", "input_0", "input_1", "input_2", "fails", "skipped"];
    assert!(stand_out.iter().all(|&step| names.contains(step)), "{names:?}");
    // Positions are those in the list.
    let fails = steps.iter().find(|step| step["name"] == "fails").unwrap();
    let upstream = fails["upstream"].as_array().unwrap().iter();
    let upstream: Vec<String> = upstream.map(|step| name(&steps[step.as_u64().unwrap() as usize])).collect();
    assert_eq!(upstream, ["input_0", "input_1", "input_2"]);
    // The same of the report with every step.
    let again = run.report().to_html();
    assert!(again.contains(&format!("\"left_out\":{}", data["left_out"])));

    let trace = read_json(dir.join("trace.json"));
    assert_eq!(trace["otherData"]["steps_left_out"], data["left_out"]);
    let named =
        |name: &str| trace["traceEvents"].as_array().unwrap().iter().any(|event| event["name"] == name);
    assert!(named("fails") && named("recovers") && !named("slots in use"));

    let store = folder.store();
    let entry = &store.runs().unwrap()[0];
    assert_eq!((entry.counts.planned, entry.counts.failed, entry.counts.skipped), (STEPS + 6, 1, 1));
    let history = rusqlite::Connection::open(folder.join("history.db")).unwrap();
    let rows: i64 = history.query_row("SELECT count(*) FROM steps", [], |row| row.get(0)).unwrap();
    assert_eq!(usize::try_from(rows), Ok(steps.len()));
}

/// What is computed without a report of each step is what the report of each step gives.
#[test]
fn the_figures_of_a_large_run_are_of_all_its_steps() {
    let (_, run, dir) = &*LARGE;
    let report = run.report();
    let page = fs::read_to_string(dir.join("page.html")).unwrap();
    let data = page.split_once("<script id=\"data\" type=\"application/json\">").unwrap().1;
    let data: serde_json::Value = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
    for (key, value) in serde_json::to_value(report).unwrap().as_object().unwrap() {
        if !["steps", "advice"].contains(&key.as_str()) {
            assert_eq!(&data["report"][key], value, "{key}");
        }
    }
    let advice = |report: &serde_json::Value| report["advice"][0].clone();
    assert_eq!(advice(&data["report"]), advice(&serde_json::to_value(report).unwrap()));
    assert_eq!(
        report.figures.total,
        report.steps.iter().filter_map(pipeline::report::StepReport::work).sum()
    );
}
