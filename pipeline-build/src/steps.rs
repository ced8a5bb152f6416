//! Which functions are steps, and their names.

use crate::items::{Def, Item};
use crate::lex::{Kind, Token, Word};
use crate::package::Package;

/// Whether an attribute of the function is `#[step]`, by any path or other name.
pub(crate) fn is_step(package: &Package, item: &Item) -> bool {
    arguments(package, item).is_some()
}

/// `name = "…"` in the attribute, or else the name of the function.
pub(crate) fn name(package: &Package, item: &Item) -> String {
    let file = &package.files[item.span.file];
    let mut tokens = arguments(package, item).unwrap_or_default().iter().peekable();
    let mut written = None;
    let mut closes_at = 0;
    while let Some(token) = tokens.next() {
        // Not in a group of another option.
        if let Kind::Open(_, _) = token.kind {
            closes_at += 1;
        } else if let Kind::Close(_) = token.kind {
            closes_at -= 1;
        }
        let is_name = matches!(token.kind, Kind::Word(word) if package.words.text(word) == "name");
        if is_name
            && closes_at == 1
            && tokens.next_if(|next| matches!(next.kind, Kind::Punct(b'=', _))).is_some()
        {
            written = tokens.next().filter(|next| next.kind == Kind::Str);
            break;
        }
    }
    if let Some(literal) = written {
        let text = &file.text[literal.start as usize..literal.end as usize];
        return text.trim_start_matches(['r', '#']).trim_end_matches('#').trim_matches('"').to_owned();
    }
    item.name.map_or_else(String::new, |name| package.words.text(name).to_owned())
}

/// The tokens after `step` in the attribute.
fn arguments<'p>(package: &'p Package, item: &Item) -> Option<&'p [Token]> {
    let tokens = &package.files[item.span.file].tokens;
    let mut at = item.attributes.start;
    while at < item.attributes.end {
        let Kind::Open(b'[', close) = tokens[at].kind else {
            at += 1;
            continue;
        };
        let close = close as usize;
        let mut place = at + 1;
        let mut last = None;
        while place < close {
            match tokens[place].kind {
                Kind::Word(word) => last = Some(word),
                Kind::Punct(b':', _) => {}
                _ => break,
            }
            place += 1;
        }
        if let Some(last) = last {
            if package.words.text(last) == "step" || is_renamed(package, item, last) {
                return Some(&tokens[place..close]);
            }
            // `cfg_attr(…, pipeline::step(…))`
            if package.words.text(last) == "cfg_attr" {
                let step = (place..close).rev().find(
                    |&at| matches!(tokens[at].kind, Kind::Word(word) if package.words.text(word) == "step"),
                );
                if let Some(step) = step {
                    return Some(&tokens[step + 1..close - 1]);
                }
            }
        }
        at = close + 1;
    }
    None
}

/// `use pipeline::step as other;`.
fn is_renamed(package: &Package, item: &Item, name: Word) -> bool {
    let defs = package.tree.modules[item.module].names.get(&name);
    defs.into_iter().flatten().any(|def| match def {
        Def::Import(path) => path.last().is_some_and(|last| package.words.text(*last) == "step"),
        _ => false,
    })
}
