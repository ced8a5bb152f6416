//! How fast values are stored and loaded: `cargo bench --features store --bench store`.
//!
//! Each figure is the best of nine, on one thread, in memory: no file is written.

mod forms;

fn main() {
    forms::show();
}
