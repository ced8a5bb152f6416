//! A shop's half-year: seven input files, ten reports.
//!
//! ```text
//! cargo run --release -p shop                      # makes its input, a tenth of the full size
//! cargo run --release -p shop -- --pipeline full   # nine million rows
//! cargo run --release -p shop -- run --cache       # runs only what changed since the last such run
//! cargo run --release -p shop -- graph             # how the steps depend on each other; `--help` shows the rest
//! ```
//! Each file is named after the output of its steps. Input and reports are in `target/shop/SIZE`; the environment
//! variables `SHOP_DATA` and `SHOP_OUT` name other folders. Reports on data of your own are not compared.

mod answers;
mod checksums;
mod cohorts;
mod events;
mod fx;
mod generate;
mod input;
mod orders;
mod output_file;
mod outputs;
mod product_stats;
mod products;
mod quality;
mod reviews;
mod sales;
mod sales_reports;
mod sessions;
mod shipments;
mod size;
mod users;
mod values;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pipeline::{Pipeline, Program};

use crate::answers::Answers;
use crate::size::Size;

fn main() -> ExitCode {
    let answers = Answers::default();
    // The first is the default.
    let sizes = [Size::Small, Size::Tiny, Size::Full];
    let program = sizes.into_iter().fold(Program::new(), |program, size| with_size(program, size, &answers));
    let code = program.main();
    if answers.print() { code } else { ExitCode::FAILURE }
}

/// Adds the pipeline for one size of the input.
fn with_size(program: Program, size: Size, answers: &Answers) -> Program {
    let folder = |variable, default: PathBuf| std::env::var_os(variable).map_or(default, PathBuf::from);
    let data = folder("SHOP_DATA", Path::new("target/shop").join(size.name()));
    let out = folder("SHOP_OUT", data.join("out"));
    let compared = std::env::var_os("SHOP_DATA").is_none().then(|| size.output_checksums());
    // `orders.csv` is the run parameter `orders_csv`.
    let pipeline = generate::file_names().fold(Pipeline::all().param("out", &out), |pipeline, name| {
        pipeline.param(name.replace('.', "_"), data.join(name))
    });
    let observer = answers.observer(compared, out);
    program.pipeline_with(size.name(), pipeline.observe(observer), async move |pipeline| {
        generate::missing_files(&data, size)?;
        Ok(pipeline)
    })
}

#[cfg(test)]
mod tests {
    use pipeline::Dag;

    /// The variables that the build script sets are those that the attribute reads.
    #[test]
    fn each_step_has_the_trace_of_its_code() {
        let dag = Dag::registered().expect("the graph is sound");
        assert!(dag.steps().len() > 40);
        for step in dag.steps() {
            let trace = step.def().trace.unwrap_or_else(|| panic!("{} has no trace", step.name()));
            assert!(!trace.starts_with('!'), "{}: {trace}", step.name());
            assert!(step.def().trace_details.is_some());
        }
    }
}
