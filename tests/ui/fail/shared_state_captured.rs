use pipeline::DagBuilder;

fn main() {
    let mut total = 0;
    let mut dag = DagBuilder::new();
    let one = dag.cpu("one", (), |()| 1);
    dag.cpu("adds", (one,), move |(one,)| total += one);
}
