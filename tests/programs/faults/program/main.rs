//! Steps that fail in every way. `tests/programs/faults` runs each case in a separate process, and checks its output
//! and its end.

#![allow(clippy::trivially_copy_pass_by_ref, clippy::unnecessary_wraps)]

mod namesakes;
mod panics;
mod shown;
mod signals;
mod summary;
mod time;
mod values;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use pipeline::{Event, Program, Settings};

fn main() -> ExitCode {
    match std::env::var("FAULTS").as_deref() {
        Ok("hook") => {
            std::panic::set_hook(Box::new(|info| eprintln!("the user's hook: {info}")));
            pipeline::main()
        }
        Ok("max-detached") => {
            pipeline::main_with(async |pipeline| Ok(pipeline.settings(Settings::default().max_detached(1))))
        }
        Ok("observer") => pipeline::main_with(async |pipeline| {
            Ok(pipeline.observe(|event: &Event<'_>| {
                if matches!(event, Event::StepFinished { .. }) {
                    say("the observer blocks");
                    std::thread::sleep(FOR_EVER);
                }
            }))
        }),
        Ok("many") => Program::new().pipeline("all", summary::many()).main(),
        Ok("hostile") => Program::new().pipeline("all", summary::hostile()).main(),
        Ok("library") => signals::library(),
        Ok("after-a-run") => signals::after_a_run(),
        Ok("hostile-live") => Program::new().pipeline("all", shown::hostile()).main(),
        Ok("own-runtime") => time::own_runtime(),
        _ => pipeline::main(),
    }
}

/// Computes for ever.
fn spin() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

/// Signals the test that a step has reached this point.
fn say(text: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{text}").and_then(|()| out.flush()).expect("somebody reads");
}

/// Longer than any test waits.
const FOR_EVER: Duration = Duration::from_secs(100_000);
