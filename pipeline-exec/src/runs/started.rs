//! The differences between the command lines of two runs.

use std::collections::BTreeSet;

use crate::report::CommandLine;
use crate::text::quoted;

/// Returns the differences of the later command line, B, from the earlier one, A: a sentence each. Of run parameters it
/// compares names, without those in `told`, which are reported elsewhere.
pub(super) fn differently(earlier: &CommandLine, later: &CommandLine, told: &BTreeSet<&str>) -> Vec<String> {
    let mut all = Vec::new();
    if earlier.verb != later.verb {
        all.push(format!("{} → {}", quoted(&earlier.verb), quoted(&later.verb)));
    }
    if earlier.terms != later.terms {
        all.push(format!("selection {} → {}", selection(&earlier.terms), selection(&later.terms)));
    }
    let names: BTreeSet<&String> = earlier.options.keys().chain(later.options.keys()).collect();
    for name in names {
        let (before, now) = (earlier.options.get(name), later.options.get(name));
        if before != now {
            all.push(option(name, before.map(Vec::as_slice), now.map(Vec::as_slice)));
        }
    }
    let only_in = |line: &CommandLine, other: &CommandLine, run: &str| -> Vec<String> {
        // A parameter of one step is matched by its name alone.
        let param = |name: &str| name.rsplit_once('.').map_or(name.to_owned(), |(_, param)| param.to_owned());
        let is_new = |name: &&String| !told.contains(param(name).as_str());
        let names = line.params.iter().filter(|name| !other.params.contains(name)).filter(is_new);
        names.map(|name| format!("-p {} in {run} only", quoted(name))).collect()
    };
    all.extend(only_in(earlier, later, "A"));
    all.extend(only_in(later, earlier, "B"));
    all
}

fn selection(terms: &[String]) -> String {
    if terms.is_empty() { "all".to_owned() } else { listed(terms) }
}

fn listed(words: &[String]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// Returns the difference of an option. If it was given several times, only the values that are not in both.
fn option(name: &str, before: Option<&[String]>, now: Option<&[String]>) -> String {
    let (Some(before), Some(now)) = (before, now) else {
        let (values, run) = before.map_or((now, "B"), |before| (Some(before), "A"));
        let values = values.filter(|values| !values.is_empty());
        let value = values.map_or_else(String::new, |values| format!(" {}", listed(values)));
        return format!("{name}{value} in {run} only");
    };
    let without = |values: &[String], other: &[String]| -> Vec<String> {
        values.iter().filter(|value| !other.contains(value)).cloned().collect()
    };
    match (&without(before, now)[..], &without(now, before)[..]) {
        // Only the order or the number of equal values differs.
        ([], []) => format!("{name} {} → {name} {}", listed(before), listed(now)),
        (gone, []) => format!("{name} {} in A only", listed(gone)),
        ([], new) => format!("{name} {} in B only", listed(new)),
        (gone, new) => format!("{name} {} → {name} {}", listed(gone), listed(new)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(terms: &[&str], options: &[(&str, &[&str])], params: &[&str]) -> CommandLine {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let options = options.iter().map(|&(name, values)| (name.to_owned(), owned(values)));
        let (terms, params) = (owned(terms), owned(params));
        let mut line = CommandLine { terms, params, ..CommandLine::default() };
        line.options = options.collect();
        line
    }

    #[test]
    fn only_the_words_that_differ_are_reported() {
        let a = line(
            &["a", "b+"],
            &[
                ("--workers", &["2"]),
                ("--fail-fast", &[]),
                ("--set", &["x=1", "y=1"]),
                ("--seed", &["7"]),
                ("--exclude", &["q"]),
            ],
            &["date", "x"],
        );
        let b = line(
            &[],
            &[
                ("--workers", &["4"]),
                ("--set", &["x=1", "y=2"]),
                ("--seed", &["7"]),
                ("--exclude", &["q", "shard_*"]),
                ("--config", &["a b.toml"]),
            ],
            &["date", "n"],
        );
        let expected = [
            "selection a b+ → all",
            "--config 'a b.toml' in B only",
            "--exclude 'shard_*' in B only",
            "--fail-fast in A only",
            "--set y=1 → --set y=2",
            "--workers 2 → --workers 4",
            "-p x in A only",
            "-p n in B only",
        ];
        let nothing = BTreeSet::new();
        assert_eq!(differently(&a, &b, &nothing), expected);
        assert_eq!(differently(&a, &a, &nothing), Vec::<String>::new());
        assert_eq!(differently(&a, &b, &BTreeSet::from(["n"])), expected[..expected.len() - 1]);
        let turned = line(&[], &[("--exclude", &["shard_*", "q"])], &[]);
        let was = line(&[], &[("--exclude", &["q", "shard_*"])], &[]);
        assert_eq!(differently(&was, &turned, &nothing), ["--exclude q 'shard_*' → --exclude 'shard_*' q"]);
    }
}
