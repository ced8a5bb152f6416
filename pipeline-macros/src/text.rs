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
    let mut in_pipes = false;
    for token in tokens {
        let (space, after) = match &token {
            TokenTree::Punct(punct) => punctuation(punct.as_char(), punct.spacing(), before, &mut in_pipes),
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

/// Whether a space comes before, and what the text then ends in.
fn punctuation(sign: char, spacing: Spacing, before: Before, in_pipes: &mut bool) -> (bool, Before) {
    let after = |after| if spacing == Spacing::Joint { Before::Half } else { after };
    let binary = matches!(before, Before::Operand);
    match sign {
        '.' | ':' if !matches!(before, Before::Half) && spacing == Spacing::Alone => {
            (false, if sign == '.' { Before::Prefix } else { Before::Operator })
        }
        '.' | ':' => (false, if spacing == Spacing::Joint { Before::Half } else { Before::Prefix }),
        ',' | ';' => (false, Before::Operator),
        '?' => (false, Before::Operand),
        '|' if *in_pipes => {
            *in_pipes = false;
            (false, Before::Operator)
        }
        '|' if !binary && !matches!(before, Before::Half) => {
            *in_pipes = true;
            (matches!(before, Before::Operator), Before::Prefix)
        }
        '!' | '&' | '*' | '-' if !binary && spacing == Spacing::Alone && !matches!(before, Before::Half) => {
            (matches!(before, Before::Operator), Before::Prefix)
        }
        _ if matches!(before, Before::Half) => (false, after(Before::Operator)),
        '\'' => (matches!(before, Before::Operator), Before::Prefix),
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
    }
}
