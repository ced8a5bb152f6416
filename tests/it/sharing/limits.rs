//! Named limits: mutexes, capacities, needs above the capacity, and limits that several runs share.

use std::convert::Infallible;
use std::sync::Arc;

use pipeline::limits::{LimitSettings, Sample};
use pipeline::prelude::*;
use pipeline::*;

use crate::support::{Clock, Gauge, Meeting, Slept, are_apart, many, nap, peak, run_in_time, spans};

/// C16: a limit without a configured capacity is a mutex for all steps that need it; others do not wait.
#[tokio::test(start_paused = true)]
async fn two_steps_of_one_limit_never_overlap() {
    #[step(limit = "lm-state")]
    async fn lm_writes(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    #[step(limit = "lm-state")]
    async fn lm_reads(#[resource] clock: &Clock) -> Slept {
        nap(clock, 50).await
    }
    #[step(limit = "lm-other")]
    async fn lm_elsewhere(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    let mut dag = DagBuilder::new();
    many::<lm_writes>(&mut dag, "state_w", 4);
    many::<lm_reads>(&mut dag, "state_r", 4);
    many::<lm_elsewhere>(&mut dag, "elsewhere", 1);
    let clock = Clock::start();
    let run = Pipeline::new(dag.build().unwrap()).resource(clock).run().await.unwrap();
    assert!(run.succeeded());
    assert!(are_apart(&spans(&run, "state")), "{:?}", spans(&run, "state"));
    assert_eq!(clock.now(), 600, "one after another, without a gap");
    assert_eq!(spans(&run, "elsewhere"), [Slept { from: 0, to: 100 }]);
}

/// C16: the same over all lanes, on threads.
#[test]
fn two_steps_of_one_limit_never_overlap_in_any_lane() {
    fn work(gauge: &Arc<Gauge>) -> usize {
        let _inside = gauge.enter();
        (0..20).for_each(|_| std::thread::yield_now());
        gauge.now()
    }
    #[step(limit = "ll-state")]
    fn ll_cpu(#[resource] gauge: &Arc<Gauge>) -> usize {
        work(gauge)
    }
    #[step(blocking, limit = "ll-state")]
    fn ll_blocking(#[resource] gauge: &Arc<Gauge>) -> usize {
        work(gauge)
    }
    #[step(limit = "ll-state")]
    async fn ll_io(#[resource] gauge: &Arc<Gauge>) -> usize {
        let _inside = gauge.enter();
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
        gauge.now()
    }
    let mut dag = DagBuilder::new();
    many::<ll_cpu>(&mut dag, "cpu", 40);
    many::<ll_blocking>(&mut dag, "blocking", 40);
    many::<ll_io>(&mut dag, "io", 40);
    let gauge = Arc::new(Gauge::default());
    let pipeline =
        Pipeline::new(dag.build().unwrap()).settings(Settings::default().cpu(4)).resource(Arc::clone(&gauge));
    let run = run_in_time(pipeline);
    assert!(run.succeeded());
    assert_eq!((gauge.peak(), gauge.now()), (1, 0));
}

/// C16: as many steps run at once as their amounts allow.
#[tokio::test(start_paused = true)]
async fn a_capacity_is_shared_by_amount() {
    #[step(limit("lc-db" = 2))]
    async fn lc_two(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    #[step(limit("lc-db" = 2, "lc-api"))]
    async fn lc_both(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    let run = async |both: usize| {
        let mut dag = DagBuilder::new();
        many::<lc_two>(&mut dag, "two", 6 - both);
        many::<lc_both>(&mut dag, "both", both);
        let clock = Clock::start();
        let settings = Settings::default().limit("lc-db", LimitSettings::new(5));
        let run = Pipeline::new(dag.build().unwrap()).settings(settings).resource(clock).run().await.unwrap();
        assert_eq!(peak(&spans(&run, "")), 2, "2 and 2 of 5");
        assert!(are_apart(&spans(&run, "both")), "a name that is not configured has a capacity of 1");
        (clock.now(), run)
    };
    let (wall, ended) = run(0).await;
    assert_eq!(wall, 300);
    run(3).await;
    let limits = &ended.report().limits;
    assert_eq!(limits.len(), 1, "{limits:?}");
    assert_eq!((limits[0].name.as_str(), limits[0].capacity, limits[0].peak), ("lc-db", 5, 4));
    assert_eq!((limits[0].in_use, limits[0].waiting), (0, 0));
}

/// C16, G02: a step that needs more than the capacity gets all of it, and the report says so.
#[tokio::test(start_paused = true)]
async fn a_need_above_the_capacity_gets_all_of_it() {
    #[step(limit("lt-db" = 9))]
    async fn lt_large(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    #[step(limit("lt-db"))]
    async fn lt_small(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    let mut dag = DagBuilder::new();
    many::<lt_small>(&mut dag, "small", 4);
    many::<lt_large>(&mut dag, "large", 1);
    let clock = Clock::start();
    let settings = Settings::default().limit("lt-db", LimitSettings::new(4));
    let run = Pipeline::new(dag.build().unwrap()).settings(settings).resource(clock).run().await.unwrap();
    assert!(run.succeeded());
    assert_eq!((clock.now(), peak(&spans(&run, "small"))), (200, 4));
    let (large, small) = (spans(&run, "large")[0], spans(&run, "small"));
    assert!(small.iter().all(|small| small.to <= large.from || large.to <= small.from));
    let said = run.report().limited_by.join("\n");
    assert!(said.contains("`large_0` needs 9 of `lt-db`, whose capacity is 4"), "{said}");
    assert!(run.report().to_string().contains("`large_0` needs 9"), "the text says it too");
}

/// C16, C20: shared limits count the needs of all runs together.
#[tokio::test(start_paused = true)]
async fn runs_that_share_limits_are_limited_together() {
    #[step(limit = "ls-db")]
    async fn ls_query(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    let limits = Limits::new().limit("ls-db", LimitSettings::new(2));
    let clock = Clock::start();
    let pipeline = || {
        let mut dag = DagBuilder::new();
        many::<ls_query>(&mut dag, "query", 4);
        Pipeline::new(dag.build().unwrap()).resource(clock).limits(&limits)
    };
    let (one, two) = (pipeline(), pipeline());
    let (one, two) = tokio::join!(one.run(), two.run());
    let all = [spans(&one.unwrap(), ""), spans(&two.unwrap(), "")].concat();
    assert_eq!((clock.now(), peak(&all)), (400, 2));
    let snapshot = limits.snapshot();
    assert_eq!((snapshot[0].in_use, snapshot[0].peak, snapshot[0].waiting), (0, 2, 0));
}

/// C16: limits in the settings and shared limits at once are a problem before a step runs.
#[test]
fn limits_given_twice_are_a_problem() {
    let mut dag = DagBuilder::new();
    dag.cpu("never", (), |()| -> u32 { panic!("nothing runs") });
    let pipeline = Pipeline::new(dag.build().unwrap())
        .settings(Settings::default().limit("db", LimitSettings::new(2)))
        .limits(&Limits::new());
    let problems = pipeline.run_blocking().unwrap_err();
    assert!(problems.to_string().contains("limits are given twice"), "{problems}");
}

/// C16, G02: if some limits are shared with other runs, `cores` and `memory` still follow the settings, unless the
/// shared limits contain them.
#[test]
fn sharing_limits_leaves_cores_and_memory_to_the_settings() {
    #[step(cores = 1, memory = "1MiB")]
    fn lg_meets(#[resource] meeting: &Arc<Meeting>) -> bool {
        meeting.meet()
    }
    let mut dag = DagBuilder::new();
    many::<lg_meets>(&mut dag, "meets", 2);
    let limits = Limits::new().limit("lg-db", LimitSettings::new(2));
    let pipeline = Pipeline::new(dag.build().unwrap())
        .settings(Settings::default().cpu(2).memory_limit(1 << 50))
        .limits(&limits)
        .resource(Meeting::new(2));
    let run = run_in_time(pipeline);
    assert_eq!(run.output_named::<bool>("meets_0"), Ok(&true), "both run at once");
    assert_eq!(run.report().limited_by, Vec::<String>::new());
}

/// G02: at most as many declared cores as CPU slots are in use at once, in any lane.
#[tokio::test(start_paused = true)]
async fn declared_cores_count_against_the_cpu_slots() {
    #[step(cores = 2)]
    async fn co_two(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    #[step(cores = 64)]
    async fn co_all(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    let mut dag = DagBuilder::new();
    many::<co_two>(&mut dag, "two", 6);
    many::<co_all>(&mut dag, "all", 1);
    let clock = Clock::start();
    let pipeline = Pipeline::new(dag.build().unwrap()).settings(Settings::default().cpu(4)).resource(clock);
    let run = pipeline.run().await.unwrap();
    assert_eq!((clock.now(), peak(&spans(&run, ""))), (400, 2));
    let said = run.report().limited_by.join("\n");
    assert!(said.contains("`all_0` needs 64 of `cores`, whose capacity is 4"), "{said}");
}

/// C16: a limit that only an instance needs, by its own policy, can be configured.
#[tokio::test(start_paused = true)]
async fn a_limit_of_an_instance_can_be_configured() {
    #[step]
    async fn li_free(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    let mut dag = DagBuilder::new();
    for n in 0..4 {
        let _ = dag.add::<li_free>().named(format!("free_{n}")).policy(|policy| policy.limit("li-db", 1));
    }
    let settings = Settings::default().limit("li-db", LimitSettings::new(2));
    let pipeline = Pipeline::new(dag.build().unwrap()).settings(settings).resource(Clock::start());
    assert_eq!(peak(&spans(&pipeline.run().await.unwrap(), "")), 2);
}

/// G02: a graphics card is a counted resource, as any named limit: two steps have a card each, one has both, and its needs of
/// memory and cores are admitted at the same time.
#[tokio::test(start_paused = true)]
async fn a_gpu_is_a_counted_resource() {
    #[step(limit = "gpu", memory = "2GB", cores = 1)]
    async fn gp_trains(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    #[step(limit("gpu" = 2))]
    async fn gp_trains_on_both(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    #[step]
    async fn gp_reads(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    let wall = async |memory: u64, cores: usize| {
        let mut dag = DagBuilder::new();
        many::<gp_trains>(&mut dag, "one", 4);
        many::<gp_trains_on_both>(&mut dag, "both", 1);
        many::<gp_reads>(&mut dag, "none", 8);
        let clock = Clock::start();
        let settings =
            Settings::default().limit("gpu", LimitSettings::new(2)).cpu(cores).memory_limit(memory);
        let pipeline = Pipeline::new(dag.build().unwrap()).settings(settings).resource(clock);
        let run = pipeline.sampler(|| Box::new(|| Ok(Sample::of_memory(1)))).run().await.unwrap();
        assert!(run.succeeded());
        let (one, both, none) = (spans(&run, "one"), spans(&run, "both")[0], spans(&run, "none"));
        assert!(one.iter().all(|one| one.to <= both.from || both.to <= one.from), "{one:?} {both:?}");
        assert!(none.iter().all(|none| none.from == 0), "steps without a card do not wait: {none:?}");
        let gpu = run.report().limits.iter().find(|limit| limit.name == "gpu").unwrap();
        assert_eq!((gpu.capacity, gpu.peak), (2, 2));
        (clock.now(), peak(&one))
    };
    assert_eq!(wall(4_000_000_000, 2).await, (300, 2), "two cards, two steps at once");
    assert_eq!(wall(3_000_000_000, 2).await, (500, 1), "memory for one of them");
    assert_eq!(wall(4_000_000_000, 1).await, (500, 1), "one core");
}

/// S19, G01: twelve steps of 1 GB, 4 GB, eight workers: four at once, three waves, no failure.
#[tokio::test(start_paused = true)]
async fn s19_declared_memory_is_admitted_up_to_the_limit() {
    #[step(memory = "1GB")]
    async fn me_large(#[resource] clock: &Clock) -> Slept {
        nap(clock, 1000).await
    }
    let mut dag = DagBuilder::new();
    many::<me_large>(&mut dag, "large", 12);
    let clock = Clock::start();
    // The process itself may use more than it reports here, which does not matter.
    let settings = Settings::default().workers(8).memory_limit(4_000_000_000);
    let pipeline = Pipeline::new(dag.build().unwrap())
        .sampler(|| Box::new(|| Ok(Sample::of_memory(1))))
        .settings(settings)
        .resource(clock);
    let run = pipeline.run().await.unwrap();
    assert!(run.succeeded());
    assert_eq!((clock.now(), peak(&spans(&run, ""))), (3000, 4));
    assert_eq!(run.report().counts.succeeded, 12);
}

/// S19, G01: the same on threads.
#[test]
fn s19_declared_memory_is_admitted_up_to_the_limit_on_threads() {
    #[step(blocking, memory = "1GB")]
    fn mt_large(
        #[resource] gauge: &Arc<Gauge>,
        #[resource] meeting: &Arc<Meeting>,
    ) -> Result<bool, Infallible> {
        let _inside = gauge.enter();
        // The first four meet; if fewer ran at once, they would wait in vain.
        Ok(meeting.meet())
    }
    let mut dag = DagBuilder::new();
    many::<mt_large>(&mut dag, "large", 12);
    let gauge = Arc::new(Gauge::default());
    let pipeline = Pipeline::new(dag.build().unwrap())
        .sampler(|| Box::new(|| Ok(Sample::of_memory(1))))
        .settings(Settings::default().workers(8).memory_limit(4_000_000_000))
        .resource(Arc::clone(&gauge))
        .resource(Meeting::new(4));
    let run = run_in_time(pipeline);
    assert!(run.available().iter().all(|name| run.output_named::<bool>(name) == Ok(&true)));
    assert_eq!((run.report().counts.succeeded, gauge.peak(), gauge.now()), (12, 4, 0));
}

/// G01: declared memory holds up no step if the run has no limit.
#[test]
fn declared_memory_without_a_limit_delays_no_step() {
    #[step(blocking, memory = "900GiB")]
    fn mu_meets(#[resource] meeting: &Arc<Meeting>) -> bool {
        meeting.meet()
    }
    let mut dag = DagBuilder::new();
    many::<mu_meets>(&mut dag, "meets", 3);
    let run = run_in_time(Pipeline::new(dag.build().unwrap()).resource(Meeting::new(3)));
    assert_eq!(run.output_named::<bool>("meets_2"), Ok(&true));
}
