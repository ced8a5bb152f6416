//! The words that a run was started with on the command line.

use std::collections::BTreeMap;
#[cfg(feature = "report")]
use std::fmt::Write;

use serde::{Deserialize, Serialize};

#[cfg(feature = "report")]
use crate::text::is_hostile;

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

/// A word as a shell reads it as one. What a terminal must not be sent, or would not show as it is, is written as numbers.
#[cfg(feature = "report")]
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%,+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    if !word.chars().any(is_hostile) {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    let mut quoted = "$'".to_owned();
    for c in word.chars() {
        if is_hostile(c) {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                // Always three digits: what follows is none of them.
                let _ = write!(quoted, "\\{byte:03o}");
            }
        } else {
            quoted.extend(matches!(c, '\'' | '\\').then_some('\\'));
            quoted.push(c);
        }
    }
    quoted + "'"
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

    #[cfg(feature = "report")]
    #[test]
    fn words_are_quoted_where_a_shell_would_read_something_else() {
        for (word, wanted) in [
            ("a::b+", "a::b+"),
            ("tag:x", "tag:x"),
            ("shard_*", "'shard_*'"),
            ("two words", "'two words'"),
            ("it's", r"'it'\''s'"),
            ("$(rm x)", "'$(rm x)'"),
            ("", "''"),
            ("two\nlines", r"$'two\012lines'"),
            ("it's \u{1b}[31m\\7\u{202e}8", r"$'it\'s \033[31m\\7\342\200\2568'"),
        ] {
            assert_eq!(quoted(word), wanted);
        }
    }
}
