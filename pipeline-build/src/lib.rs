//! Finds, in a build script, the code that each step of a package can reach.
//!
//! With this line in `build.rs`, the store knows the code of a step by what the step can reach, and not by the whole
//! program: after an edit, only the steps that reach the edited item run again.
//!
//! ```
//! # fn no_main() {
//! // build.rs
//! fn main() {
//!     pipeline_build::trace();
//! }
//! # }
//! ```
//! What a step reaches: its own tokens, and those of every item of the package that they name, transitively. Comments,
//! documentation, formatting and the order of items do not count. The compiler, the target, the profile, the features,
//! `Cargo.lock` and the sources of path dependencies count for every step. If it cannot know what a step reaches (a
//! generated file, a variable of the environment, foreign code), the step has the reason in place of a hash, and the
//! store knows it by the hash of the program.

mod around;
mod hash;
mod items;
mod known;
mod lex;
mod manifest;
mod names;
mod package;
mod reach;
mod read;
mod refs;
mod steps;
#[cfg(test)]
mod tests;
mod trace;

use std::path::Path;

use crate::around::build_variables;
use crate::trace::Trace;

/// Gives each step of the package the hash of the code that it can reach. Call it in `build.rs`.
///
/// Prints instructions for Cargo only: a variable for each step, and the files to watch. Writes `pipeline-trace.json`, by
/// which `cache why` names what changed, to `OUT_DIR`.
///
/// # Panics
/// If it runs outside of a build script, or cannot write to `OUT_DIR`.
pub fn trace() {
    let variables = build_variables();
    let variable = |name: &str| {
        variables
            .get(name)
            .unwrap_or_else(|| panic!("`{name}` is not set: call `pipeline_build::trace()` in `build.rs`"))
    };
    let trace =
        Trace::read(Path::new(variable("CARGO_MANIFEST_DIR")), variable("CARGO_PKG_NAME"), &variables);
    let details = Path::new(variable("OUT_DIR")).join("pipeline-trace.json");
    if let Err(error) = std::fs::write(&details, trace.details()) {
        panic!("cannot write {}: {error}", details.display());
    }
    print!("{}", trace.instructions(&details));
}
