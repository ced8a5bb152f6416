//! Notes the compiler: this crate and the package that uses it are built by the same one.

use std::env;
use std::process::Command;

fn main() {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(&rustc).arg("-vV").output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {}: {error}", rustc.display()));
    let version = String::from_utf8_lossy(&output.stdout).replace('\n', "; ");
    println!("cargo::rustc-env=PIPELINE_BUILD_RUSTC={version}");
    println!("cargo::rerun-if-changed=build.rs");
}
