//! Tokens as a person would write them, for reports.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// The tokens as text, spaced as rustfmt would in the common cases: `|orders, limit| orders.len() > *limit`.
pub(crate) fn text(tokens: TokenStream) -> String {
    let mut out = String::new();
    write(tokens, &mut out);
    out
}

fn write(tokens: TokenStream, out: &mut String) {
    let mut before = Before::Start;
    let mut inside = Inside::default();
    for token in tokens {
        let (space, after) = match &token {
            TokenTree::Punct(punct) => punctuation(punct.as_char(), punct.spacing(), before, &mut inside),
            TokenTree::Group(group) => match group.delimiter() {
                // A call or an index, unless an operator or a keyword stands before.
                Delimiter::Parenthesis | Delimiter::Bracket => {
                    (matches!(before, Before::Operator), Before::Operand)
                }
                Delimiter::Brace => (!matches!(before, Before::Start | Before::Prefix), Before::Operand),
                Delimiter::None => (matches!(before, Before::Operator | Before::Operand), Before::Operand),
            },
            _ => (matches!(before, Before::Operator | Before::Operand), Before::Operand),
        };
        if space {
            out.push(' ');
        }
        before = after;
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{ ", " }"),
                    Delimiter::None => ("", ""),
                };
                out.push_str(open);
                write(group.stream(), out);
                out.push_str(close);
            }
            token => out.push_str(&token.to_string()),
        }
    }
}

/// What the text so far ends in.
#[derive(Clone, Copy)]
enum Before {
    Start,
    /// Something that belongs to what follows: `.`, `::`, a unary operator.
    Prefix,
    /// The first half of an operator of two characters.
    Half,
    Operator,
    Operand,
}

/// Between what the text so far ends.
#[derive(Default)]
struct Inside {
    /// The parameters of a closure.
    pipes: bool,
    /// How many lists of type arguments.
    angles: u32,
}

/// Whether a space comes before, and what the text then ends in.
#[allow(clippy::match_same_arms, reason = "the arms are tried in order")]
fn punctuation(sign: char, spacing: Spacing, before: Before, inside: &mut Inside) -> (bool, Before) {
    let alone = spacing == Spacing::Alone;
    let after = |after| if alone { after } else { Before::Half };
    let apart = matches!(before, Before::Operator);
    let follows = matches!(before, Before::Operand);
    match (sign, before) {
        (',' | ';', _) => (false, Before::Operator),
        ('?', _) => (false, Before::Operand),
        ('.', _) => (false, Before::Prefix),
        // `..=`
        ('=', Before::Prefix) if alone => (false, Before::Prefix),
        (':', Before::Half) => (false, Before::Prefix),
        (':', _) => (false, after(Before::Operator)),
        ('<', _) if inside.pipes || matches!(before, Before::Prefix) => {
            inside.angles += 1;
            (false, Before::Prefix)
        }
        ('>', _) if inside.angles > 0 => {
            inside.angles -= 1;
            (false, Before::Operand)
        }
        ('|', _) if inside.pipes => {
            inside.pipes = false;
            (false, Before::Operator)
        }
        ('|', Before::Start | Before::Operator) => {
            inside.pipes = true;
            (apart, Before::Prefix)
        }
        (_, Before::Half) => (false, after(Before::Operator)),
        // The name of a macro.
        ('!', Before::Operand) if alone => (false, Before::Prefix),
        ('!' | '&' | '*' | '-' | '\'', _) if !follows => (apart, Before::Prefix),
        _ => (true, after(Before::Operator)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str) {
        let tokens: TokenStream = source.parse().expect("tokens");
        assert_eq!(text(tokens), source);
    }

    #[test]
    fn conditions_read_as_they_were_written() {
        check("is_large");
        check("conditions::is_large");
        check("|orders| !orders.is_empty()");
        check("|orders, limit| orders.len() as u64 > *limit");
        check("|a, b| *a == 3 && b.x >= -1 || f(&a, 2)[0]");
        check("|orders: &[u64]| { orders.len() > 2 }");
        check("|_| true");
        check("|| cores() > 1");
        check("|size| matches!(size, 0..=3) && size != &1");
        check("|text| text.parse::<u64>().is_ok_and(|n| n > 1 || n < -1)");
        check("|map: &Vec<u64>, path: &std::path::Path| a::b(map) <= 1.5 && !path.exists()");
        check("is_large::<u64>");
    }
}
