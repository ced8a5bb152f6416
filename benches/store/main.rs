//! How fast values are stored and loaded: `cargo bench --features store --bench store`.
//!
//! With `--quick`, only whole runs, which are then checked against twice their bounds.

mod forms;
mod runs;

fn main() {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    if !is_quick {
        forms::show();
    }
    runs::show(is_quick);
}
