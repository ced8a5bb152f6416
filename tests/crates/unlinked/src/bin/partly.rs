//! Has a step of its own, and depends on a library of steps without naming it.

use pipeline::step;

#[step]
fn own() -> u64 {
    1
}

fn main() -> std::process::ExitCode {
    pipeline::main()
}
