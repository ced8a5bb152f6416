//! The words that a run was started with on the command line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The words that a run was started with, where [`pipeline::main`](crate::Pipeline) started it: what of them makes it this
/// run. How it was to be shown is not in it (`--quiet`, `--json`), and of run parameters there are only the names: values
/// may be secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CommandLine {
    /// The verb: `run`, also where none was written, or `step`.
    pub verb: String,
    /// The terms that select steps, as written; none where all were to run.
    #[serde(default)]
    pub terms: Vec<String>,
    /// The options by their long names (`--workers`), each with its values in the order written; one that takes no value
    /// has none.
    #[serde(default)]
    pub options: BTreeMap<String, Vec<String>>,
    /// The names of the run parameters that were given, sorted.
    #[serde(default)]
    pub params: Vec<String>,
}

impl CommandLine {
    /// What is left of it in the report of a deterministic run, which is the same however wide it was run: without the
    /// options for which `left_out` has the setting.
    pub(crate) fn without(mut self, left_out: &[&str]) -> Self {
        let is_left_out = |key: &str| left_out.contains(&key);
        self.options.retain(|option, _| {
            !option.strip_prefix("--").is_some_and(|flag| is_left_out(&flag.replace('-', "_")))
        });
        if let Some(set) = self.options.get_mut("--set") {
            set.retain(|pair| !is_left_out(pair.split_once('=').map_or(pair, |(key, _)| key)));
            if set.is_empty() {
                self.options.remove("--set");
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deterministic_run_is_told_without_its_widths_and_where_it_is_recorded() {
        let option = |name: &str, values: &[&str]| {
            (name.to_owned(), values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>())
        };
        let line = CommandLine {
            verb: "run".to_owned(),
            options: BTreeMap::from([
                option("--workers", &["2"]),
                option("--runs-dir", &["x"]),
                option("--set", &["cpu=1", "deterministic=true"]),
                option("--fail-fast", &[]),
            ]),
            ..CommandLine::default()
        };
        let left = line.clone().without(&["workers", "cpu", "runs_dir"]);
        assert_eq!(
            left.options,
            BTreeMap::from([option("--set", &["deterministic=true"]), option("--fail-fast", &[])])
        );
        assert_eq!(line.clone().without(&[]), line);
    }
}
