//! What is kept of a step goes by its identity, and what is kept of runs by their program, pipeline and parameters.

use pipeline::graph::ProblemCode;
use pipeline::prelude::*;
use pipeline::store::Pace;
use serde_json::{Value, json};

use super::*;

mod orders {
    #[pipeline::step]
    pub(super) fn ow_load() -> u64 {
        1
    }
}

mod users {
    #[pipeline::step]
    pub(super) fn ow_load() -> u64 {
        2
    }
}

/// The identity of `orders::ow_load`.
const ORDERS: &str = concat!(module_path!(), "::orders::ow_load");
const USERS: &str = concat!(module_path!(), "::users::ow_load");

/// `orders::ow_load`, which has the short name to itself.
fn alone() -> Pipeline {
    let mut dag = DagBuilder::new();
    dag.add::<orders::ow_load>();
    Pipeline::new(dag.build().unwrap())
}

/// Both steps of that name.
fn both() -> Pipeline {
    let mut dag = DagBuilder::new();
    dag.add::<orders::ow_load>();
    dag.add::<users::ow_load>();
    Pipeline::new(dag.build().unwrap())
}

#[test]
fn a_step_keeps_its_history_when_a_namesake_joins() {
    let folder = Folder::new();
    let store = folder.store();
    record(alone(), &store);
    let (later, _) = record(both(), &store);
    let trends = store.trends(9).unwrap();
    let runs: Vec<_> = trends.iter().map(|trend| (trend.identity.as_str(), trend.runs)).collect();
    assert_eq!(runs, [(ORDERS, 2), (USERS, 1)]);
    // Shown as the latest run shows it.
    assert_eq!(trends[0].step, ORDERS);
    assert_eq!(store.durations(9).unwrap().into_keys().collect::<Vec<_>>(), [ORDERS, USERS]);
    let diff = later.report().diff(&store.report("-2").unwrap());
    assert_eq!((diff.steps.len(), diff.added, diff.removed), (1, vec![USERS.to_owned()], Vec::new()));
}

#[test]
fn the_journal_of_a_killed_run_has_the_identities_of_its_steps() {
    let folder = Folder::new();
    for pipeline in [alone(), both()] {
        let (_, dir) = record(pipeline, &folder.store());
        fs::remove_file(dir.join("report.json")).unwrap();
        fs::remove_file(folder.join("history.db")).unwrap();
    }
    let identities = |run: &str| {
        let report = folder.store().report(run).unwrap();
        report.steps.iter().map(|step| (step.name.clone(), step.identity().to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(identities("-2"), [("ow_load".to_owned(), ORDERS.to_owned())]);
    assert!(identities("latest").contains(&(USERS.to_owned(), USERS.to_owned())));
    let run = folder.store().find("latest").unwrap();
    assert_eq!((run.program.as_str(), run.pipeline), ("it", None));
}

#[cfg(feature = "outputs")]
#[test]
fn a_saved_output_is_found_by_the_identity_of_its_step() {
    let folder = Folder::new();
    let store = folder.store().save_outputs(true);
    record(alone(), &store);
    record(both(), &store);
    let file = |run: &str, step: &str| {
        store.output_file(run, step).map(|file| fs::read_to_string(file.unwrap()).unwrap())
    };
    for step in ["ow_load", "orders::ow_load", ORDERS] {
        assert_eq!(file("-2", step).unwrap(), "1");
    }
    assert_eq!(file("latest", USERS).unwrap(), "2");
    let error = file("latest", "ow_load").unwrap_err().to_string();
    assert!(error.contains("`ow_load` names several recorded steps: ") && error.contains(USERS), "{error}");
    assert_eq!(store.output_file("latest", "no_such_step").unwrap(), None);
}

/// Makes a recorded run one of another program or pipeline.
fn make_of(folder: &Folder, dir: &Path, program: &str, pipeline: Option<&str>) {
    let path = dir.join("report.json");
    let mut report: Value = read_json(&path);
    report["program"] = json!(program);
    report["pipeline"] = json!(pipeline);
    fs::write(path, report.to_string()).unwrap();
    let _ = fs::remove_file(folder.join("history.db"));
}

#[test]
fn the_runs_of_another_program_are_not_mixed_with_those_of_this_one() {
    let folder = Folder::new();
    let (own, _) = record(two_steps(false), &folder.store());
    let (other, dir) = record(two_steps(false), &folder.store());
    make_of(&folder, &dir, "another", None);
    let store = folder.store();
    let ids = |store: &RunStore| store.runs().unwrap().into_iter().map(|run| run.run_id).collect::<Vec<_>>();
    assert_eq!(ids(&store), [own.id()]);
    assert_eq!(ids(&store.clone().every_program()), [other.id(), own.id()]);
    assert_eq!(store.find("latest").unwrap().run_id, own.id());
    assert!(store.find("-2").unwrap_err().to_string().contains("of this program"));
    assert_eq!(
        (store.trends(9).unwrap()[0].runs, store.clone().every_program().trends(9).unwrap()[0].runs),
        (1, 2)
    );
    // By its id it can be read and compared.
    assert_eq!(store.find(other.id()).unwrap().program, "another");
    let diff = own.report().diff(&store.report(other.id()).unwrap());
    assert_eq!(diff.drift, ["program another → it", &diff.drift[1]]);
    // Each pipeline keeps its own runs.
    let (_, latest) = record(two_steps(false), &store.keep_runs(1));
    let kept = [Path::new(&latest), &dir].map(Path::exists);
    assert_eq!((kept, folder.join("runs").join(own.id()).exists()), ([true, true], false));
}

#[test]
fn usual_is_what_runs_with_the_same_parameters_took() {
    let folder = Folder::new();
    let store = folder.store();
    let with = |size: u64| Pipeline::to::<ow_sized>().param("ow_size", size);
    for _ in 0..5 {
        record(with(0), &store);
    }
    let trend = || store.trends(99).unwrap().remove(0);
    let slowest = trend().times.iter().map(|time| time.duration).max().unwrap();
    // Longer than any of the others, even on a busy machine; with other parameters this says nothing.
    let much = 20 * slowest.as_millis() as u64 + 20;
    record(with(much), &store);
    assert_eq!((trend().pace, trend().comparable, trend().runs), (Pace::Unknown, 0, 6));
    let (a, b) = (store.find("latest").unwrap(), store.find("-2").unwrap());
    assert_ne!(a.params_fingerprint, b.params_fingerprint);
    record(with(0), &store);
    assert_eq!((trend().comparable, trend().runs), (5, 7));
    assert_eq!(store.find("latest").unwrap().params_fingerprint, b.params_fingerprint);
}

#[step(blocking)]
fn ow_sized(#[param] ow_size: u64) -> u64 {
    std::thread::sleep(std::time::Duration::from_millis(ow_size));
    ow_size
}

/// A pipeline whose only step runs until the other end of the channel is dropped, and says when it has begun.
fn held() -> (Pipeline, std::sync::mpsc::Receiver<()>, std::sync::mpsc::Sender<()>) {
    let (begun, has_begun) = std::sync::mpsc::sync_channel(1);
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let ended = std::sync::Mutex::new(ended);
    let mut dag = DagBuilder::new();
    dag.blocking("held", (), move |()| -> Result<(), String> {
        begun.send(()).unwrap();
        let _ = ended.lock().unwrap().recv();
        Ok(())
    });
    (Pipeline::new(dag.build().unwrap()), has_begun, end)
}

#[test]
fn an_exclusive_run_is_refused_while_another_of_its_pipeline_is_under_way() {
    let folder = Folder::new();
    let store = folder.store();
    let exclusive = || {
        two_steps(false).settings(Settings::default().exclusive_run(true)).record_to(&store).run_blocking()
    };
    assert!(exclusive().unwrap().succeeded());
    let (pipeline, has_begun, end) = held();
    let first = pipeline.record_to(&store).start().unwrap();
    has_begun.recv_timeout(crate::support::LIMIT).unwrap();
    let problems = exclusive().unwrap_err();
    assert!(problems.has(ProblemCode::AlreadyRunning), "{problems}");
    assert!(
        problems.to_string().contains(&format!("run {} of the same pipeline is under way", first.id())),
        "{problems}"
    );
    // Nothing is left of the refused run, and others may run beside it.
    assert_eq!(store.runs().unwrap().len(), 2);
    record(two_steps(false), &store);
    drop(end);
    assert!(futures::executor::block_on(first.wait()).succeeded());
    assert!(exclusive().unwrap().succeeded());
}

#[test]
fn a_run_that_is_not_recorded_cannot_be_exclusive() {
    let settings = Settings::default().exclusive_run(true);
    let problems = two_steps(false).settings(settings).run_blocking().unwrap_err();
    assert!(problems.has(ProblemCode::InvalidSetting), "{problems}");
}
