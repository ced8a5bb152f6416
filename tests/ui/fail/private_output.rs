mod ingest {
    use pipeline::prelude::*;

    struct Row;

    #[step]
    pub fn rows() -> Vec<Row> {
        vec![]
    }
}

fn main() {}
