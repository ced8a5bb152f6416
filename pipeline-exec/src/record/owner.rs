//! The program and the pipeline that a run belongs to.

use std::path::PathBuf;
use std::sync::LazyLock;

/// The program and the pipeline that a run belongs to. Only runs of one owner are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RunOwner {
    /// The name of the program's file, without the ending that a system gives it.
    pub(crate) program: String,
    /// The name of the pipeline, in a program of several.
    pub(crate) pipeline: Option<String>,
}

impl RunOwner {
    /// A pipeline of this program.
    pub(crate) fn here(pipeline: Option<String>) -> Self {
        RunOwner { program: PROGRAM.clone(), pipeline }
    }
}

/// The name of this program, by its file: the same however it is called.
static PROGRAM: LazyLock<String> = LazyLock::new(|| {
    let called = || std::env::args_os().next().map(PathBuf::from);
    let path = std::env::current_exe().ok().or_else(called).unwrap_or_default();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = without_build(stem.strip_suffix(" (deleted)").unwrap_or(&stem));
    if name.is_empty() { "program".to_owned() } else { name.to_owned() }
});

/// Returns the name without the hash that cargo adds to the programs of tests and benches, which changes with each build.
fn without_build(name: &str) -> &str {
    let is_hash = |hash: &str| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    name.rsplit_once('-').filter(|(_, hash)| is_hash(hash)).map_or(name, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_keeps_its_name_over_builds() {
        assert_eq!(without_build("it-0a2f5ed83bfa673c"), "it");
        for name in ["etl", "nightly-etl", "etl-0a2f5ed83bfa673", "etl-0a2f5ed83bfa673x"] {
            assert_eq!(without_build(name), name);
        }
        assert_eq!(RunOwner::here(None).program, *PROGRAM);
    }
}
