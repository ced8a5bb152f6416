//! A program is killed, and run again: only what was not done is run.
//!
//! Without arguments, it starts itself, kills that process in its last step, and resumes the run. By hand:
//!
//! ```text
//! UPLOAD_HANGS=1 cargo run --features cli --example resume -- run --set resume=always    # kill it
//! cargo run --features cli --example resume -- run --resume
//! ```

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

use pipeline::prelude::*;

#[step]
fn orders() -> Vec<u64> {
    println!("orders: read");
    (1..=100).collect()
}

#[step]
fn revenue(orders: &[u64]) -> u64 {
    println!("revenue: computed");
    orders.iter().sum()
}

#[step(blocking)]
fn upload(revenue: &u64) {
    println!("upload: begins");
    while std::env::var_os("UPLOAD_HANGS").is_some() {
        std::thread::park();
    }
    println!("upload: {revenue} sent");
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    if std::env::args().len() > 1 {
        return Ok(pipeline::main());
    }

    println!("first run");
    // With `resume = "always"`, each output is stored when it is made. The default, `"on-failure"`, stores what is needed
    // when a step fails or the run is stopped, which a killed process cannot do.
    let mut first = this_program(&["run", "--set", "resume=always"])?.env("UPLOAD_HANGS", "1").spawn()?;
    let stdout = first.stdout.take().ok_or("it has no standard output")?;
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        println!("  {line}");
        if line == "upload: begins" {
            first.kill()?;
        }
    }
    println!("killed: {}", !first.wait()?.success());

    println!("second run");
    let second = this_program(&["run", "--resume"])?.output()?;
    String::from_utf8(second.stdout)?.lines().for_each(|line| println!("  {line}"));
    println!("succeeded: {}", second.status.success());
    Ok(ExitCode::SUCCESS)
}

fn this_program(arguments: &[&str]) -> std::io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
    Ok(command)
}
