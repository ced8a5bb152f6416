//! What an item names: other items, methods, and what cannot be known.

mod texts;

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;

use crate::items::{Def, ItemId, ItemKind, ModuleId, Span};
use crate::known::{KNOWN_CFG, STD_ATTRIBUTES, STD_MACROS};
use crate::lex::{Kind, Token, Word};
use crate::names::{Meaning, Names};
use crate::package::Package;
use crate::read::read_imports;

/// What an item names, in order.
#[derive(Debug, Default)]
pub(crate) struct Refs {
    pub(crate) items: Vec<ItemId>,
    /// `Type::name`.
    pub(crate) members: Vec<(ItemId, Word)>,
    /// `Self::name`: the type is that of the `impl`.
    pub(crate) own: Vec<Word>,
    /// `.name()`, and names in what is no item of the package.
    pub(crate) methods: Vec<Word>,
    /// The traits after `dyn`.
    pub(crate) dyns: Vec<Word>,
    /// Words that are no item of the package.
    pub(crate) unknown: Vec<Word>,
    /// Files that `include_str!` and other macros name.
    pub(crate) files: Vec<PathBuf>,
    /// Variables of the package (`CARGO_PKG_…`).
    pub(crate) variables: Vec<String>,
    pub(crate) reason: Option<String>,
}

pub(crate) struct Scan<'p> {
    package: &'p Package,
    names: &'p Names<'p>,
    /// The macros of the package by name.
    macros: &'p HashMap<Word, Vec<ItemId>>,
    steps: &'p [bool],
    tokens: &'p [Token],
    text: &'p str,
    span: Span,
    module: ModuleId,
    /// Names of parameters: they hide items of that name.
    hidden: Vec<Word>,
    /// Where the body begins in which they do.
    hidden_from: usize,
    local_names: Vec<(Word, Vec<Word>)>,
    local_globs: Vec<Vec<Word>>,
    refs: Refs,
}

impl<'p> Scan<'p> {
    pub(crate) fn item(
        package: &'p Package,
        names: &'p Names<'p>,
        macros: &'p HashMap<Word, Vec<ItemId>>,
        steps: &'p [bool],
        item: ItemId,
    ) -> Refs {
        let item = &package.tree.items[item];
        let mut refs = Refs::default();
        let mut open = Vec::new();
        let scan = |span: &Span,
                    header: Option<Range<usize>>,
                    module,
                    hides: bool,
                    refs: Refs,
                    open: &mut Vec<ItemId>| {
            let file = &package.files[span.file];
            let mut scan = Scan {
                package,
                names,
                macros,
                steps,
                tokens: &file.tokens,
                text: &file.text,
                span: span.clone(),
                module,
                hidden: Vec::new(),
                hidden_from: usize::MAX,
                local_names: Vec::new(),
                local_globs: Vec::new(),
                refs,
            };
            if hides {
                scan.hide_parameters();
            }
            scan.read_local_imports();
            if let Some(header) = header.filter(|header| header.start < span.tokens.start) {
                scan.range(header, open);
            }
            scan.range(span.tokens.clone(), open);
            scan.refs
        };
        let hides = matches!(item.kind, ItemKind::Function | ItemKind::Member);
        refs = scan(&item.span, item.header.clone(), item.module, hides, refs, &mut open);
        // The body of a macro means what it means where the macro is called.
        let mut next = 0;
        while let Some(&called) = open.get(next) {
            let body = &package.tree.items[called];
            refs = scan(&body.span, None, item.module, false, refs, &mut open);
            next += 1;
        }
        let Refs { items, members, methods, unknown, dyns, .. } = &mut refs;
        unique(items);
        unique(members);
        unique(methods);
        unique(unknown);
        unique(dyns);
        refs
    }

    fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    fn is(&self, at: usize, byte: u8) -> bool {
        matches!(self.kind(at), Some(Kind::Punct(found, _)) if found == byte)
    }

    fn is_open(&self, at: usize) -> bool {
        matches!(self.kind(at), Some(Kind::Open(..)))
    }

    fn is_path(&self, at: usize) -> bool {
        matches!(self.kind(at), Some(Kind::Punct(b':', true))) && self.is(at + 1, b':')
    }

    fn word(&self, at: usize) -> Option<Word> {
        match self.kind(at) {
            Some(Kind::Word(word)) => Some(word),
            _ => None,
        }
    }

    fn word_text(&self, at: usize) -> &'p str {
        self.word(at).map_or("", |word| self.package.words.text(word))
    }

    fn place(&self, at: usize) -> String {
        let file = &self.package.files[self.span.file];
        format!("{}:{}", self.package.shown(&file.path), self.package.line(self.span.file, at))
    }

    fn refuse(&mut self, at: usize, what: &str) {
        if self.refs.reason.is_none() {
            self.refs.reason = Some(format!("{what} at {}", self.place(at)));
        }
    }

    /// Parameters hide items of their name in the whole function, unless it has items inside.
    fn hide_parameters(&mut self) {
        let range = self.span.tokens.clone();
        let Some(function) = range.clone().find(|&at| self.word_text(at) == "fn") else { return };
        let Some(open) = (function..range.end).find(|&at| matches!(self.kind(at), Some(Kind::Open(b'(', _))))
        else {
            return;
        };
        let Some(Kind::Open(_, close)) = self.kind(open) else { return };
        let own = ["fn", "impl", "const", "static", "macro_rules", "mod", "use", "struct", "enum", "trait"];
        // `-> impl Trait` has no items.
        let body = (close as usize..range.end).find(|&at| matches!(self.kind(at), Some(Kind::Open(b'{', _))));
        let Some(body) = body.filter(|&body| !(body..range.end).any(|at| own.contains(&self.word_text(at))))
        else {
            return;
        };
        self.hidden_from = body;
        let mut at = open + 1;
        while at < close as usize {
            if let (Some(word), true, false) = (self.word(at), self.is(at + 1, b':'), self.is_path(at + 1)) {
                self.hidden.push(word);
            }
            at = if let Some(Kind::Open(_, close)) = self.kind(at) { close as usize + 1 } else { at + 1 };
        }
    }

    fn read_local_imports(&mut self) {
        for at in self.span.tokens.clone() {
            if self.word_text(at) == "use"
                && matches!(
                    at.checked_sub(1).and_then(|at| self.kind(at)),
                    Some(Kind::Open(b'{', _) | Kind::Close(b'}' | b']') | Kind::Punct(b';', _))
                )
            {
                let keywords = &self.package.keywords;
                let (names, globs) = (&mut self.local_names, &mut self.local_globs);
                read_imports(self.tokens, keywords, at + 1, &mut Vec::new(), names, globs);
            }
        }
    }

    fn range(&mut self, range: Range<usize>, macros: &mut Vec<ItemId>) {
        let mut attribute_end = 0;
        // The end of the arguments of a macro that is no macro of the standard library.
        let mut custom_end = 0;
        let mut reads_files = false;
        let mut names_code = false;
        let mut at = range.start;
        while at < range.end {
            match self.kind(at) {
                Some(Kind::Punct(b'#', _)) => {
                    let open = if self.is(at + 1, b'!') { at + 2 } else { at + 1 };
                    if let Some(Kind::Open(b'[', close)) = self.kind(open) {
                        attribute_end = close as usize;
                        let name = self.word_text(open + 1);
                        if name == "doc" {
                            at = attribute_end;
                        }
                        let name = if self.is_path(open + 2) { self.word_text(open + 4) } else { name };
                        reads_files = !STD_ATTRIBUTES.contains(&name);
                        names_code = reads_files || name == "serde" || name == "cfg_attr";
                    }
                    at += 1;
                }
                Some(Kind::Str) => {
                    if names_code && at < attribute_end {
                        self.path_in_string(at);
                    }
                    self.string(at, reads_files && (at < attribute_end || at < custom_end));
                    at += 1;
                }
                Some(Kind::Word(_)) => {
                    let (next, called) = self.path(at, at < attribute_end, at < custom_end, macros);
                    if let (Some(custom), Some(Kind::Open(_, close))) = (called, self.kind(next + 1))
                        && custom
                    {
                        custom_end = custom_end.max(close as usize);
                        reads_files = true;
                    }
                    at = next;
                }
                _ => at += 1,
            }
        }
    }

    /// Reads a path from its first word on. Returns the place after it, and if it is the name of a macro that is called,
    /// whether its arguments may be no Rust.
    fn path(
        &mut self,
        at: usize,
        in_attribute: bool,
        in_macro: bool,
        macros: &mut Vec<ItemId>,
    ) -> (usize, Option<bool>) {
        let before = at.checked_sub(1);
        let after_dot = before.is_some_and(|dot| self.is(dot, b'.')) && !(at >= 2 && self.is(at - 2, b'.'));
        let mut path = Vec::new();
        let mut end = at;
        while let Some(word) = self.word(end) {
            path.push(word);
            end += 1;
            if !(self.is_path(end) && self.word(end + 2).is_some()) {
                break;
            }
            end += 2;
        }
        let first = path[0];
        if after_dot {
            let is_call = matches!(self.kind(at + 1), Some(Kind::Open(b'(', _))) || self.is_path(at + 1);
            if is_call || in_macro {
                self.refs.methods.push(first);
            }
            return (at + 1, None);
        }
        let is_called = self.is(end, b'!') && self.is_open(end + 1);
        if is_called {
            return (end, Some(self.call(end, &path, macros)));
        }
        let last = self.package.words.text(path[path.len() - 1]);
        match last {
            "cfg" | "cfg_attr" if in_attribute => self.cfg(end),
            "dyn" => self.dynamic(end),
            "mod" if self.word(end).is_some() && (self.is(end + 1, b';') || self.is_open(end + 1)) => {
                self.refuse(at, "a module in a function or a macro");
            }
            _ => {}
        }
        // `>::name`, `]::name`: a name in some type; `::name`: a crate.
        let after_colons = at >= 2 && self.is_path(at - 2);
        if after_colons && (at == 2 || !matches!(self.kind(at - 3), Some(Kind::Word(_)))) {
            self.refs.methods.extend(&path);
        }
        let is_single = path.len() == 1;
        if is_single {
            let is_binding = self.is(end, b':') && !self.is_path(end) && !in_macro;
            let is_lower = last.starts_with(|letter: char| letter.is_lowercase() || letter == '_');
            if is_binding && is_lower && !in_attribute {
                return (end, None);
            }
            // The name of an option.
            if in_attribute && self.is(end, b'=') && !self.is(end + 1, b'>') {
                return (end, None);
            }
            let is_generic = before.is_some_and(|at| self.is(at, b'<')) && self.is(end, b'>');
            if self.hides(at, first) && !is_generic && !self.is_path(end) {
                return (end, None);
            }
        }
        let is_call = matches!(self.kind(end), Some(Kind::Open(b'(', _)));
        self.mean(&path, in_attribute && !is_call);
        (end, None)
    }

    /// Takes in what a path means. `no_steps`: a step is only named, not called.
    fn mean(&mut self, path: &[Word], no_steps: bool) {
        if self.package.words.text(path[0]) == "Self" {
            self.refs.own.extend(path.get(1));
            return;
        }
        let mut found = self.names.resolve(self.module, path);
        for (_, import) in self.local_names.iter().filter(|(name, _)| *name == path[0]) {
            let path = [import.as_slice(), &path[1..]].concat();
            let shift = import.len() - 1;
            found.extend(self.names.resolve(self.module, &path).into_iter().map(|meaning| match meaning {
                Meaning::Item(item, used) => Meaning::Item(item, used.saturating_sub(shift).max(1)),
                Meaning::Module(module) => Meaning::Module(module),
            }));
        }
        for glob in &self.local_globs {
            for meaning in self.names.resolve(self.module, glob) {
                match meaning {
                    Meaning::Module(module) => found.extend(self.names.resolve(module, path)),
                    Meaning::Item(item, _) => found.push(Meaning::Item(item, path.len())),
                }
            }
        }
        let mut is_known = false;
        for meaning in found {
            match meaning {
                Meaning::Item(item, _) if no_steps && self.steps[item] => is_known = true,
                Meaning::Item(item, used) => {
                    is_known = true;
                    self.refs.items.push(item);
                    if let Some(&name) = path.get(used) {
                        self.refs.members.push((item, name));
                    }
                }
                Meaning::Module(module) => {
                    is_known |= path.len() == 1;
                    if self.package.tree.modules[module].missing && self.refs.reason.is_none() {
                        let name = &self.package.tree.modules[module].path;
                        self.refs.reason = Some(format!("the module `{name}` has no file"));
                    }
                }
            }
        }
        if !is_known {
            self.refs.unknown.extend(path);
            self.refs.methods.extend(&path[1..]);
        }
    }

    /// A call of a macro: `end` is its `!`. Returns whether its arguments may be no Rust.
    fn call(&mut self, end: usize, path: &[Word], macros: &mut Vec<ItemId>) -> bool {
        let name = path[path.len() - 1];
        self.refs.unknown.push(name);
        // The name here may be another than that of the macro.
        let here = self.package.tree.modules[self.module].names.get(&name).into_iter().flatten();
        let imported = here.filter_map(|def| match def {
            Def::Import(path) => path.last(),
            _ => None,
        });
        let local =
            self.local_names.iter().filter(|(local, _)| *local == name).filter_map(|(_, path)| path.last());
        let names = [name].into_iter().chain(imported.chain(local).copied());
        let called: Vec<ItemId> =
            names.filter_map(|name| self.macros.get(&name)).flatten().copied().collect();
        for item in &called {
            self.refs.items.push(*item);
            if !macros.contains(item) {
                macros.push(*item);
            }
        }
        let Some(Kind::Open(_, close)) = self.kind(end + 1) else { return true };
        let literal = self.tokens.get(end + 2).filter(|token| token.kind == Kind::Str);
        let literal = literal.filter(|_| close as usize <= end + 4 || self.is(end + 3, b','));
        let literal =
            literal.map(|token| self.text[token.start as usize..token.end as usize].trim_matches('"'));
        match self.package.words.text(name) {
            "include" => self.refuse(end, "`include!`"),
            "line" | "column" => self.refuse(end, "the line's number"),
            what @ ("env" | "option_env") => match literal {
                Some(name) if name.starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR" => {
                    self.refs.variables.push(name.to_owned());
                }
                _ => self.refuse(end, &format!("`{what}!`")),
            },
            "include_str" | "include_bytes" => match literal {
                Some(file) => {
                    let beside = self.package.files[self.span.file].path.parent();
                    self.refs.files.push(beside.unwrap_or(&self.package.folder).join(file));
                }
                None => self.refuse(end, "a file whose name is made by a macro"),
            },
            "cfg" => self.cfg(end + 1),
            _ => {}
        }
        !called.is_empty() || !STD_MACROS.contains(&self.package.words.text(name))
    }

    /// The predicate of a `cfg`, from its `(` on.
    fn cfg(&mut self, open: usize) {
        let Some(Kind::Open(b'(', close)) = self.kind(open) else { return };
        for at in open + 1..close as usize {
            if self.word_text(open - 1) == "cfg_attr" && self.is(at, b',') {
                return;
            }
            let text = self.word_text(at);
            if !text.is_empty() && !KNOWN_CFG.contains(&text) {
                self.refuse(at, &format!("`cfg({text})`, which only the build script knows,"));
                return;
            }
        }
    }

    fn dynamic(&mut self, mut at: usize) {
        while let Some(kind) = self.kind(at) {
            match kind {
                Kind::Word(word) => self.refs.dyns.push(word),
                Kind::Punct(b'+' | b':', _) | Kind::Lifetime | Kind::Open(b'(', _) => {}
                Kind::Punct(b'<', _) if self.word_text(at - 1) == "for" => {}
                _ => return,
            }
            at += 1;
        }
    }
}

fn unique<T: PartialEq + Copy>(list: &mut Vec<T>) {
    let mut kept: Vec<T> = Vec::with_capacity(list.len());
    for value in list.iter() {
        if !kept.contains(value) {
            kept.push(*value);
        }
    }
    *list = kept;
}
