//! Validators and classifiers of a program's own, and the reasons for which steps run one at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use pipeline::graph::{Backoff, Plan, Policy, ProblemCode, StepSpec};
use pipeline::limits::{Classifier, LimitSettings, Validator, Verdict};
use pipeline::prelude::*;
use pipeline::*;

use crate::support::{Clock, Slept, are_apart, many, nap, peak, quiet, spans};

#[step]
async fn va_nap(#[resource] clock: &Clock) -> Slept {
    nap(clock, 100).await
}

#[step(group = "va-state")]
async fn va_state(#[resource] clock: &Clock) -> Slept {
    nap(clock, 100).await
}

/// Four steps, two of them in the group `va-state`.
fn four() -> Pipeline {
    let mut dag = DagBuilder::new();
    many::<va_nap>(&mut dag, "free", 2);
    many::<va_state>(&mut dag, "state", 2);
    Pipeline::new(dag.build().unwrap()).resource(Clock::start())
}

/// Finds steps of one group that another step may run beside: they would change the same tables.
struct OneWriterPerGroup;

impl Validator for OneWriterPerGroup {
    fn validate(&self, plan: &Plan) -> Verdict {
        let mut writers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for step in 0..plan.len() {
            let spec = plan.spec(step);
            if let Some(group) = spec.def().group.as_deref().filter(|_| spec.policy().sequential.is_none()) {
                writers.entry(group).or_default().push(spec.name());
            }
        }
        match writers.values().find(|writers| writers.len() > 1) {
            Some(writers) => Verdict::OneAtATime(format!("{} write one table", writers.join(" and "))),
            None => Verdict::Valid,
        }
    }
}

/// Runs the steps of a group in order.
struct InOrder(&'static str);

impl Classifier for InOrder {
    fn classify(&self, step: &StepSpec, policy: Policy) -> Policy {
        if step.def().group.as_deref() == Some(self.0) { policy.sequential(self.0) } else { policy }
    }
}

/// G11, C11: a validator of the program's own finds a conflict between steps: they run one at a time, the report has the
/// reason, and the run succeeds.
#[tokio::test(start_paused = true)]
async fn steps_in_conflict_run_one_at_a_time_and_the_report_says_why() {
    let run = four().validator(OneWriterPerGroup).run().await.unwrap();
    assert!(run.succeeded());
    assert!(are_apart(&spans(&run, "")), "{:?}", spans(&run, ""));
    assert_eq!(run.report().limited_by, ["one step at a time: state_0 and state_1 write one table"]);
    assert!(run.report().to_string().contains("limited: one step at a time: state_0 and state_1"));
}

/// G11: a classifier of the program's own decides how steps run, so that the conflict is gone; the plan shows it.
#[tokio::test(start_paused = true)]
async fn a_classifier_decides_how_steps_run() {
    let pipeline = four().validator(OneWriterPerGroup).classifier(InOrder("va-state"));
    let plan = pipeline.plan().unwrap();
    let of = |name: &str| (0..plan.len()).find(|step| plan.spec(*step).name() == name).unwrap();
    assert_eq!(plan.policy(of("state_1")).sequential.as_deref(), Some("va-state"));
    assert_eq!(plan.policy(of("free_1")).sequential, None);
    let run = pipeline.run().await.unwrap();
    assert!(are_apart(&spans(&run, "state")) && peak(&spans(&run, "")) == 3);
    assert_eq!(run.report().limited_by, Vec::<String>::new());
    // Closures are both, and of several classifiers each gets what the one before made.
    let limited = |_: &StepSpec, policy: Policy| policy.limit("va-db", 1);
    let named = |_: &StepSpec, policy: Policy| {
        assert_eq!(policy.limits.len(), 1);
        policy
    };
    let settings = Settings::default().limit("va-db", LimitSettings::new(2));
    let run = four().classifier(limited).classifier(named).settings(settings).run().await.unwrap();
    assert_eq!(peak(&spans(&run, "")), 2);
}

/// G11: what belongs to a step's code is not for a classifier to change: its condition and its fallback stay.
#[test]
fn a_classifier_leaves_the_code_of_a_step_alone() {
    #[step(fallback = |_: &StepError| 7)]
    fn va_falls_back() -> Result<u32, String> {
        Err("planted".to_owned())
    }
    let none = |_: &StepSpec, _: Policy| Policy::NONE;
    let run = Pipeline::to::<va_falls_back>().classifier(none).run_blocking().unwrap();
    assert_eq!(run.output::<va_falls_back>(), Ok(&7));
}

/// G11: a classifier's policy with a backoff that cannot be followed is refused, as one of a builder is.
#[test]
fn a_backoff_of_a_classifier_without_a_sound_schedule_is_refused() {
    let wrong = Backoff::exponential(Duration::from_secs(10), Duration::from_secs(1));
    let wrong = move |_: &StepSpec, policy: Policy| policy.retries(1).backoff(wrong);
    let problems = four().classifier(wrong).plan().unwrap_err();
    assert!(problems.iter().all(|problem| problem.code == ProblemCode::InvalidSetting), "{problems}");
    let said = problems.to_string();
    assert!(said.contains("the backoff of step `state_0` cannot be used"), "{said}");
}

/// G11, E12: a plan that a validator refuses does not start. All of its problems are reported at once, with others, by code; a
/// panic is one of them.
#[test]
fn a_refused_plan_does_not_start() {
    #[step]
    fn va_never(#[resource] missing: &std::sync::Barrier) {
        panic!("nothing runs: {missing:?}")
    }
    quiet();
    let refuses = |plan: &Plan| Verdict::Invalid(format!("{} step is one too many", plan.len()));
    let panics = |_: &Plan| -> Verdict { panic!("planted: no opinion") };
    let pipeline = Pipeline::to::<va_never>().validator(refuses).validator(panics);
    for problems in [pipeline.check().unwrap_err(), pipeline.run_blocking().unwrap_err()] {
        let codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
        assert_eq!(codes, [ProblemCode::MissingResource, ProblemCode::Refused, ProblemCode::Refused]);
        let said = problems.to_string();
        assert!(said.contains("refuses the plan: 1 step is one too many"), "{said}");
        assert!(said.contains("a validator of the pipeline panicked: planted: no opinion"), "{said}");
    }
    let wrong = |_: &StepSpec, _: Policy| -> Policy { panic!("planted: no class") };
    let problems = Pipeline::to::<va_never>().classifier(wrong).plan().unwrap_err();
    assert!(problems.has(ProblemCode::Refused), "{problems}");
    assert!(problems.to_string().contains("a classifier panicked: planted: no class"), "{problems}");
}

/// E12: the failures that `PlanAlign` tells apart have stable codes too, with the step, its location and a hint: of validation,
/// of dependencies and of resources before the first step, of a model's execution during it.
#[test]
fn failures_of_validation_dependencies_resources_and_steps_have_stable_codes() {
    #[step]
    fn va_source() -> Result<u32, String> {
        Err("planted".to_owned())
    }
    #[step]
    fn va_lost(#[from("va_sourse")] source: &u32) -> u32 {
        *source
    }
    #[step]
    fn va_circle(#[from("va_square")] square: &u32) -> u32 {
        *square
    }
    #[step]
    fn va_square(va_circle: &u32) -> u32 {
        *va_circle
    }
    #[step]
    fn va_connects(#[resource] gate: &std::sync::Barrier) -> bool {
        gate.wait().is_leader()
    }
    let refuses = |_: &Plan| Verdict::Invalid("not today".to_owned());
    for (pipeline, code, step) in [
        (Pipeline::to::<va_lost>(), "PL0001", Some("va_lost")),
        (Pipeline::to::<va_square>(), "PL0003", Some("va_circle")),
        (Pipeline::to::<va_connects>(), "PL0013", Some("va_connects")),
        (Pipeline::to::<va_source>().validator(refuses), "PL0022", None),
    ] {
        let problems = pipeline.run_blocking().unwrap_err();
        let problem = problems.iter().next().unwrap();
        assert_eq!((problem.code.name(), problem.step.as_deref()), (code, step), "{problems}");
        assert!(problem.hint.is_some() && problem.location.is_some() == step.is_some(), "{problems}");
    }
    let run = Pipeline::to::<va_source>().run_blocking().unwrap();
    let error = run.error("va_source").unwrap();
    assert_eq!((error.kind().code(), error.message()), ("PL0101", "planted"));
}

/// L09: without `validate`, no validator is asked; the checks of the graph are made all the same.
#[test]
fn without_validate_no_validator_is_asked() {
    #[step]
    fn va_fine() -> u32 {
        1
    }
    #[step]
    fn va_needs(#[param] count: u32) -> u32 {
        count
    }
    let refuses = |_: &Plan| Verdict::Invalid("always".to_owned());
    let unchecked = Settings::default().validate(false);
    let pipeline = Pipeline::to::<va_fine>().validator(refuses);
    assert!(pipeline.run_blocking().unwrap_err().has(ProblemCode::Refused));
    assert!(pipeline.settings(unchecked.clone()).run_blocking().unwrap().succeeded());
    let problems = Pipeline::to::<va_needs>().validator(refuses).settings(unchecked).check().unwrap_err();
    assert!(problems.has(ProblemCode::MissingParam) && !problems.has(ProblemCode::Refused), "{problems}");
}

/// C11: the causes for which `PlanAlign` goes sequential, each with its reason in the report of a run that succeeds: a conflict
/// of dependencies, a safety check that fails, parallelism that is not there; and resource pressure (`pressure`).
#[tokio::test(start_paused = true)]
async fn each_cause_of_running_one_at_a_time_is_in_the_report() {
    #[step(parallel_if = || false)]
    async fn va_unsafe(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    let reason = async |pipeline: Pipeline| {
        let run = pipeline.run().await.unwrap();
        assert!(run.succeeded(), "{}", run.report());
        run.report().limited_by.join("\n")
    };
    let said = reason(four().validator(OneWriterPerGroup)).await;
    assert_eq!(said, "one step at a time: state_0 and state_1 write one table");

    let mut dag = DagBuilder::new();
    many::<va_unsafe>(&mut dag, "unsafe", 1);
    let said = reason(Pipeline::new(dag.build().unwrap()).resource(Clock::start())).await;
    assert_eq!(said, "`unsafe_0` ran alone: its `parallel_if` returned false");

    let said = reason(two_cpu_steps().settings(Settings::default().cpu(1))).await;
    let one_core = settings::cores() == 1;
    assert!(one_core || said == "one CPU step at a time: the settings have one CPU slot", "{said}");
}

fn two_cpu_steps() -> Pipeline {
    let mut dag = DagBuilder::new();
    dag.cpu("one", (), |()| ());
    dag.cpu("two", (), |()| ());
    Pipeline::new(dag.build().unwrap())
}
