//! Paragraphs under a label, wrapped between words.

use console::measure_text_width as width_of;

use super::{WIDTH, cut, one_line};

/// Returns a text after a heading, wrapped to [`WIDTH`] columns. Words are not cut: locations and commands are to be
/// copied.
pub(in crate::cli) fn wrapped(heading: &str, heading_columns: usize, text: &str) -> String {
    let words = text.split(' ').map(one_line);
    joined(heading, heading_columns, lines(words, WIDTH.saturating_sub(heading_columns)))
}

/// Returns a text after a label, wrapped to `columns`. Longer words are cut.
pub(in crate::cli) fn paragraph(label: &str, text: &str, label_columns: usize, columns: usize) -> String {
    let room = columns.saturating_sub(label_columns).max(20);
    let words = text.split_whitespace().map(|word| cut(word, room));
    joined(label, label_columns, lines(words, room))
}

/// Returns a label and lines, indented by its width.
fn joined(label: &str, label_columns: usize, lines: Vec<String>) -> String {
    let indent = format!("\n{}", " ".repeat(label_columns));
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    format!("{}{}\n", super::pad(label, label_columns), lines.join(&indent))
}

fn lines(words: impl Iterator<Item = String>, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in words {
        let last = lines.last_mut().expect("invariant: there is a line at least");
        let fits = width_of(last) + 1 + width_of(&word) <= room;
        if last.is_empty() {
            *last = word;
        } else if fits {
            last.push(' ');
            last.push_str(&word);
        } else if let Some(number) = number_of(last, &word) {
            // A number and its unit stay together on the next line.
            last.truncate(last.len() - number.len() - 1);
            lines.push(format!("{number} {word}"));
        } else {
            lines.push(word);
        }
    }
    lines
}

/// Returns the last word of a line, if it is a number after another word and `word` is its unit.
fn number_of(line: &str, word: &str) -> Option<String> {
    let is_unit = is_unit(word) && line.ends_with(|c: char| c.is_ascii_digit());
    let (before, number) = line.rsplit_once(' ').filter(|_| is_unit)?;
    (!before.is_empty()).then(|| number.to_owned())
}

fn is_unit(word: &str) -> bool {
    ["ns", "µs", "ms", "s", "%"].contains(&word.trim_end_matches([',', ';', ':', ')', '.']))
}

#[cfg(test)]
mod tests {
    use super::super::block;
    use super::*;

    #[test]
    fn a_number_and_its_unit_stay_in_one_line() {
        let text = "it took 1.00 s and 62.9 µs, or 7 % of 12.5 ms";
        for columns in 20..60 {
            for line in paragraph("", text, 0, columns).lines() {
                assert!(!is_unit(line.split(' ').next().unwrap_or_default()), "{columns}: {line:?}");
                assert!(width_of(line) <= columns, "{columns}: {line:?}");
            }
        }
    }

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        for text in
            ["\u{1b}[31mred", "a\rb", "a\u{202e}b", "a\u{2066}b", "a\u{7}b", "a\nb", "a\u{9b}m", "a\tb"]
        {
            for shown in [cut(text, 40), paragraph("x", text, 4, 60), wrapped("x", 4, text)] {
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
        assert!(wrapped.lines().count() > 1 && wrapped.lines().all(|line| width_of(line) <= 40), "{wrapped}");
        assert!(wrapped.lines().skip(1).all(|line| line.starts_with("          ")), "{wrapped}");
        assert_eq!(wrapped.split_whitespace().skip(1).collect::<Vec<_>>().join(" "), text);
        assert!(paragraph("", &"日".repeat(500), 0, 40).lines().all(|line| width_of(line) <= 40));
    }

    #[test]
    fn listings_keep_to_their_width_but_cut_no_word() {
        let text = wrapped("heading", 10, &"word ".repeat(40));
        assert!(text.lines().all(|line| width_of(line) <= WIDTH), "{text}");
        assert!(text.lines().skip(1).all(|line| line.starts_with("          ")), "{text}");
        let place = format!("src/{}.rs:7", "x".repeat(100));
        assert_eq!(wrapped("at", 4, &format!("it is in {place}")), format!("at  it is in\n    {place}\n"));
    }
}
