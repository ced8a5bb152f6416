//! Graphs made at run time: instances, string edges, parts.

use pipeline::graph::ProblemCode;
use pipeline::prelude::*;
use pipeline::*;

/// A04: ten instances of one function, each with its own name and parameters, in one pipeline and report.
#[test]
fn ten_instances_of_one_function_run_under_their_own_names() {
    #[step]
    fn shard(#[param] n: u32) -> u32 {
        n * n
    }
    #[step]
    fn total(#[input] shards: Vec<&u32>) -> u32 {
        shards.into_iter().sum()
    }
    let mut dag = DagBuilder::new();
    let shards: Vec<Handle<u32>> =
        (0..10).map(|n| dag.add::<shard>().named(format!("shard_{n}")).param("n", n).handle()).collect();
    let _ = dag.add::<total>().inputs("shards", shards);
    let run = Pipeline::new(dag.build().unwrap()).run_blocking().unwrap();
    assert_eq!(run.output_named::<u32>("total"), Ok(&285));
    let names: Vec<&str> = run.report().steps.iter().map(|step| step.name.as_str()).collect();
    let wanted: Vec<String> = (0..10).map(|n| format!("shard_{n}")).chain(["total".to_owned()]).collect();
    assert_eq!(names, wanted);
    assert!(run.report().steps[..10].iter().all(|step| step.id.ends_with("::shard")));
}

/// A04: a value bound to an instance wins over the run's.
#[test]
fn an_instances_own_parameter_wins_over_the_runs() {
    #[step]
    fn sized(#[param] size: u32) -> u32 {
        size
    }
    let mut dag = DagBuilder::new();
    let _ = dag.add::<sized>().named("own").param("size", 1);
    let _ = dag.add::<sized>().named("given");
    let run = Pipeline::new(dag.build().unwrap()).param("size", 2).run_blocking().unwrap();
    assert_eq!(run.output_named::<u32>("own"), Ok(&1));
    assert_eq!(run.output_named::<u32>("given"), Ok(&2));
}

/// A13, M15: a part is included twice with different inputs and parameters; its outputs feed the whole.
#[test]
fn a_pipeline_is_part_of_another_twice_with_mapped_inputs_and_outputs() {
    #[step]
    fn cleaned(#[input] rows: &Vec<i32>, #[param(default = 0)] least: i32) -> Vec<i32> {
        rows.iter().copied().filter(|row| *row >= least).collect()
    }
    #[step]
    fn counted(cleaned: &[i32]) -> usize {
        cleaned.len()
    }
    let part = |least: i32| {
        let mut part = DagBuilder::new();
        let _ = part.add::<cleaned>().param("least", least);
        let _ = part.add::<counted>();
        part
    };
    let mut dag = DagBuilder::new();
    let rows = dag.cpu("rows", (), |()| vec![-2, -1, 0, 1, 2]);
    let all = dag.include("all", part(-10)).input("rows", rows).output::<counted>();
    let positive = dag.include("positive", part(1)).input("rows", rows).output_named::<usize>("counted");
    dag.cpu("sum", (all, positive), |(all, positive)| all * 10 + positive);
    let run = Pipeline::new(dag.build().unwrap()).keep_named("all/cleaned").run_blocking().unwrap();
    assert_eq!(run.output_named::<usize>("sum"), Ok(&52));
    assert_eq!(run.output_named::<Vec<i32>>("all/cleaned").map(Vec::len), Ok(5));
    let names: Vec<&str> = run.report().steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["rows", "all/cleaned", "positive/cleaned", "all/counted", "positive/counted", "sum"]);
}

#[test]
fn parts_nest() {
    #[step]
    fn leaf(#[param] n: u32) -> u32 {
        n
    }
    #[step]
    fn doubled(leaf: &u32) -> u32 {
        leaf * 2
    }
    let inner = |n: u32| {
        let mut part = DagBuilder::new();
        let _ = part.add::<leaf>().param("n", n);
        let _ = part.add::<doubled>();
        part
    };
    let middle = |n: u32| {
        let mut part = DagBuilder::new();
        let a = part.include("a", inner(n)).output::<doubled>();
        let b = part.include("b", inner(n + 1)).output::<doubled>();
        part.cpu("both", (a, b), |(a, b)| a + b);
        part
    };
    let mut dag = DagBuilder::new();
    let x = dag.include("x", middle(1)).output_named::<u32>("both");
    let y = dag.include("y", middle(10)).output_named::<u32>("both");
    dag.cpu("all", (x, y), |(x, y)| x * 100 + y);
    let run = Pipeline::new(dag.build().unwrap()).keep_all().run_blocking().unwrap();
    assert_eq!(run.output_named::<u32>("all"), Ok(&642));
    assert_eq!(run.output_named::<u32>("y/b/doubled"), Ok(&22));
}

/// A13, B05: wrong input and output names of a part, and unbound inputs, are all reported at once.
#[test]
fn wrong_inputs_and_outputs_of_a_part_are_problems() {
    #[step]
    fn open_step(#[input] rows: &Vec<i32>, #[input] more: &u32) -> usize {
        rows.len() + *more as usize
    }
    let mut part = DagBuilder::new();
    let _ = part.add::<open_step>();
    let mut dag = DagBuilder::new();
    let rows = dag.cpu("rows", (), |()| vec![1_i32]);
    let mut included = dag.include("p", part).input("rows", rows).input("mroe", rows);
    let _ = included.output_named::<u8>("nothing");
    let _ = included.output_named::<u8>("open_step");
    let problems = dag.build().unwrap_err();
    let text = problems.to_string();
    assert!(problems.has(ProblemCode::InvalidBinding), "{text}");
    assert!(problems.has(ProblemCode::UnboundInput), "{text}");
    assert!(problems.has(ProblemCode::TypeMismatch), "{text}");
    assert!(text.contains("did you mean `more`?") && text.contains("no step `nothing`"), "{text}");
}

/// String edges of a builder: to later steps, to registered ones, and to unknown ones.
#[test]
fn string_edges_reach_later_steps_and_registered_ones() {
    #[step]
    fn by_string_registered() -> u32 {
        7
    }
    #[step]
    fn by_string_reader(#[input] a: &u32, #[input] b: &u32) -> u32 {
        a + b
    }
    let mut dag = DagBuilder::new();
    let _ = dag.add::<by_string_reader>().input_named("a", "later").input_named("b", "by_string_registered");
    dag.cpu("later", (), |()| 100_u32);
    let run = Pipeline::new(dag.build().unwrap()).run_blocking().unwrap();
    assert_eq!(run.output_named::<u32>("by_string_reader"), Ok(&107));

    let mut dag = DagBuilder::new();
    let _ = dag.add::<by_string_reader>().input_named("a", "laterr").input_named("b", "later");
    dag.cpu("later", (), |()| 100_u32);
    let problems = dag.build().unwrap_err();
    assert!(problems.to_string().contains("did you mean `later`?"), "{problems}");
}

#[test]
fn all_binding_problems_are_reported_at_once() {
    #[step]
    fn bound(
        #[input] a: &u32,
        #[input] many: Vec<&u32>,
        #[param] size: u32,
        #[context] cx: &StepContext,
    ) -> u32 {
        a + many.len() as u32 + size + cx.attempt()
    }
    let mut dag = DagBuilder::new();
    let one = dag.cpu("one", (), |()| 1_u32);
    let text = dag.cpu("text", (), |()| String::new());
    let _ = dag.add::<bound>().named("twice").input("a", one).input("a", one).inputs("many", [one]);
    let _ =
        dag.add::<bound>().named("wide").inputs("a", [one, one]).inputs("many", Vec::<Handle<u32>>::new());
    let _ = dag
        .add::<bound>()
        .named("names")
        .input("b", one)
        .input("size", one)
        .input("cx", one)
        .param("siez", 1);
    let _ = dag.add::<bound>().named("typed").input("a", text).inputs("many", [one]);
    let _ = dag.add::<bound>().named("typed").input("a", one).inputs("many", [one]);
    let problems = dag.build().unwrap_err();
    let count = |code| problems.iter().filter(|problem| problem.code == code).count();
    assert_eq!(count(ProblemCode::InvalidBinding), 5, "{problems}");
    assert_eq!(count(ProblemCode::UnknownParam), 1, "{problems}");
    assert_eq!(count(ProblemCode::TypeMismatch), 1, "{problems}");
    assert_eq!(count(ProblemCode::DuplicateStep), 1, "{problems}");
    assert!(count(ProblemCode::UnboundInput) >= 3, "{problems}");
    assert!(problems.iter().all(|problem| problem.location.is_some()), "{problems}");
}

#[test]
fn an_instance_can_wait_for_a_closure_without_data() {
    #[step]
    fn last_of_all() -> u32 {
        1
    }
    let mut dag = DagBuilder::new();
    let first = dag.cpu("first", (), |()| String::new());
    let _ = dag.add::<last_of_all>().after(first);
    let dag = dag.build().unwrap();
    let last = dag.find("last_of_all").unwrap();
    assert_eq!(dag.upstream(last), [dag.find("first").unwrap() as u32]);
    assert_eq!(dag.after(last), [dag.find("first").unwrap()]);
}
