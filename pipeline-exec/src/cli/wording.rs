//! Texts that fit: names shortened, types without their modules, lists that end, lines that are wrapped.

use crate::report::clean;
pub(super) use crate::report::counted as count;

/// The width that listings keep to.
pub(super) const WIDTH: usize = 80;

/// A user's text on one line, safe to print and at most `width` characters long: the middle gives way, for names differ at
/// their ends.
pub(super) fn fit(text: &str, width: usize) -> String {
    let text = one_line(text);
    let length = text.chars().count();
    if length <= width {
        return text;
    }
    let kept = width.saturating_sub(1);
    let tail = kept / 2;
    let head: String = text.chars().take(kept - tail).collect();
    let end: String = text.chars().skip(length - tail).collect();
    format!("{head}…{end}")
}

/// A user's text on one line, safe to print.
pub(super) fn one_line(text: &str) -> String {
    clean(text).replace('\n', " ")
}

/// A type as people write it: `Vec<Option<i64>>` rather than `alloc::vec::Vec<core::option::Option<i64>>`.
pub(super) fn short_type(name: &str) -> String {
    let mut out = String::new();
    // Where the path that is being read starts in `out`.
    let mut start = 0;
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            ':' if rest.peek() == Some(&':') => {
                rest.next();
                // After `>` or `}` the path goes on from something that has to stay.
                if start == out.len() && out.ends_with(['>', '}', ')', ']']) {
                    out.push_str("::");
                    start = out.len();
                } else {
                    out.truncate(start);
                }
            }
            c => {
                out.push(c);
                if !(c.is_alphanumeric() || c == '_') {
                    start = out.len();
                }
            }
        }
    }
    out
}

/// The first few of some names, and how many there are more.
pub(super) fn some<T: AsRef<str>>(names: &[T], most: usize, separator: &str) -> String {
    let shown: Vec<String> = names.iter().take(most).map(|name| fit(name.as_ref(), 40)).collect();
    let more = names.len() - shown.len();
    let rest = if more == 0 { String::new() } else { format!("{separator}{more} more") };
    shown.join(separator) + &rest
}

/// A text after a heading of some width, wrapped at spaces so that each line keeps to [`WIDTH`] where its words allow it.
pub(super) fn wrapped(heading: &str, width: usize, text: &str) -> String {
    let mut out = format!("{heading:<width$}");
    let mut used = out.chars().count();
    let mut is_first = true;
    for word in text.split(' ') {
        let length = word.chars().count();
        if !is_first && used + 1 + length > WIDTH {
            out.push('\n');
            out.push_str(&" ".repeat(width));
            used = width;
        } else if !is_first {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += length;
        is_first = false;
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_lose_their_modules_and_nothing_else() {
        for (full, short) in [
            ("i64", "i64"),
            ("alloc::vec::Vec<core::option::Option<i64>>", "Vec<Option<i64>>"),
            ("(a::B, &'static [c::d::E; 3])", "(B, &'static [E; 3])"),
            ("<a::B as c::D>::E", "<B as D>::E"),
            ("alloc::sync::Arc<dyn core::ops::Fn(a::X) -> b::Y + Send>", "Arc<dyn Fn(X) -> Y + Send>"),
        ] {
            assert_eq!(short_type(full), short);
        }
    }

    #[test]
    fn a_long_text_keeps_both_ends_and_stays_on_its_line() {
        assert_eq!(fit("abcdefghij", 10), "abcdefghij");
        assert_eq!(fit("abcdefghijk", 10), "abcde…hijk");
        assert_eq!(fit("a\nb\u{1b}[31m", 40), "a b\\u{1b}[31m");
        assert_eq!(fit(&"x".repeat(10_000), 30).chars().count(), 30);
    }

    #[test]
    fn wrapped_lines_are_indented_and_fit() {
        let text = wrapped("heading", 10, &"word ".repeat(40));
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(text.lines().skip(1).all(|line| line.starts_with("          ")), "{text}");
    }
}
