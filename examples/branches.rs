//! How does a run choose a branch? A switch over an enum, with a branch for each case; a step with a condition; and a
//! step that joins the branches.

#![allow(clippy::print_stdout, clippy::trivially_copy_pass_by_ref)]

use pipeline::prelude::*;

enum Load {
    Full,
    Since(u32),
}

/// The output selects the branch that runs. The patterns are those of a `match`: rustc proves that they are complete.
#[step(switch(Load::Full => full, Load::Since(day) if *day < 100 => full, Load::Since(_) => delta))]
fn load(#[param] since: Option<u32>) -> Load {
    since.map_or(Load::Full, Load::Since)
}

#[step(branch = load)]
fn full() -> Vec<u32> {
    (0..365).collect()
}

/// A branch may read its switch, or anything else.
#[step(branch = load)]
fn delta(load: &Load) -> Vec<u32> {
    match load {
        Load::Full => Vec::new(),
        Load::Since(day) => (*day..365).collect(),
    }
}

/// Joins the branches: reads the one that ran.
#[step]
fn days(#[from(full, delta, first)] days: &[u32]) -> usize {
    days.len()
}

/// Runs only if its condition is true. The condition gets every parameter, in order.
#[step(when = |days, most| days > most)]
fn alert(days: &usize, #[param(default = 300_usize)] most: usize) -> String {
    format!("{days} days are more than {most}")
}

#[step]
fn summary(days: &usize, alert: Option<&str>) -> String {
    format!("{days} days; {}", alert.unwrap_or("as usual"))
}

fn show(since: Option<u32>) -> Result<(), Box<dyn std::error::Error>> {
    println!("since {since:?}");
    let run = Pipeline::to::<summary>().param("since", since).settings(Settings::load()?).run_blocking()?;
    for step in &run.report().steps {
        let why = match (&step.error, &step.because) {
            (Some(error), _) => format!(": {}", error.message),
            (None, Some(root)) => format!(", because of `{root}`"),
            (None, None) => String::new(),
        };
        println!("  {:<8}{}{why}", step.name, step.status);
    }
    println!("  {}; the run {}", run.output::<summary>()?, run.report().status);
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    show(None)?;
    show(Some(30))?;
    show(Some(360))
}
