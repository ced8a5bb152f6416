//! Texts made to fit: by columns of the terminal, not by characters, and without anything that could steer it.

use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::report::clean;

/// A text in one line of at most so many columns; what steers a terminal, and line breaks, are shown, not sent.
pub(super) fn fit(text: &str, columns: usize) -> String {
    // A column needs at most four bytes of what is not escaped: the rest of a huge text need not be looked at.
    let head = text.char_indices().nth(4 * columns.max(1)).map_or(text, |(end, _)| &text[..end]);
    let line = clean(head).replace('\n', "\\n");
    if head.len() == text.len() && line.width() <= columns {
        return line;
    }
    let mut used = 0;
    let kept = line.chars().take_while(|&c| {
        used += c.width().unwrap_or(0);
        used < columns
    });
    kept.chain(['…']).collect()
}

/// A paragraph under a label: wrapped between words, later lines indented as far as the label reaches.
pub(super) fn paragraph(label: &str, text: &str, label_columns: usize, columns: usize) -> String {
    let room = columns.saturating_sub(label_columns).max(20);
    let mut lines: Vec<String> = vec![String::new()];
    for word in clean(text).split_whitespace() {
        let word = fit(word, room);
        if let Some(line) =
            lines.last_mut().filter(|line| is_unit(&word) && line.ends_with(|c: char| c.is_ascii_digit()))
        {
            // A number and its unit stay together; where there is no room for it, both move on.
            let number = line.rsplit(' ').next().unwrap_or_default().to_owned();
            if line.width() + 1 + word.width() > room && number.len() < line.len() {
                line.truncate(line.len() - number.len() - 1);
                lines.push(format!("{number} {word}"));
                continue;
            }
        }
        match lines.last_mut() {
            Some(line) if line.is_empty() => *line = word,
            Some(line) if line.width() + 1 + word.width() <= room => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    let indent = " ".repeat(label_columns);
    let gap = " ".repeat(label_columns.saturating_sub(label.width()));
    format!("{label}{gap}{}\n", lines.join(&format!("\n{indent}")))
}

fn is_unit(word: &str) -> bool {
    ["ns", "µs", "ms", "s", "%"].contains(&word.trim_end_matches([',', ';', ':', ')', '.']))
}

/// A message of a user's as a block: all its lines, each indented, up to a length that a screen can take.
pub(super) fn block(text: &str, indent: &str) -> String {
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

/// A number with its thousands set apart.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things.
pub(super) fn counted(count: usize, what: &str) -> String {
    format!("{} {what}{}", number(count as u64), if count == 1 { "" } else { "s" })
}

/// The first few of many names in one line, and how many more there are.
pub(super) fn listed<'n>(names: impl ExactSizeIterator<Item = &'n str>, most: usize) -> String {
    let count = names.len();
    let mut text = names.take(most).map(|name| fit(name, 40)).collect::<Vec<_>>().join(", ");
    if count > most {
        let _ = write!(text, " and {} more", number((count - most) as u64));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_by_columns_and_marked() {
        assert_eq!(fit("abc", 3), "abc");
        assert_eq!(fit("abcd", 3), "ab…");
        assert_eq!(fit("日本語", 6), "日本語");
        assert_eq!(fit("日本語x", 6), "日本…");
        assert_eq!(fit("日本語", 4), "日…");
        assert!(fit(&"x".repeat(10_000), 30).width() <= 30);
        assert!(fit(&"\u{1b}[31m".repeat(10_000), 30).width() <= 30);
    }

    #[test]
    fn a_number_and_its_unit_stay_in_one_line() {
        let text = "it took 1.00 s and 62.9 µs, or 7 % of 12.5 ms";
        for columns in 20..60 {
            for line in paragraph("", text, 0, columns).lines() {
                assert!(!is_unit(line.split(' ').next().unwrap_or_default()), "{columns}: {line:?}");
                assert!(line.width() <= columns, "{columns}: {line:?}");
            }
        }
    }

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        for text in
            ["\u{1b}[31mred", "a\rb", "a\u{202e}b", "a\u{2066}b", "a\u{7}b", "a\nb", "a\u{9b}m", "a\tb"]
        {
            for shown in [fit(text, 40), paragraph("x", text, 4, 60)] {
                let body = shown.trim_end_matches('\n');
                assert!(
                    !body.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{2069}').contains(&c)),
                    "{shown:?}"
                );
            }
            assert!(!block(text, "  ").chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        }
    }

    #[test]
    fn paragraphs_wrap_between_words_and_never_exceed_the_columns() {
        let text = "one two three four five six seven eight nine ten eleven twelve thirteen";
        let wrapped = paragraph("label", text, 10, 40);
        assert!(wrapped.lines().count() > 1 && wrapped.lines().all(|line| line.width() <= 40), "{wrapped}");
        assert!(wrapped.lines().skip(1).all(|line| line.starts_with("          ")), "{wrapped}");
        assert_eq!(wrapped.split_whitespace().skip(1).collect::<Vec<_>>().join(" "), text);
    }

    #[test]
    fn a_long_message_is_cut_and_says_how_much_is_left() {
        let text = block(&"x".repeat(10_000), "");
        assert!(text.chars().count() < 2_100 && text.contains("more characters"), "{text}");
        assert_eq!(block("a\nb", "  "), "a\n  b");
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
    }
}
