//! Reads the items of a file by their first words; bodies stay tokens.

use std::ops::Range;

use crate::items::{Def, FileId, Item, ItemKind, Keywords, Module, ModuleId, Outside, Span, Tree};
use crate::lex::{Kind, Token, Word, Words};

/// Where an item is: from its attributes on, and before which token it ends.
struct Place {
    start: usize,
    /// The first token after the attributes.
    first: usize,
    end: usize,
    module: ModuleId,
}

/// Reads the items between two tokens of a file.
pub(crate) struct Reader<'r> {
    pub(crate) tree: &'r mut Tree,
    pub(crate) tokens: &'r [Token],
    pub(crate) source: &'r str,
    pub(crate) file: FileId,
    pub(crate) keywords: &'r Keywords,
    pub(crate) words: &'r Words,
    pub(crate) outside: Vec<Outside>,
}

impl Reader<'_> {
    fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    fn text(&self, at: usize) -> &'static str {
        self.keywords.text(self.kind(at))
    }

    /// Reads all items in the range; `Err` has the token that begins none.
    pub(crate) fn items(
        &mut self,
        range: Range<usize>,
        module: ModuleId,
        inside: &[Word],
    ) -> Result<(), usize> {
        let mut at = range.start;
        while at < range.end {
            if self.text(at) == ";" {
                at += 1;
                continue;
            }
            at = self.item(at, range.end, module, inside)?;
        }
        Ok(())
    }

    /// Skips attributes; those of the file or module around (`#![…]`) too.
    fn attributes(&self, mut at: usize) -> usize {
        while self.text(at) == "#" {
            let open = if self.text(at + 1) == "!" { at + 2 } else { at + 1 };
            let Some(Kind::Open(b'[', close)) = self.kind(open) else { break };
            at = close as usize + 1;
        }
        at
    }

    fn item(&mut self, start: usize, end: usize, module: ModuleId, inside: &[Word]) -> Result<usize, usize> {
        let first = self.attributes(start);
        if first >= end {
            return Ok(end);
        }
        let mut at = first;
        let mut is_const = false;
        loop {
            match self.text(at) {
                "pub" => at = if self.text(at + 1) == "(" { self.after_group(at + 1) } else { at + 1 },
                // `default`, `union`, `auto` and `safe` may be names too.
                "default" | "safe" | "auto"
                    if self.kind(at + 1).is_some_and(|kind| matches!(kind, Kind::Word(_))) =>
                {
                    at += 1;
                }
                "async" | "unsafe" => at += 1,
                "const"
                    if matches!(
                        self.text(at + 1),
                        "fn" | "unsafe" | "extern" | "async" | "trait" | "impl"
                    ) =>
                {
                    at += 1;
                }
                "const" => {
                    is_const = true;
                    break;
                }
                "extern" if self.text(at + 1) == "string" && self.text(at + 2) != "{" => at += 2,
                "extern" if self.text(at + 1) == "fn" => at += 1,
                _ => break,
            }
        }
        let place = Place { start, first, end, module };
        if is_const {
            return self.named(ItemKind::Value, at + 1, self.after_semicolon(at, end)?, &place);
        }
        match self.text(at) {
            "fn" => self.named(ItemKind::Function, at + 1, self.after_body(at, end)?, &place),
            "struct" | "enum" => self.named(ItemKind::Type, at + 1, self.after_body(at, end)?, &place),
            "union" if matches!(self.kind(at + 1), Some(Kind::Word(_))) => {
                self.named(ItemKind::Type, at + 1, self.after_body(at, end)?, &place)
            }
            "trait" => self.named(ItemKind::Trait, at + 1, self.after_body(at, end)?, &place),
            "static" => {
                let name = if self.text(at + 1) == "mut" { at + 2 } else { at + 1 };
                self.named(ItemKind::Value, name, self.after_semicolon(at, end)?, &place)
            }
            "type" => self.named(ItemKind::Alias, at + 1, self.after_semicolon(at, end)?, &place),
            "macro_rules" if self.text(at + 1) == "!" => {
                self.named(ItemKind::Macro, at + 2, self.after_group(at + 3), &place)
            }
            "impl" => self.implementation(start, at, end, module, start..first),
            "mod" => self.module(at, end, module, inside, start..first),
            "use" => {
                self.imports(at + 1, module);
                self.after_semicolon(at, end)
            }
            "extern" if self.text(at + 1) == "crate" => self.extern_crate(at, end, module),
            "extern" => self.foreign(at, &place),
            _ => self.call(at, &place),
        }
    }

    /// An item whose name is at a token; `_` is none.
    fn named(&mut self, kind: ItemKind, name_at: usize, end: usize, place: &Place) -> Result<usize, usize> {
        let Some(Kind::Word(name)) = self.kind(name_at) else { return Err(name_at) };
        let name = (self.text(name_at) != "_").then_some(name);
        if matches!(kind, ItemKind::Function | ItemKind::Value) {
            self.inner_impls(place.first..end, place.module)?;
        }
        self.define_at(kind, name, end, place);
        Ok(end)
    }

    fn define_at(&mut self, kind: ItemKind, name: Option<Word>, end: usize, place: &Place) {
        let span = Span { file: self.file, tokens: place.start..end };
        let attributes = place.start..place.first;
        self.define(Item { kind, name, module: place.module, span, header: None, attributes });
    }

    /// `extern crate name as other;`
    fn extern_crate(&mut self, at: usize, end: usize, module: ModuleId) -> Result<usize, usize> {
        if let (Some(Kind::Word(named)), "as", Some(Kind::Word(alias))) =
            (self.kind(at + 2), self.text(at + 3), self.kind(at + 4))
        {
            let is_self = self.text(at + 2) == "self";
            let named = self.words.known("crate").filter(|_| is_self).unwrap_or(named);
            self.tree.modules[module].names.entry(alias).or_default().push(Def::Import(vec![named]));
        }
        self.after_semicolon(at, end)
    }

    /// `extern "C" { … }`: each name stands for the whole.
    fn foreign(&mut self, at: usize, place: &Place) -> Result<usize, usize> {
        let (body, end) = self.body(at, place.end)?;
        for at in body.ok_or(at)?..end {
            if matches!(self.text(at), "fn" | "static" | "type") {
                let name = if self.text(at + 1) == "mut" { at + 2 } else { at + 1 };
                if let Some(Kind::Word(name)) = self.kind(name) {
                    self.define_at(ItemKind::Foreign, Some(name), end, place);
                }
            }
        }
        Ok(end)
    }

    /// A macro in the place of an item: `path::name! { … }` or `name!(…);`. Its imports are those of the module.
    fn call(&mut self, mut at: usize, place: &Place) -> Result<usize, usize> {
        let mut name = None;
        while at < place.end && self.text(at) != "!" {
            match self.kind(at) {
                Some(Kind::Word(word)) => name = Some(word),
                Some(Kind::Punct(b':' | b'$', _)) => {}
                _ => return Err(at),
            }
            at += 1;
        }
        if name.is_none() || !matches!(self.kind(at + 1), Some(Kind::Open(..))) {
            return Err(at.min(place.end - 1));
        }
        let end = self.after_group(at + 1);
        for at in at..end {
            if self.text(at) == "use" {
                self.imports(at + 1, place.module);
            }
        }
        self.define_at(ItemKind::Call, name, end, place);
        Ok(end)
    }

    fn define(&mut self, item: Item) {
        let id = self.tree.items.len();
        if let (Some(name), false) = (
            item.name,
            matches!(item.kind, ItemKind::Call | ItemKind::Member | ItemKind::TraitImpl | ItemKind::Macro),
        ) {
            self.tree.modules[item.module].names.entry(name).or_default().push(Def::Item(id));
        }
        self.tree.items.push(item);
    }

    fn after_group(&self, at: usize) -> usize {
        match self.kind(at) {
            Some(Kind::Open(_, close)) => close as usize + 1,
            _ => at + 1,
        }
    }

    /// After the next `;` outside of groups.
    fn after_semicolon(&self, mut at: usize, end: usize) -> Result<usize, usize> {
        let start = at;
        while at < end {
            if self.text(at) == ";" {
                return Ok(at + 1);
            }
            at = self.after_group(at);
        }
        Err(start)
    }

    /// The `{` of the body; constants in braces as generic arguments are none. `None`: it ends with `;`.
    fn body(&self, mut at: usize, end: usize) -> Result<(Option<usize>, usize), usize> {
        let start = at;
        while at < end {
            match self.kind(at) {
                Some(Kind::Punct(b';', _)) => return Ok((None, at + 1)),
                Some(Kind::Open(b'{', close)) => {
                    let before = at.checked_sub(1).and_then(|at| self.kind(at));
                    if !matches!(before, Some(Kind::Punct(b'<' | b'=', _))) {
                        return Ok((Some(at), close as usize + 1));
                    }
                }
                _ => {}
            }
            at = self.after_group(at);
        }
        Err(start)
    }

    fn after_body(&self, at: usize, end: usize) -> Result<usize, usize> {
        self.body(at, end).map(|(_, end)| end)
    }

    fn module(
        &mut self,
        at: usize,
        end: usize,
        parent: ModuleId,
        inside: &[Word],
        attributes: Range<usize>,
    ) -> Result<usize, usize> {
        let Some(Kind::Word(name)) = self.kind(at + 1) else { return Err(at) };
        let path = self.path_attribute(attributes.clone());
        let id = self.tree.modules.len();
        let (path_of_parent, root) = (&self.tree.modules[parent].path, self.tree.modules[parent].root);
        let path_of_module = format!("{path_of_parent}::{}", self.words.text(name));
        self.tree.modules.push(Module {
            parent: Some(parent),
            root,
            path: path_of_module,
            ..Module::default()
        });
        self.tree.modules[parent].names.entry(name).or_default().push(Def::Module(id));
        match self.kind(at + 2) {
            Some(Kind::Open(b'{', close)) => {
                let within = [inside, &[name]].concat();
                self.items(at + 3..close as usize, id, &within)?;
                Ok(close as usize + 1)
            }
            Some(Kind::Punct(b';', _)) if at + 2 < end => {
                self.outside.push(Outside { name, module: id, inside: inside.to_vec(), path, attributes });
                Ok(at + 3)
            }
            _ => Err(at),
        }
    }

    /// The text of `#[path = "…"]`.
    fn path_attribute(&self, attributes: Range<usize>) -> Option<String> {
        attributes.clone().find_map(|at| {
            let is_path = self.text(at) == "path" && self.kind(at + 1) == Some(Kind::Punct(b'=', false));
            let literal = self.tokens.get(at + 2).filter(|token| is_path && token.kind == Kind::Str)?;
            let text = &self.source[literal.start as usize..literal.end as usize];
            Some(text.trim_matches('"').to_owned())
        })
    }

    /// Reads `impl`: a trait's whole, a type's item by item.
    fn implementation(
        &mut self,
        start: usize,
        at: usize,
        end: usize,
        module: ModuleId,
        attributes: Range<usize>,
    ) -> Result<usize, usize> {
        let (body, end) = self.body(at, end)?;
        let body = body.ok_or(at)?;
        let header = at..body;
        if trait_of(self.tokens, self.keywords, header.clone()).is_some() {
            let span = Span { file: self.file, tokens: start..end };
            let kind = ItemKind::TraitImpl;
            self.inner_impls(body + 1..end - 1, module)?;
            self.define(Item { kind, name: None, module, span, header: Some(header), attributes });
            return Ok(end);
        }
        let mut at = body + 1;
        while at < end - 1 {
            let first = self.attributes(at);
            if first >= end - 1 {
                break;
            }
            let keyword =
                (first..end - 1).find(|&at| matches!(self.text(at), "fn" | "static" | "type" | "!" | "{"));
            let keyword = keyword.filter(|&keyword| self.text(keyword) == "fn");
            let constant = (first..end - 1).take(6).find(|&at| self.text(at) == "const");
            let is_function = match (keyword, constant) {
                (Some(function), Some(constant)) => {
                    function < constant || (constant..function).all(|at| !matches!(self.text(at), ":" | ";"))
                }
                (function, _) => function.is_some(),
            };
            let (name, item_end) = if is_function {
                let function = keyword.ok_or(first)?;
                (function + 1, self.after_body(function, end)?)
            } else if let Some(constant) = constant {
                (constant + 1, self.after_semicolon(constant, end)?)
            } else {
                // A type, or a macro in the place of items.
                let item_end = match (first..end - 1).find(|&at| matches!(self.text(at), ";" | "{" | "(")) {
                    Some(at) => self.after_group(at),
                    None => end - 1,
                };
                let span = Span { file: self.file, tokens: at..item_end };
                let header = Some(header.clone());
                self.define(Item {
                    kind: ItemKind::Member,
                    name: None,
                    module,
                    span,
                    header,
                    attributes: at..first,
                });
                at = if self.text(item_end) == ";" { item_end + 1 } else { item_end };
                continue;
            };
            let Some(Kind::Word(name)) = self.kind(name) else { return Err(first) };
            self.inner_impls(first..item_end, module)?;
            let span = Span { file: self.file, tokens: at..item_end };
            let header = Some(header.clone());
            self.define(Item {
                kind: ItemKind::Member,
                name: Some(name),
                module,
                span,
                header,
                attributes: at..first,
            });
            at = item_end;
        }
        Ok(end)
    }

    /// Finds the `impl`s in the body of a function or constant: they count for their types everywhere.
    fn inner_impls(&mut self, range: Range<usize>, module: ModuleId) -> Result<(), usize> {
        let mut at = range.start;
        while at < range.end {
            if self.text(at) == "impl" {
                let before = at.checked_sub(1).and_then(|at| self.kind(at));
                let is_item = matches!(
                    before,
                    Some(Kind::Open(b'{', _) | Kind::Close(b'}' | b']') | Kind::Punct(b';', _))
                ) || self.text(at.wrapping_sub(1)) == "unsafe";
                if is_item {
                    at = self.implementation(at, at, range.end, module, at..at)?;
                    continue;
                }
            }
            at += 1;
        }
        Ok(())
    }

    fn imports(&mut self, at: usize, module: ModuleId) {
        let mut names = Vec::new();
        let mut globs = Vec::new();
        read_imports(self.tokens, self.keywords, at, &mut Vec::new(), &mut names, &mut globs);
        let module = &mut self.tree.modules[module];
        for (name, path) in names {
            module.names.entry(name).or_default().push(Def::Import(path));
        }
        module.globs.extend(globs);
    }
}

/// The place of `for` in the header of an `impl`, outside of `for<'a>` and of groups.
pub(crate) fn trait_of(tokens: &[Token], keywords: &Keywords, header: Range<usize>) -> Option<usize> {
    let mut at = header.start;
    while at < header.end {
        let kind = tokens[at].kind;
        let next = tokens.get(at + 1).map(|token| token.kind);
        match keywords.text(Some(kind)) {
            "for" if !matches!(next, Some(Kind::Punct(b'<', _))) => return Some(at),
            "where" => return None,
            _ => {}
        }
        at = if let Kind::Open(_, close) = kind { close as usize + 1 } else { at + 1 };
    }
    None
}

/// Reads the rest of a `use`: names with their paths, and the modules of globs. Returns the place after it.
pub(crate) fn read_imports(
    tokens: &[Token],
    keywords: &Keywords,
    mut at: usize,
    prefix: &mut Vec<Word>,
    names: &mut Vec<(Word, Vec<Word>)>,
    globs: &mut Vec<Vec<Word>>,
) -> usize {
    let depth = prefix.len();
    let kind = |at: usize| tokens.get(at).map(|token| token.kind);
    loop {
        match kind(at) {
            Some(Kind::Word(_)) if keywords.text(kind(at)) == "as" => {
                if let Some(Kind::Word(alias)) = kind(at + 1) {
                    names.push((alias, prefix.clone()));
                }
                at += 2;
                break;
            }
            Some(Kind::Word(word)) => {
                // `{self, …}` is the path before it.
                if keywords.text(kind(at)) != "self" || prefix.is_empty() {
                    prefix.push(word);
                }
                at += 1;
                let goes_on =
                    matches!(kind(at), Some(Kind::Punct(b':', _))) || keywords.text(kind(at)) == "as";
                if !goes_on {
                    if let Some(&last) = prefix.last() {
                        names.push((last, prefix.clone()));
                    }
                    break;
                }
            }
            Some(Kind::Punct(b':', _)) => at += 1,
            Some(Kind::Punct(b'*', _)) => {
                globs.push(prefix.clone());
                at += 1;
                break;
            }
            Some(Kind::Open(b'{', close)) => {
                at += 1;
                while at < close as usize {
                    at = read_imports(tokens, keywords, at, prefix, names, globs).max(at + 1);
                }
                at = close as usize + 1;
                break;
            }
            _ => break,
        }
    }
    prefix.truncate(depth);
    at
}
