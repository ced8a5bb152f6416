//! Has a step of its own, and names the library of steps that it depends on.

use pipeline::step;
use steps_lib as _;

#[step]
fn own() -> u64 {
    1
}

fn main() -> std::process::ExitCode {
    pipeline::main()
}
