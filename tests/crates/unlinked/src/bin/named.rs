//! Names the library, and so has its steps.

use steps_lib as _;

fn main() {
    let run = pipeline::Pipeline::all().run_blocking().expect("a valid pipeline");
    println!("ran {:?}", run.available());
}
