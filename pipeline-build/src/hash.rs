//! Hashes of items: of their tokens, without what formatting changes.

use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::items::Item;
use crate::lex::{Kind, Token};
use crate::package::Package;

/// A hash of 128 bits. It is not for sources that are chosen to make two of them equal.
#[derive(Default)]
pub(crate) struct Hash(SipHasher13);

impl Hash {
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.write_u64(bytes.len() as u64);
        self.0.write(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(crate) fn finish(&self) -> String {
        let hash = self.0.finish128();
        format!("{:016x}{:016x}", hash.h1, hash.h2)
    }
}

/// Puts the tokens of an item into a hash.
pub(crate) fn tokens_hash(package: &Package, item: &Item, hash: &mut Hash) {
    let file = &package.files[item.span.file];
    let mut text = Vec::with_capacity(item.span.tokens.len() * 8);
    let header = item.header.clone().unwrap_or_default();
    let mut at = header.start;
    while at < header.end && header.start < item.span.tokens.start {
        at = token(package, &file.tokens, &file.text, at, &mut text);
    }
    at = item.span.tokens.start;
    while at < item.span.tokens.end {
        at = token(package, &file.tokens, &file.text, at, &mut text);
    }
    hash.bytes(&text);
}

/// Adds a token; returns the next. Doc comments and commas before the end of a list are no tokens.
fn token(package: &Package, tokens: &[Token], source: &str, at: usize, text: &mut Vec<u8>) -> usize {
    let token = tokens[at];
    let kind = |at: usize| tokens.get(at).map(|token| token.kind);
    if let Kind::Punct(b'#', _) = token.kind {
        let open = if matches!(kind(at + 1), Some(Kind::Punct(b'!', _))) { at + 2 } else { at + 1 };
        if let (Some(Kind::Open(b'[', close)), Some(Kind::Word(word))) = (kind(open), kind(open + 1))
            && package.words.text(word) == "doc"
        {
            return close as usize + 1;
        }
    }
    if let (Kind::Punct(b',', _), Some(Kind::Close(close))) = (token.kind, kind(at + 1))
        && is_only_format(package, tokens, at, close)
    {
        return at + 1;
    }
    match token.kind {
        Kind::Word(_) => text.push(1),
        Kind::Punct(_, true) => text.push(2),
        Kind::Punct(_, false) => text.push(3),
        _ => text.push(4),
    }
    text.extend_from_slice(&source.as_bytes()[token.start as usize..token.end as usize]);
    at + 1
}

/// Whether the comma before the end of a group means nothing: not in `(a,)`, and not in the arguments of an unknown macro.
fn is_only_format(package: &Package, tokens: &[Token], comma: usize, close: u8) -> bool {
    // The group that ends after the comma.
    let mut depth = 0;
    let mut at = comma;
    let mut has_more = false;
    loop {
        match tokens[at].kind {
            Kind::Close(_) => depth += 1,
            Kind::Open(..) if depth == 0 => break,
            Kind::Open(..) => depth -= 1,
            Kind::Punct(b',', _) if depth == 0 && at != comma => has_more = true,
            _ => {}
        }
        let Some(before) = at.checked_sub(1) else { return false };
        at = before;
    }
    let before = |back: usize| at.checked_sub(back).map(|at| tokens[at].kind);
    if matches!(before(1), Some(Kind::Punct(b'!', _))) {
        let std = [
            "vec",
            "println",
            "format",
            "print",
            "eprintln",
            "write",
            "writeln",
            "panic",
            "assert",
            "assert_eq",
        ];
        return matches!(before(2), Some(Kind::Word(word)) if std.contains(&package.words.text(word)));
    }
    let keywords =
        ["return", "in", "match", "if", "while", "break", "let", "ref", "mut", "as", "else", "yield", "move"];
    let is_call = match before(1) {
        Some(Kind::Word(word)) => !keywords.contains(&package.words.text(word)),
        Some(Kind::Close(b')' | b']')) => true,
        _ => false,
    };
    match close {
        b')' => has_more || is_call,
        // Not the arguments of a macro of the package: `name!{…}` is above.
        _ => true,
    }
}
