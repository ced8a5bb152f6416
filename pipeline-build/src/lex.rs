//! Rust source as tokens: without comments, spaces and doc comments, with the ends of groups.
//!
//! A build script is not optimized: this lexer takes a quarter of the time that `syn` takes.

use std::collections::HashMap;

/// A word of the sources, as a number.
pub(crate) type Word = u32;

/// The words of all sources.
#[derive(Default)]
pub(crate) struct Words {
    numbers: HashMap<String, Word>,
    texts: Vec<String>,
}

impl Words {
    pub(crate) fn of(&mut self, text: &str) -> Word {
        if let Some(word) = self.numbers.get(text) {
            return *word;
        }
        let word = self.texts.len() as Word;
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), word);
        word
    }

    /// The number of a word, if some source has it.
    pub(crate) fn known(&self, text: &str) -> Option<Word> {
        self.numbers.get(text).copied()
    }

    pub(crate) fn text(&self, word: Word) -> &str {
        &self.texts[word as usize]
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Word(Word),
    /// A character of punctuation; whether another follows without a space between.
    Punct(u8, bool),
    /// `(`, `[` or `{`, and the index of the token that closes it.
    Open(u8, u32),
    Close(u8),
    /// A string without escapes that would change it, with its quotes.
    Str,
    /// Another literal.
    Literal,
    Lifetime,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// Splits a source into tokens; `Err` has the place, in bytes, that is no Rust.
pub(crate) fn tokens(source: &str, words: &mut Words) -> Result<Vec<Token>, usize> {
    Lexer {
        bytes: source.as_bytes(),
        source,
        at: 0,
        tokens: Vec::with_capacity(source.len() / 4),
        open: Vec::new(),
    }
    .run(words)
}

struct Lexer<'s> {
    source: &'s str,
    bytes: &'s [u8],
    at: usize,
    tokens: Vec<Token>,
    open: Vec<usize>,
}

impl Lexer<'_> {
    fn run(mut self, words: &mut Words) -> Result<Vec<Token>, usize> {
        if self.source.starts_with('\u{feff}') {
            self.at = 3;
        }
        if self.bytes[self.at..].starts_with(b"#!") && !self.bytes[self.at..].starts_with(b"#![") {
            self.skip_line();
        }
        while let Some(&byte) = self.bytes.get(self.at) {
            self.token(byte, words)?;
        }
        match self.open.last() {
            Some(&open) => Err(self.tokens[open].start as usize),
            None => Ok(self.tokens),
        }
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn push(&mut self, kind: Kind, start: usize) {
        self.tokens.push(Token { kind, start: start as u32, end: self.at as u32 });
    }

    fn token(&mut self, byte: u8, words: &mut Words) -> Result<(), usize> {
        let start = self.at;
        match byte {
            b' ' | b'\n' | b'\t' | b'\r' | 0x0b | 0x0c => self.at += 1,
            b'/' if self.peek(1) == b'/' => self.skip_line(),
            b'/' if self.peek(1) == b'*' => self.skip_block()?,
            b'(' | b'[' | b'{' => {
                self.open.push(self.tokens.len());
                self.at += 1;
                self.push(Kind::Open(byte, 0), start);
            }
            b')' | b']' | b'}' => {
                let open = self.open.pop().ok_or(start)?;
                let Kind::Open(opened, _) = self.tokens[open].kind else { return Err(start) };
                if !matches!((opened, byte), (b'(', b')') | (b'[', b']') | (b'{', b'}')) {
                    return Err(start);
                }
                self.tokens[open].kind = Kind::Open(opened, self.tokens.len() as u32);
                self.at += 1;
                self.push(Kind::Close(byte), start);
            }
            b'"' => self.string(start)?,
            b'\'' => self.quote(start)?,
            b'0'..=b'9' => self.number(start),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => self.word(start, words)?,
            _ => {
                self.at += 1;
                let joint = matches!(self.peek(0), b'!'..=b'/' | b':'..=b'@' | b'^' | b'|' | b'~')
                    && !matches!(self.peek(0), b'"' | b'\'' | b'(' | b')');
                self.push(Kind::Punct(byte, joint), start);
            }
        }
        Ok(())
    }

    fn skip_line(&mut self) {
        while self.at < self.bytes.len() && self.bytes[self.at] != b'\n' {
            self.at += 1;
        }
    }

    fn skip_block(&mut self) -> Result<(), usize> {
        let start = self.at;
        let mut depth = 0;
        loop {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => (depth, self.at) = (depth + 1, self.at + 2),
                (b'*', b'/') => (depth, self.at) = (depth - 1, self.at + 2),
                _ if self.at >= self.bytes.len() => return Err(start),
                _ => self.at += 1,
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// A string with escapes, from its quote on.
    fn string(&mut self, start: usize) -> Result<(), usize> {
        self.at += 1;
        loop {
            match self.bytes.get(self.at) {
                None => return Err(start),
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        self.push(Kind::Str, start);
        Ok(())
    }

    /// A string without escapes, from the first `#` or the quote on.
    fn raw_string(&mut self, start: usize) -> Result<(), usize> {
        let mut hashes = 0;
        while self.peek(0) == b'#' {
            (hashes, self.at) = (hashes + 1, self.at + 1);
        }
        loop {
            self.at += 1;
            if self.at >= self.bytes.len() {
                return Err(start);
            }
            let rest = &self.bytes[self.at..];
            if rest[0] == b'"' && rest.len() > hashes && rest[1..=hashes].iter().all(|&byte| byte == b'#') {
                break;
            }
        }
        self.at += 1 + hashes;
        self.push(Kind::Str, start);
        Ok(())
    }

    /// A character or a lifetime.
    fn quote(&mut self, start: usize) -> Result<(), usize> {
        let rest = &self.source[start + 1..];
        let first = rest.chars().next().ok_or(start)?;
        if first == '\\' {
            self.at += 3;
            while self.peek(0) != b'\'' {
                self.at += 1;
                if self.at >= self.bytes.len() {
                    return Err(start);
                }
            }
            self.at += 1;
            self.push(Kind::Literal, start);
        } else if rest[first.len_utf8()..].starts_with('\'') {
            self.at += first.len_utf8() + 2;
            self.push(Kind::Literal, start);
        } else {
            self.at += 1;
            self.skip_word();
            self.push(Kind::Lifetime, start);
        }
        Ok(())
    }

    fn number(&mut self, start: usize) {
        self.skip_word();
        if self.peek(0) == b'.' && self.peek(1).is_ascii_digit() {
            self.at += 1;
            self.skip_word();
        }
        self.push(Kind::Literal, start);
    }

    fn skip_word(&mut self) {
        while matches!(self.peek(0), b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | 0x80..) {
            self.at += 1;
        }
    }

    fn word(&mut self, start: usize, words: &mut Words) -> Result<(), usize> {
        self.skip_word();
        let text = &self.source[start..self.at];
        match (text, self.peek(0), self.peek(1)) {
            ("r", b'#', b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80..) => {
                self.at += 1;
                let name = self.at;
                self.skip_word();
                let word = words.of(&self.source[name..self.at]);
                self.push(Kind::Word(word), start);
            }
            ("r" | "br" | "cr", b'#' | b'"', _) => self.raw_string(start)?,
            ("b" | "c", b'"', _) => self.string(start)?,
            ("b", b'\'', _) => {
                self.quote(self.at)?;
                let literal = self.tokens.last_mut().ok_or(start)?;
                (literal.kind, literal.start) = (Kind::Literal, start as u32);
            }
            _ => {
                // A space that is not ASCII is no part of a word.
                if !text.is_ascii() && text.chars().any(char::is_whitespace) {
                    return Err(start);
                }
                let word = words.of(text);
                self.push(Kind::Word(word), start);
            }
        }
        Ok(())
    }
}
