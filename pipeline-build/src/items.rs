//! The modules of a crate and the items in them.

use std::collections::HashMap;
use std::ops::Range;

use crate::lex::{Kind, Word, Words};

pub(crate) type ItemId = usize;
pub(crate) type ModuleId = usize;
pub(crate) type FileId = usize;

/// Tokens of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) file: FileId,
    pub(crate) tokens: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ItemKind {
    /// A function outside of `impl`.
    Function,
    /// A struct, an enum or a union.
    Type,
    Alias,
    Trait,
    /// A constant or a static.
    Value,
    /// A `macro_rules!`.
    Macro,
    /// `impl Trait for Type`, whole.
    TraitImpl,
    /// One item of an `impl Type`.
    Member,
    /// A macro that is called in the place of an item.
    Call,
    /// `extern { … }`.
    Foreign,
}

#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) kind: ItemKind,
    /// The name; for a macro in place of an item, that of the macro.
    pub(crate) name: Option<Word>,
    pub(crate) module: ModuleId,
    pub(crate) span: Span,
    /// What stands between the attributes and the body of an `impl`.
    pub(crate) header: Option<Range<usize>>,
    /// The tokens of the attributes.
    pub(crate) attributes: Range<usize>,
}

/// What a name in a module stands for.
#[derive(Debug, Clone)]
pub(crate) enum Def {
    Item(ItemId),
    Module(ModuleId),
    Import(Vec<Word>),
}

#[derive(Debug, Default)]
pub(crate) struct Module {
    pub(crate) parent: Option<ModuleId>,
    pub(crate) root: ModuleId,
    /// Its path, with the name of the crate.
    pub(crate) path: String,
    pub(crate) names: HashMap<Word, Vec<Def>>,
    pub(crate) globs: Vec<Vec<Word>>,
    /// Its file is missing: it is left out by a `cfg`, or made by something.
    pub(crate) missing: bool,
}

/// `mod name;`: the module is in another file.
pub(crate) struct Outside {
    pub(crate) name: Word,
    pub(crate) module: ModuleId,
    /// The inline modules around it.
    pub(crate) inside: Vec<Word>,
    pub(crate) path: Option<String>,
    pub(crate) attributes: Range<usize>,
}

/// The words that begin items.
pub(crate) struct Keywords(HashMap<Word, &'static str>);

const KEYWORDS: [&str; 27] = [
    "pub",
    "default",
    "const",
    "async",
    "unsafe",
    "extern",
    "safe",
    "auto",
    "fn",
    "struct",
    "enum",
    "union",
    "trait",
    "impl",
    "mod",
    "use",
    "static",
    "type",
    "crate",
    "macro_rules",
    "mut",
    "for",
    "where",
    "as",
    "self",
    "path",
    "_",
];

impl Keywords {
    pub(crate) fn new(words: &mut Words) -> Self {
        Self(KEYWORDS.iter().map(|text| (words.of(text), *text)).collect())
    }

    pub(crate) fn text(&self, kind: Option<Kind>) -> &'static str {
        match kind {
            Some(Kind::Word(word)) => self.0.get(&word).copied().unwrap_or("a name"),
            Some(Kind::Punct(b'#', _)) => "#",
            Some(Kind::Punct(b'!', _)) => "!",
            Some(Kind::Punct(b';', _)) => ";",
            Some(Kind::Punct(b':', _)) => ":",
            Some(Kind::Open(b'{', _)) => "{",
            Some(Kind::Open(..)) => "(",
            Some(Kind::Str) => "string",
            Some(_) => "other",
            None => "",
        }
    }
}

/// The items of the whole package.
#[derive(Default)]
pub(crate) struct Tree {
    pub(crate) items: Vec<Item>,
    pub(crate) modules: Vec<Module>,
}
