//! `explain`: what an error code means, and how to fix it. The pages are those of `docs/errors`.

mod pages;

use std::fmt::Write;

use clap::Args as ClapArgs;
use pipeline_core::closest;

use self::pages::{PAGES, Page};
use super::exit::{Refusal, print};

/// The code.
#[derive(Debug, ClapArgs)]
pub(super) struct ExplainArgs {
    /// Code, such as PL0003, or its number alone [default: list all codes].
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

pub(super) fn execute(args: &ExplainArgs) -> Result<u8, Refusal> {
    let Some(wanted) = &args.code else { return print(&list()) };
    let wanted = code_of(wanted);
    match PAGES.iter().find(|page| page.code == wanted) {
        Some(page) => print(&readable(page.text)),
        None => Err(Refusal::Usage(unknown(&wanted))),
    }
}

/// Parses a code: `PL0101`, `pl101`, `101`, or copied, `error[PL0101]:`.
fn code_of(asked: &str) -> String {
    let asked = asked.rsplit('[').next().unwrap_or_default();
    let asked = asked.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_uppercase();
    let number = asked.strip_prefix("PL").unwrap_or(&asked);
    number.parse().map_or_else(|_| asked.clone(), |number: u16| format!("PL{number:04}"))
}

fn unknown(wanted: &str) -> String {
    let hint = match closest(wanted, PAGES.iter().map(|page| page.code)) {
        Some(close) => format!("did you mean `{close}`?"),
        None => "`explain` without a code lists all of them".to_owned(),
    };
    format!("there is no error code `{wanted}`\n    hint: {hint}")
}

fn list() -> String {
    let mut text = String::new();
    for page in PAGES {
        let _ = writeln!(text, "{}  {}", page.code, page.title());
    }
    text.push_str("\n`explain CODE` explains a code and how to fix it\n");
    text
}

impl Page {
    /// Returns the heading without the code.
    fn title(&self) -> &'static str {
        let heading = self.text.lines().next().unwrap_or_default();
        heading.split_once(": ").map_or(heading, |(_, title)| title)
    }
}

/// Returns a page without the lines that its examples need only to compile.
fn readable(page: &str) -> String {
    let mut text = String::new();
    let mut in_code = false;
    for line in page.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
            text.push_str(if in_code { "```rust\n" } else { "```\n" });
        } else if !in_code || !(line == "#" || line.starts_with("# ")) {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use pipeline_core::{FailureKind, ProblemCode};

    use super::*;
    use crate::run::OutputError;

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let problems = ProblemCode::ALL.iter().map(|code| code.name());
        let failures = FailureKind::ALL.iter().map(|kind| kind.code());
        let codes: Vec<&str> = problems.chain(failures).chain(OutputError::CODES).collect();
        let unique: BTreeSet<&str> = codes.iter().copied().collect();
        assert_eq!(unique.len(), codes.len(), "a code is used twice: {codes:?}");
        assert_eq!(PAGES.iter().map(|page| page.code).collect::<Vec<_>>(), Vec::from_iter(unique));
    }

    #[test]
    fn every_page_says_what_it_means_shows_it_and_how_to_fix_it() {
        for page in PAGES {
            assert!(page.text.starts_with(&format!("# {}: ", page.code)), "{}", page.code);
            for part in ["```rust", "## How to fix it"] {
                assert!(page.text.contains(part), "{}: {part}", page.code);
            }
            let read = readable(page.text);
            assert!(!read.contains("\n# fn ") && !read.contains("should_panic"), "{read}");
        }
    }

    #[test]
    fn a_code_is_understood_without_what_all_have_in_common() {
        for asked in
            ["PL0101", "pl0101", "PL101", "pl101", "101", "0101", "[PL0101]", "error[PL0101]:", " PL0101 "]
        {
            assert_eq!(code_of(asked), "PL0101");
        }
        assert_eq!([code_of("x1"), code_of("PL"), code_of("")], ["X1", "PL", ""].map(str::to_owned));
    }

    #[test]
    fn an_unknown_code_suggests_the_closest_one() {
        assert!(unknown("PL003").contains("did you mean `PL0"), "{}", unknown("PL003"));
        assert!(unknown("X").contains("lists all"), "{}", unknown("X"));
    }
}
