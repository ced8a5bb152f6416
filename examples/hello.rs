//! Three steps; the parameters are the edges.

use pipeline::prelude::*;

#[step]
fn words(#[param(default = "so it goes and so it went")] text: String) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[step]
fn longest(words: &[String]) -> String {
    words.iter().max_by_key(|word| word.len()).cloned().unwrap_or_default()
}

#[step]
async fn report(words: &[String], longest: &str) -> String {
    format!("{} words, the longest is {longest:?}", words.len())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let run = Pipeline::to::<report>().run_blocking()?;
    println!("{}", run.output::<report>()?);
    Ok(())
}
