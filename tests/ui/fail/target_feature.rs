use pipeline::prelude::*;

#[step]
#[target_feature(enable = "avx2")]
fn sums(#[param] values: Vec<f64>) -> f64 {
    values.iter().sum()
}

fn main() {}
