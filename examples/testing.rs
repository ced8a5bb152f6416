//! How do I test a pipeline? Call a step like any function; replace a step, and the steps that only it needs, with
//! `with_output`; see what ran with a `Recorder`. `cargo test --example testing` runs the tests below.

#![allow(clippy::print_stdout)]

use std::path::PathBuf;

use pipeline::prelude::*;

#[step(blocking)]
fn orders(#[param(default = "orders.txt")] path: PathBuf) -> Result<Vec<u64>, std::io::Error> {
    let text = std::fs::read_to_string(path)?;
    Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
}

#[step]
fn large(orders: &[u64], #[param(default = 10)] least: u64) -> Vec<u64> {
    orders.iter().copied().filter(|order| *order >= least).collect()
}

#[step]
fn report(large: &[u64], #[context] cx: &StepContext) -> String {
    format!("{}: {} large orders", cx.step(), large.len())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let run = Pipeline::to::<report>()
        .with_output::<orders>(vec![3, 30, 300])
        .settings(Settings::load()?)
        .run_blocking()?;
    println!("{}", run.output::<report>()?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use pipeline::testing::Recorder;

    use super::*;

    #[test]
    fn a_step_is_a_function() {
        assert_eq!(large(&[5, 10, 50], 10), [10, 50]);
        assert!(orders("no such file".into()).is_err());
    }

    #[test]
    fn a_context_is_made_for_a_test() {
        assert_eq!(report(&[1, 2], &StepContext::for_test("report")), "report: 2 large orders");
    }

    #[test]
    fn a_step_is_replaced_and_no_file_is_read() -> Result<(), Box<dyn std::error::Error>> {
        let recorder = Recorder::new();
        let pipeline = Pipeline::to::<report>().with_output::<orders>(vec![3, 30]).observe(recorder.clone());
        let run = pipeline.param("least", 3).run_blocking()?;
        assert_eq!(run.output::<report>()?, "report: 2 large orders");
        assert_eq!(recorder.started(), ["large", "report"]);
        Ok(())
    }

    #[test]
    fn a_run_keeps_the_rules() -> Result<(), Box<dyn std::error::Error>> {
        let recorder = Recorder::new();
        let pipeline = Pipeline::to::<report>().with_output::<orders>(vec![]).observe(recorder.clone());
        let run = pipeline.run_blocking()?;
        assert_eq!(recorder.violations(&*pipeline.plan()?, run.report()), [""; 0]);
        Ok(())
    }
}
