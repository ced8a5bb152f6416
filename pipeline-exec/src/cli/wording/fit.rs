//! A text on one line, of at most a number of columns.

use std::borrow::Cow;
use std::fmt::Write;

use console::{Alignment, measure_text_width, pad_str, truncate_str};

use super::number;
use crate::text::clean;

/// A user's text on one line: control characters are shown, not sent, and line breaks are spaces.
pub(in crate::cli) fn one_line(text: &str) -> String {
    if !text.contains('\n') {
        return clean(text);
    }
    clean(&text.split('\n').map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" "))
}

/// The number of columns of a text, as [`one_line`] shows it.
pub(in crate::cli) fn width(text: &str) -> usize {
    measure_text_width(&one_line(text))
}

/// A name on one line, of at most `columns`: its middle is left out, since names differ at their ends.
pub(in crate::cli) fn fit(name: &str, columns: usize) -> String {
    let ends = ends(name, 4 * columns.max(1));
    let line = one_line(&ends);
    if ends.len() == name.len() && measure_text_width(&line) <= columns {
        return line;
    }
    let kept = columns.saturating_sub(1);
    let reversed = |text: &str| text.chars().rev().collect::<String>();
    let end = reversed(&truncate_str(&reversed(&line), kept / 2, ""));
    let beginning = truncate_str(&line, kept - measure_text_width(&end), "");
    format!("{beginning}…{end}")
}

/// A message on one line, of at most `columns`: its end is left out.
pub(in crate::cli) fn cut(message: &str, columns: usize) -> String {
    // A column needs at most four bytes of what is not escaped: the rest of a huge text need not be processed.
    let head = message.char_indices().nth(4 * columns.max(1)).map_or(message, |(end, _)| &message[..end]);
    let line = one_line(head);
    if head.len() == message.len() && measure_text_width(&line) <= columns {
        return line;
    }
    format!("{}…", truncate_str(&line, columns.saturating_sub(1), ""))
}

/// A text with spaces behind it up to `columns`.
pub(in crate::cli) fn pad(text: &str, columns: usize) -> String {
    pad_str(text, columns, Alignment::Left, None).into_owned()
}

/// A user's message as a block: its lines, each indented, up to a length that fits on a screen.
pub(in crate::cli) fn block(text: &str, indent: &str) -> String {
    let shown = text.char_indices().nth(MOST_CHARS).map_or(text, |(end, _)| &text[..end]);
    let lines: Vec<&str> = shown.lines().take(MOST_LINES).collect();
    let mut block = lines.iter().map(|line| clean(line)).collect::<Vec<_>>().join(&format!("\n{indent}"));
    let kept: usize = lines.iter().map(|line| line.chars().count() + 1).sum();
    let left = text.chars().count().saturating_sub(kept);
    if left > 0 {
        let _ = write!(block, "… ({} more characters; the report as JSON has all)", number(left as u64));
    }
    block
}

const MOST_CHARS: usize = 2_000;
const MOST_LINES: usize = 40;

/// The first and last `most` characters of a huge text: the rest need not be processed.
fn ends(text: &str, most: usize) -> Cow<'_, str> {
    let head = text.char_indices().nth(most).map(|(end, _)| end);
    let tail = text.char_indices().nth_back(most).map(|(start, _)| start);
    match (head, tail) {
        (Some(head), Some(tail)) if head < tail => format!("{}{}", &text[..head], &text[tail..]).into(),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_message_is_cut_and_marked() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語x", 6), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert!(measure_text_width(&cut(&"x".repeat(10_000), 30)) <= 30);
        assert!(measure_text_width(&cut(&"\u{1b}[31m".repeat(10_000), 30)) <= 30);
    }

    #[test]
    fn a_long_name_keeps_both_ends() {
        assert_eq!(fit("abcdefghij", 10), "abcdefghij");
        assert_eq!(fit("abcdefghijk", 10), "abcde…hijk");
        assert_eq!(fit("日本語の名前", 12), "日本語の名前");
        assert_eq!(fit("日本語の名前", 9), "日本…名前");
        assert_eq!(fit("日本語の名前", 8), "日本…前");
        assert_eq!(fit("ab", 1), "…");
        let long = format!("a{}z", "\u{1b}".repeat(10_000));
        assert!(
            measure_text_width(&fit(&long, 30)) <= 30
                && fit(&long, 30).starts_with('a')
                && fit(&long, 30).ends_with('z')
        );
        assert_eq!(measure_text_width(&fit(&"x".repeat(10_000), 30)), 30);
    }

    #[test]
    fn lines_become_one_and_a_single_one_stays_as_it_is() {
        assert_eq!(one_line("a\n\n  b\u{1b}c"), r"a b\u{1b}c");
        assert_eq!(one_line("  indented"), "  indented");
        assert_eq!(pad("日", 4), "日  ");
    }

    #[test]
    fn a_long_message_is_cut_and_says_how_much_is_left() {
        let text = block(&"x".repeat(10_000), "");
        assert!(text.chars().count() < 2_100 && text.contains("more characters"), "{text}");
        assert_eq!(block("a\nb", "  "), "a\n  b");
    }
}
