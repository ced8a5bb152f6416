//! A string edge between same-named types of two versions of a crate: the message distinguishes them.

use frames_1 as _;
use frames_2 as _;

fn main() {
    match pipeline::Pipeline::all().run_blocking() {
        Ok(run) => println!("ran {:?}", run.available()),
        Err(problems) => println!("{problems}"),
    }
}
