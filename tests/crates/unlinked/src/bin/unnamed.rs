//! Depends on a library of steps without naming it: the linker drops it, and the message says so.

fn main() {
    match pipeline::Pipeline::all().run_blocking() {
        Ok(run) => println!("ran {:?}", run.available()),
        Err(problems) => println!("{problems}"),
    }
    match pipeline::Pipeline::all().target("from_the_library").run_blocking() {
        Ok(run) => println!("ran {:?}", run.available()),
        Err(problems) => println!("{problems}"),
    }
}
