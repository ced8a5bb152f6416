//! This program: its name, its version, and how the user called it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::text::quoted;

/// The name of the program, as the user called it.
pub(super) static NAME: LazyLock<String> = LazyLock::new(|| {
    let path = std::env::args_os().next().map(PathBuf::from);
    let stem = path.as_deref().and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
    stem.filter(|stem| !stem.is_empty()).unwrap_or_else(|| "pipeline".to_owned())
});

/// The versions of this framework and of the packages with steps.
pub(super) static VERSION: LazyLock<String> = LazyLock::new(|| {
    let packages = pipeline_core::packages();
    let packages = packages.keys().filter(|(name, _)| !name.is_empty() && *name != "pipeline");
    let packages = packages.map(|(name, version)| format!("{name} {version}"));
    let all: Vec<String> =
        std::iter::once(format!("pipeline {}", env!("CARGO_PKG_VERSION"))).chain(packages).collect();
    format!("({})", all.join(", "))
});

/// Returns the command that the user called: `cargo run` if cargo started this program, otherwise its path.
pub(super) fn program() -> String {
    let called = std::env::args_os().next().unwrap_or_default();
    let package = std::env::var_os("CARGO").and_then(|_| std::env::var("CARGO_PKG_NAME").ok());
    let by_cargo = package.and_then(|package| through_cargo(Path::new(&called), &package));
    by_cargo.unwrap_or_else(|| quoted(&called.to_string_lossy()))
}

/// Returns `cargo run … --` for a program in cargo's target folder.
fn through_cargo(called: &Path, package: &str) -> Option<String> {
    let name = called.file_stem()?.to_str()?;
    let folder = called.parent()?;
    let is_example = folder.file_name() == Some(OsStr::new("examples"));
    let profile = if is_example { folder.parent()? } else { folder };
    let profile = match profile.file_name().map(OsStr::to_os_string).map(OsString::into_string) {
        Some(Ok(profile)) if profile == "debug" => String::new(),
        Some(Ok(profile)) if profile == "release" => " --release".to_owned(),
        _ => return None,
    };
    let what = match (is_example, name == package) {
        (true, _) => format!(" --example {}", quoted(name)),
        (false, true) => String::new(),
        (false, false) => format!(" --bin {}", quoted(name)),
    };
    Some(format!("cargo run{profile}{what} --"))
}

/// Returns how to read the pages of these codes; `None` without a code.
pub(super) fn explain(codes: &[&str]) -> Option<String> {
    let (first, others) = codes.split_first()?;
    let also = if others.is_empty() { String::new() } else { format!(" (and {})", others.join(", ")) };
    Some(format!("more: `{} explain {first}`{also}", program()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_cargo_started_is_called_through_cargo() {
        let through = |path: &str| through_cargo(Path::new(path), "shop");
        assert_eq!(through("target/debug/shop").as_deref(), Some("cargo run --"));
        assert_eq!(through("target/release/shop").as_deref(), Some("cargo run --release --"));
        assert_eq!(through("/x/debug/other").as_deref(), Some("cargo run --bin other --"));
        assert_eq!(through("target/debug/examples/cli").as_deref(), Some("cargo run --example cli --"));
        assert_eq!(through("./shop"), None);
    }
}
