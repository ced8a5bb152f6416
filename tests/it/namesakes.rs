//! Steps with one short name in two modules: each keeps its own settings, parameters and random numbers, by its identity
//! `module::name`, and a short name that fits both is refused wherever it is given.

use pipeline::StepDefaults;
use pipeline::graph::{GraphDocument, ProblemCode};
use pipeline::prelude::*;
use pipeline::*;

mod orders {
    use pipeline::StepContext;

    #[pipeline::step]
    pub(super) fn nk_load(#[context] cx: &StepContext, #[param(default = 1)] nk_size: u64) -> (u64, u64) {
        (cx.seed(), nk_size)
    }
}

mod users {
    use pipeline::StepContext;

    #[pipeline::step]
    pub(super) fn nk_load(#[context] cx: &StepContext, #[param(default = 2)] nk_size: u64) -> (u64, u64) {
        (cx.seed(), nk_size)
    }
}

#[step]
fn nk_one(#[from(orders::nk_load)] load: &(u64, u64)) -> (u64, u64) {
    *load
}

#[step]
fn nk_both(
    #[from(orders::nk_load)] orders: &(u64, u64),
    #[from(users::nk_load)] users: &(u64, u64),
) -> [(u64, u64); 2] {
    [*orders, *users]
}

fn one() -> Pipeline {
    Pipeline::to::<nk_one>().settings(Settings::default().seed(7))
}

fn both() -> Pipeline {
    Pipeline::to::<nk_both>().settings(Settings::default().seed(7))
}

/// The refusal names both steps, with their locations.
#[track_caller]
fn is_ambiguous(result: Result<impl std::fmt::Debug, Problems>) {
    let problems = result.unwrap_err();
    assert!(problems.has(ProblemCode::AmbiguousName), "{problems}");
    let text = problems.to_string();
    for part in
        ["`nk_load` fits 2 steps", "orders::nk_load` at ", "users::nk_load` at ", "use one of these names"]
    {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

fn off() -> StepDefaults {
    StepDefaults::new().enabled(false)
}

#[test]
fn a_setting_under_the_name_of_two_steps_is_refused() {
    is_ambiguous(both().settings(Settings::default().step("nk_load", off())).run_blocking());
    let run = both().settings(Settings::default().step("orders::nk_load", off())).run_blocking().unwrap();
    let status = |name| run.status(name).unwrap().name();
    assert_eq!((status("orders::nk_load"), status("users::nk_load")), ("skipped", "succeeded"));
    // A pattern means all that it matches, and a short name that fits one step of the graph means that.
    let run = both().settings(Settings::default().step("*::nk_load", off())).run_blocking().unwrap();
    assert_eq!(run.status("users::nk_load").unwrap().name(), "skipped");
    let run = one().settings(Settings::default().step("nk_load", off())).run_blocking().unwrap();
    assert_eq!(run.status("nk_load").unwrap().name(), "skipped");
}

#[test]
fn a_parameter_for_the_name_of_two_steps_is_refused() {
    is_ambiguous(both().param("nk_load.nk_size", 5).run_blocking());
    let sizes =
        |pipeline: Pipeline| pipeline.run_blocking().unwrap().output::<nk_both>().unwrap().map(|load| load.1);
    assert_eq!(sizes(both().param("orders::nk_load.nk_size", 5)), [5, 2]);
    let full = concat!(module_path!(), "::users::nk_load.nk_size");
    assert_eq!(sizes(both().param(full, 6).param("nk_size", 9)), [9, 6]);
    // The same step under two names: what was set last wins.
    let twice = both().param(full, 6).param("users::nk_load.nk_size", 7);
    assert_eq!(sizes(twice), [1, 7]);
    // A full name is right also while the step has the short name to itself.
    let full = concat!(module_path!(), "::orders::nk_load.nk_size");
    assert_eq!(one().param(full, 3).run_blocking().unwrap().output::<nk_one>().unwrap().1, 3);
}

#[test]
fn every_other_name_of_two_steps_is_refused() {
    is_ambiguous(both().target("nk_load").plan());
    is_ambiguous(both().keep_named("nk_load").plan());
    is_ambiguous(both().select(["nk_load"]).plan());
    is_ambiguous(both().exclude(["nk_load"]).plan());
    is_ambiguous(both().until(["nk_load"]).plan());
    is_ambiguous(both().with_output_named("nk_load", (0_u64, 0_u64)).plan());
    let run = both().run_blocking().unwrap();
    assert!(run.status("nk_load").unwrap_err().to_string().contains("`nk_load` fits 2 steps"));
    // The end of an identity finds its step, also one that the targets do not need.
    let plan = one().target("users::nk_load").plan().unwrap();
    assert_eq!(plan.planned(), 3);
}

#[test]
fn a_name_in_code_means_what_it_means_elsewhere() {
    let mut dag = DagBuilder::new();
    dag.add::<orders::nk_load>();
    dag.add::<users::nk_load>();
    let _ = dag.add::<nk_copy>().named("short").input_named("load", "nk_load");
    is_ambiguous_input(dag.build());
    let mut dag = DagBuilder::new();
    dag.add::<users::nk_load>();
    let _ = dag.add::<nk_copy>().named("copy").input_named("load", "users::nk_load");
    let run = Pipeline::new(dag.build().unwrap()).run_blocking().unwrap();
    assert_eq!(run.output_named::<u64>("copy").unwrap(), &2);
    // Two registered steps, of which the builder has none.
    let mut dag = DagBuilder::new();
    let _ = dag.add::<nk_copy>().named("short").input_named("load", "nk_load");
    is_ambiguous_input(dag.build());
}

#[track_caller]
fn is_ambiguous_input(result: Result<Dag, Problems>) {
    let problems = result.unwrap_err();
    assert!(problems.has(ProblemCode::AmbiguousName), "{problems}");
    assert!(problems.to_string().contains("input `load` names `nk_load`, which fits 2 steps"), "{problems}");
}

#[step]
fn nk_copy(#[input] load: &(u64, u64)) -> u64 {
    load.1
}

#[test]
fn random_numbers_do_not_change_if_a_namesake_joins() {
    let alone = one().run_blocking().unwrap().output::<nk_one>().unwrap().0;
    let [beside, other] = both().run_blocking().unwrap().output::<nk_both>().unwrap().map(|load| load.0);
    assert_eq!(alone, beside);
    assert_ne!(beside, other);
    let test = StepContext::for_test_seeded(concat!(module_path!(), "::orders::nk_load"), 7);
    assert_eq!(test.seed(), alone);
    // An instance and a closure have their own names.
    let mut dag = DagBuilder::new();
    let _ = dag.add::<orders::nk_load>().named("mine");
    let run =
        Pipeline::new(dag.build().unwrap()).settings(Settings::default().seed(7)).run_blocking().unwrap();
    let seed = StepContext::for_test_seeded("mine", 7).seed();
    assert_eq!(run.output_named::<(u64, u64)>("mine").unwrap().0, seed);
}

#[test]
fn fingerprints_do_not_change_if_a_namesake_joins_the_graph() {
    let graph = |pipeline: Pipeline| pipeline.plan().unwrap().fingerprint();
    let mut dag = DagBuilder::new();
    dag.add::<orders::nk_load>();
    dag.add::<users::nk_load>();
    dag.add::<nk_one>();
    let beside = Pipeline::new(dag.build().unwrap()).target("nk_one");
    assert_eq!(graph(one()), graph(beside));
}

#[test]
fn an_instance_cannot_have_the_identity_of_another_step() {
    let mut dag = DagBuilder::new();
    dag.add::<orders::nk_load>();
    let _ = dag.add::<users::nk_load>().named(concat!(module_path!(), "::orders::nk_load"));
    let problems = dag.build().unwrap_err();
    assert!(problems.has(ProblemCode::DuplicateStep), "{problems}");
    assert!(problems.to_string().contains("::orders::nk_load`"), "{problems}");
}

#[test]
fn a_graph_read_from_a_document_has_the_identities_of_the_graph_that_wrote_it() {
    let mut dag = DagBuilder::new();
    dag.add::<orders::nk_load>();
    let _ = dag.add::<users::nk_load>().named("mine");
    let dag = dag.build().unwrap();
    let json = dag.document().to_json();
    let loaded = Dag::from_document(&GraphDocument::from_json(&json).unwrap()).unwrap();
    let identities =
        |dag: &Dag| dag.steps().iter().map(|step| step.identity().into_owned()).collect::<Vec<_>>();
    assert_eq!(identities(&loaded), identities(&dag));
    assert_eq!(identities(&dag), [concat!(module_path!(), "::orders::nk_load"), "mine"]);
}
