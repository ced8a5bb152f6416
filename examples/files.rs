//! How do I process the files of a folder? One instance per file, on the blocking lane. A file that cannot be read is
//! named, and the others are processed. The output is complete or absent. `-- --times` prints how long it took.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::trivially_copy_pass_by_ref)]

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use pipeline::prelude::*;
use pipeline::{Dag, DagBuilder, Handle};

/// Reads the numbers of one file. `optional`: a bad file does not fail the run.
#[step(blocking, optional)]
fn numbers(#[param] path: PathBuf) -> Result<Vec<i64>, io::Error> {
    let text = fs::read_to_string(path)?;
    text.lines().map(|line| line.parse().map_err(io::Error::other)).collect()
}

/// Lists the sum of each file, by the name of its step; `None` if the file is bad.
#[step]
fn sums(#[input] files: BTreeMap<&str, Option<&Vec<i64>>>) -> Vec<String> {
    let line = |(name, numbers): (&str, Option<&Vec<i64>>)| match numbers {
        Some(numbers) => format!("{name} {}", numbers.iter().sum::<i64>()),
        None => format!("{name} not read"),
    };
    files.into_iter().map(line).collect()
}

/// Writes to a temporary name, then renames: readers see the whole file or none.
#[step(blocking)]
fn written(#[input] sums: &[String], #[param] folder: PathBuf) -> Result<PathBuf, io::Error> {
    let (unfinished, report) = (folder.join("report.unfinished"), folder.join("report.txt"));
    fs::write(&unfinished, sums.join("\n"))?;
    fs::rename(&unfinished, &report)?;
    Ok(report)
}

/// One step for each file that exists now, in the order of their names.
fn graph(folder: &Path) -> Result<Dag, Box<dyn std::error::Error>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    let mut dag = DagBuilder::new();
    let files: Vec<Handle<Vec<i64>>> = paths
        .iter()
        .map(|path| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            dag.add::<numbers>().named(name).param("path", path).handle()
        })
        .collect();
    let sums = dag.add::<sums>().inputs("files", files).handle();
    let _ = dag.add::<written>().input("sums", sums).param("folder", folder);
    Ok(dag.build()?)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("pipeline-files-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    for (name, text) in [("north", "1\n2\n3"), ("south", "40\n2"), ("west", "5\nmany")] {
        fs::write(folder.join(name).with_extension("txt"), text)?;
    }

    let run = Pipeline::new(graph(&folder)?).settings(Settings::load()?).run_blocking()?.into_result()?;
    println!("{}", fs::read_to_string(run.output_named::<PathBuf>("written")?)?);
    for step in run.report().steps.iter().filter(|step| step.error.is_some()) {
        println!("{}: {}", step.name, step.error.as_ref().map_or("", |error| &error.message));
    }
    if std::env::args().any(|argument| argument == "--times") {
        eprintln!("\n{}", run.report());
    }
    fs::remove_dir_all(&folder)?;
    Ok(())
}
