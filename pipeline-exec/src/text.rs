//! Texts that fit a line, and that a terminal can be sent.

#[cfg(feature = "report")]
use std::fmt::Write;
use std::time::Duration;

/// A path in one line, the middle left out where it is long.
pub(crate) fn path(steps: &[String]) -> String {
    let joined = |steps: &[String]| steps.iter().map(|step| shortened(step)).collect::<Vec<_>>().join(" > ");
    if steps.len() <= 8 {
        return joined(steps);
    }
    format!("{} > … {} more … > {}", joined(&steps[..4]), steps.len() - 7, joined(&steps[steps.len() - 3..]))
}

/// A name or message within a sentence: its first line, and not too much of that. The report as data has all of it.
pub(crate) fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// So much of a name or message is shown within a sentence.
const MOST_CHARS: usize = 60;

/// A duration in a unit that fits; `-` for none.
pub(crate) fn show(duration: Option<Duration>) -> String {
    let Some(duration) = duration else { return "-".to_owned() };
    match duration.as_nanos() {
        nanos @ 0..1_000 => format!("{nanos} ns"),
        nanos @ 1_000..1_000_000 => format!("{:.1} µs", nanos as f64 / 1e3),
        nanos @ 1_000_000..1_000_000_000 => format!("{:.1} ms", nanos as f64 / 1e6),
        nanos => format!("{:.2} s", nanos as f64 / 1e9),
    }
}

/// A time too short for a figure that is made of it: as much is lost by chance.
pub(crate) const BRIEF: Duration = Duration::from_millis(1);

/// How many times as long as `before` it took now; `None` if either was too short to compare.
#[cfg(feature = "cli")]
pub(crate) fn ratio(before: Duration, now: Duration) -> Option<f64> {
    (before >= BRIEF && now >= BRIEF).then(|| now.as_secs_f64() / before.as_secs_f64())
}

/// The last eight characters of the id of a run, which differ between runs.
pub(crate) fn short_id(id: &str) -> &str {
    id.char_indices().rev().nth(7).map_or(id, |(start, _)| &id[start..])
}

/// Names and messages are the user's or come from data: what could steer a terminal is shown, not sent.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .flat_map(
            |c| if is_hostile(c) && c != '\n' { c.escape_unicode().collect::<Vec<_>>() } else { vec![c] },
        )
        .collect()
}

/// Whether a character steers a terminal, or the order in which others are shown.
pub(crate) fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `1 step`, `2 steps`, `10,000 steps`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{} {what}{}", number(count as u64), if count == 1 { "" } else { "s" })
}

/// A number with its thousands set apart.
pub(crate) fn number(number: u64) -> String {
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
    fn thousands_are_set_apart() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([1, 10_000].map(|count| counted(count, "step")), ["1 step", "10,000 steps"]);
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
