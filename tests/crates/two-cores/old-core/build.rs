//! As in pipeline-core.

fn main() {}
