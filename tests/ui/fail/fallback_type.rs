use pipeline::prelude::*;

const NUMBER: u32 = 1;

fn of_error(_: &StepError) -> u32 {
    1
}

fn of_two(_: u32, _: u32) -> String {
    String::new()
}

#[step(fallback = 3)]
fn value() -> String {
    String::new()
}

#[step(fallback = NUMBER)]
fn constant() -> Result<String, std::io::Error> {
    Ok(String::new())
}

#[step(fallback = of_error)]
fn function() -> String {
    String::new()
}

#[step(fallback = of_two)]
fn parameters() -> String {
    String::new()
}

#[step(fallback = |error| error.attempt())]
fn closure() -> String {
    String::new()
}

#[step(fallback = |a, b| String::new())]
fn closure_parameters() -> String {
    String::new()
}

fn main() {}
