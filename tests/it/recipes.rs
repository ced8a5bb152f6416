//! Promises of the guide's recipes that the examples themselves cannot show.

use std::sync::Arc;

use pipeline::prelude::*;
use pipeline::*;

use crate::support::{Gauge, Meeting};

/// S17, D08: 10 000 records in chunks of 1000 come back in the order of the input, with exactly four chunks under way
/// at once. The first four wait for each other, so they end in any order.
#[test]
fn chunks_come_back_in_order_four_at_once() {
    const CHUNK: usize = 1000;
    #[step]
    fn chunk_of(
        #[input] records: &[u64],
        #[param] number: usize,
        #[resource] gauge: &Arc<Gauge>,
        #[resource] meeting: &Arc<Meeting>,
    ) -> Vec<u64> {
        let _inside = gauge.enter();
        assert!(number >= 4 || meeting.meet(), "four are under way at once");
        records.chunks(CHUNK).nth(number).unwrap().iter().map(|record| record + 1).collect()
    }
    #[step]
    fn restored(#[input] chunks: Vec<&Vec<u64>>) -> Vec<u64> {
        chunks.into_iter().flatten().copied().collect()
    }
    let mut dag = DagBuilder::new();
    let records = dag.cpu("records", (), |()| (0..10_000).collect::<Vec<u64>>());
    let chunks: Vec<Handle<Vec<u64>>> = (0..10)
        .map(|n| {
            let chunk = dag.add::<chunk_of>().named(format!("chunk_{n}")).param("number", n);
            chunk.input("records", records).handle()
        })
        .collect();
    let _ = dag.add::<restored>().inputs("chunks", chunks);
    let pipeline = Pipeline::new(dag.build().unwrap())
        .settings(Settings::default().workers(4))
        .resource(Meeting::new(4));
    let gauge = Arc::new(Gauge::default());
    let run = pipeline.resource(Arc::clone(&gauge)).run_blocking().unwrap().into_result().unwrap();
    assert!(run.output_named::<Vec<u64>>("restored").unwrap().iter().copied().eq(1..=10_000));
    assert_eq!(gauge.peak(), 4);
}
