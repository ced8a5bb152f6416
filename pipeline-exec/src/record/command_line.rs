//! The command line that started a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The command line that started a run, if [`pipeline::main`](crate::Pipeline) did. It has the words that make it this run,
/// and not those that say how it is shown (`--quiet`, `--json`). Of run parameters it has only the names: values may be
/// secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CommandLine {
    /// The verb: `run` (also if none was written) or `step`.
    pub verb: String,
    /// The terms that select steps, as written; empty if all were to run.
    #[serde(default)]
    pub terms: Vec<String>,
    /// The options by their long names (`--workers`), each with its values in the order written; empty for an option that
    /// takes no value.
    #[serde(default)]
    pub options: BTreeMap<String, Vec<String>>,
    /// The names of the run parameters that were given, sorted.
    #[serde(default)]
    pub params: Vec<String>,
}

impl CommandLine {
    /// The same without the options that set one of the settings `left_out`. For the report of a deterministic run, which is
    /// the same for any number of slots.
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
    fn the_report_of_a_deterministic_run_has_no_slots_and_no_directory() {
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
