//! A string edge between types of one name from two versions of a crate: the message tells them apart.

use frames_1 as _;
use frames_2 as _;

fn main() {
    match pipeline::Pipeline::all().run_blocking() {
        Ok(run) => println!("ran {:?}", run.available()),
        Err(problems) => println!("{problems}"),
    }
}
