//! The items that each step reaches, and the hash of all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

use crate::hash::{Hash, tokens_hash};
use crate::items::{Item, ItemId, ItemKind};
use crate::known::{LANGUAGE, PLAIN_ATTRIBUTES};
use crate::lex::{Kind, Word};
use crate::names::{Meaning, Names};
use crate::package::Package;
use crate::read::trait_of;
use crate::refs::{Refs, Scan};

/// A step of the package, or several with one identity: a library and a program may have the same name.
#[derive(Debug, Default)]
pub(crate) struct Step {
    pub(crate) items: BTreeSet<ItemId>,
    pub(crate) files: BTreeSet<PathBuf>,
    pub(crate) variables: BTreeSet<String>,
    pub(crate) reason: Option<String>,
}

pub(crate) struct Reach<'p> {
    package: &'p Package,
    names: &'p Names<'p>,
    macros: HashMap<Word, Vec<ItemId>>,
    is_step: Vec<bool>,
    refs: Vec<Option<Refs>>,
    labels: Vec<String>,
    /// The items of `impl Type` of each type, and the types of each `impl`.
    members: HashMap<ItemId, Vec<ItemId>>,
    types: HashMap<ItemId, Vec<ItemId>>,
    /// Items of an `impl` for a type that is not found.
    ownerless: HashMap<Word, Vec<ItemId>>,
    /// `impl Trait for …` by type, by trait if the type is not of the package, and by the trait's name.
    impls_of_type: HashMap<ItemId, Vec<ItemId>>,
    impls_of_trait: HashMap<ItemId, Vec<ItemId>>,
    impls_of_name: HashMap<Word, Vec<ItemId>>,
    traits_with: HashMap<Word, Vec<ItemId>>,
    /// Macros in the place of items, by each word in them: they may make an item of this name.
    calls: HashMap<Word, Vec<ItemId>>,
    /// Those that make names from parts.
    any_calls: Vec<ItemId>,
    /// Items with attributes that may make other items, whose names have theirs as a part.
    makers: Vec<ItemId>,
}

impl<'p> Reach<'p> {
    pub(crate) fn new(package: &'p Package, names: &'p Names<'p>) -> Self {
        let count = package.tree.items.len();
        let mut reach = Self {
            package,
            names,
            macros: HashMap::new(),
            is_step: Vec::with_capacity(count),
            refs: (0..count).map(|_| None).collect(),
            labels: Vec::with_capacity(count),
            members: HashMap::new(),
            types: HashMap::new(),
            ownerless: HashMap::new(),
            impls_of_type: HashMap::new(),
            impls_of_trait: HashMap::new(),
            impls_of_name: HashMap::new(),
            traits_with: HashMap::new(),
            calls: HashMap::new(),
            any_calls: Vec::new(),
            makers: Vec::new(),
        };
        for (id, item) in package.tree.items.iter().enumerate() {
            reach.is_step.push(item.kind == ItemKind::Function && crate::steps::is_step(package, item));
            if let (ItemKind::Macro, Some(name)) = (item.kind, item.name) {
                reach.macros.entry(name).or_default().push(id);
            }
        }
        for id in 0..count {
            reach.index(id);
        }
        reach
    }

    /// The words of an item, without the variables of a macro.
    fn words(&self, item: &Item) -> impl Iterator<Item = Word> + use<'p> {
        let tokens = &self.package.files[item.span.file].tokens[item.span.tokens.clone()];
        let mut before = None;
        tokens.iter().filter_map(move |token| {
            let is_variable = before == Some(b'$');
            before = if let Kind::Punct(byte, _) = token.kind { Some(byte) } else { None };
            match token.kind {
                Kind::Word(word) if !is_variable => Some(word),
                _ => None,
            }
        })
    }

    fn index(&mut self, id: ItemId) {
        let item = &self.package.tree.items[id];
        let label = self.label(id, item);
        self.labels.push(label);
        let text = |word: Word| self.package.words.text(word);
        match item.kind {
            ItemKind::Member => {
                let owners = self.header_types(item).1;
                if owners.is_empty()
                    && let Some(name) = item.name
                {
                    self.ownerless.entry(name).or_default().push(id);
                }
                for owner in &owners {
                    self.members.entry(*owner).or_default().push(id);
                }
                self.types.insert(id, owners);
            }
            ItemKind::TraitImpl => {
                let (of_trait, of_type) = self.header_types(item);
                let items = &self.package.tree.items;
                let (traits, args): (Vec<_>, Vec<_>) =
                    of_trait.iter().copied().partition(|id| items[*id].kind == ItemKind::Trait);
                let types = if of_type.is_empty() { &args } else { &of_type };
                for owner in types {
                    self.impls_of_type.entry(*owner).or_default().push(id);
                }
                if types.is_empty() {
                    for of in &traits {
                        self.impls_of_trait.entry(*of).or_default().push(id);
                    }
                }
                let header = item.header.clone().unwrap_or_default();
                let tokens = &self.package.files[item.span.file].tokens;
                let end = trait_of(tokens, &self.package.keywords, header.clone()).unwrap_or(header.end);
                for token in &tokens[header.start..end] {
                    if let Kind::Word(word) = token.kind {
                        self.impls_of_name.entry(word).or_default().push(id);
                    }
                }
                self.types.insert(id, of_type);
            }
            ItemKind::Trait => {
                let words: Vec<_> = self.words(item).collect();
                for pair in words.windows(2) {
                    if matches!(text(pair[0]), "fn" | "const" | "type") {
                        self.traits_with.entry(pair[1]).or_default().push(id);
                    }
                }
            }
            ItemKind::Call => {
                let mut words: HashSet<Word> = self.words(item).collect();
                let own = item.name.and_then(|name| self.macros.get(&name)).into_iter().flatten();
                for own in own {
                    words.extend(self.words(&self.package.tree.items[*own]));
                }
                let pasted = ["paste", "concat_idents", "seq", "duplicate"];
                if words.iter().any(|word| pasted.contains(&text(*word))) {
                    self.any_calls.push(id);
                }
                for word in words.into_iter().filter(|word| !LANGUAGE.contains(&text(*word))) {
                    self.calls.entry(word).or_default().push(id);
                }
            }
            _ => {}
        }
        let attributes = &self.package.files[item.span.file].tokens[item.attributes.clone()];
        let is_maker = attributes.iter().any(|token| match token.kind {
            Kind::Word(word) => !PLAIN_ATTRIBUTES.contains(&text(word)),
            _ => false,
        });
        if is_maker && item.name.is_some() {
            self.makers.push(id);
        }
    }

    /// The items in the header of an `impl`: of its trait, and of its type.
    fn header_types(&self, item: &Item) -> (Vec<ItemId>, Vec<ItemId>) {
        let tokens = &self.package.files[item.span.file].tokens;
        let header = item.header.clone().unwrap_or_default();
        let is = |at: usize, byte: u8| matches!(tokens[at].kind, Kind::Punct(found, _) if found == byte);
        // After the generics.
        let mut at = header.start + 1;
        if at < header.end && is(at, b'<') {
            let mut depth = 0;
            while at < header.end {
                if is(at, b'<') {
                    depth += 1;
                } else if is(at, b'>') && !matches!(tokens[at - 1].kind, Kind::Punct(b'-' | b'=', true)) {
                    depth -= 1;
                }
                at += 1;
                if depth == 0 {
                    break;
                }
            }
        }
        let word = |text: &str| self.package.words.known(text).map(Kind::Word);
        let end = (at..header.end).find(|&at| Some(tokens[at].kind) == word("where")).unwrap_or(header.end);
        let split = trait_of(tokens, &self.package.keywords, at..end);
        let found = |from: usize, to: usize| {
            let mut found = Vec::new();
            let mut at = from;
            while at < to {
                let mut path = Vec::new();
                while let Kind::Word(word) = tokens[at].kind {
                    path.push(word);
                    at += 1;
                    if at + 2 >= to || !(is(at, b':') && is(at + 1, b':')) {
                        break;
                    }
                    at += 2;
                }
                if path.is_empty() {
                    at += 1;
                    continue;
                }
                for meaning in self.names.resolve(item.module, &path) {
                    if let Meaning::Item(id, _) = meaning {
                        self.without_alias(id, &mut found, 0);
                    }
                }
            }
            found
        };
        match split {
            Some(split) => (found(at, split), found(split + 1, end)),
            None => (Vec::new(), found(at, end).into_iter().take(1).collect()),
        }
    }

    /// The types that an alias stands for.
    fn without_alias(&self, id: ItemId, found: &mut Vec<ItemId>, depth: usize) {
        let item = &self.package.tree.items[id];
        match item.kind {
            ItemKind::Type | ItemKind::Trait => found.push(id),
            ItemKind::Alias if depth < 8 => {
                for word in self.words(item).filter(|word| Some(*word) != item.name) {
                    for meaning in self.names.resolve(item.module, &[word]) {
                        if let Meaning::Item(id, _) = meaning {
                            self.without_alias(id, found, depth + 1);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// How an item is named in hashes and in messages.
    fn label(&self, id: ItemId, item: &Item) -> String {
        let module = &self.package.tree.modules[item.module].path;
        let name = item.name.map_or("", |name| self.package.words.text(name));
        match (&item.header, item.kind) {
            (Some(header), _) => {
                let file = &self.package.files[item.span.file];
                let mut label = format!("{module}: ");
                for token in &file.tokens[header.clone()] {
                    let text = &file.text[token.start as usize..token.end as usize];
                    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
                    if label.ends_with(is_word) && text.starts_with(is_word)
                        || matches!(text, "for" | "where")
                    {
                        label.push(' ');
                    }
                    label.push_str(text);
                    if text == "for" || text == "," {
                        label.push(' ');
                    }
                }
                if !name.is_empty() {
                    label.push_str(" :: ");
                    label.push_str(name);
                }
                label
            }
            (None, ItemKind::Macro) => {
                let before = self.macros.get(&item.name.unwrap_or_default());
                let before = before.map_or(0, |all| all.iter().take_while(|other| **other != id).count());
                let mark = if before == 0 { String::new() } else { format!("#{before}") };
                format!("{module}::{name}!{mark}")
            }
            (None, ItemKind::Call) => format!("{module}: {name}!"),
            _ => format!("{module}::{name}"),
        }
    }

    pub(crate) fn label_of(&self, id: ItemId) -> &str {
        &self.labels[id]
    }

    fn refs(&mut self, id: ItemId) -> &Refs {
        if self.refs[id].is_none() {
            self.refs[id] = Some(Scan::item(self.package, self.names, &self.macros, &self.is_step, id));
        }
        self.refs[id].as_ref().expect("was just set")
    }

    /// All steps with their identities.
    pub(crate) fn steps(&mut self) -> BTreeMap<String, Step> {
        let mut steps: BTreeMap<String, Step> = BTreeMap::new();
        for id in 0..self.is_step.len() {
            if !self.is_step[id] {
                continue;
            }
            let item = &self.package.tree.items[id];
            let name = crate::steps::name(self.package, item);
            let identity = format!("{}::{name}", self.package.tree.modules[item.module].path);
            let step = steps.entry(identity).or_default();
            let (items, reason) = self.from(id);
            for item in &items {
                let refs = self.refs[*item].as_ref().expect("was reached");
                step.files.extend(refs.files.iter().cloned());
                step.variables.extend(refs.variables.iter().cloned());
            }
            step.items.extend(items);
            step.reason = step.reason.take().or(reason).or_else(|| self.package.reason.clone());
        }
        steps
    }

    /// The items that one reaches, and why they may not be all.
    fn from(&mut self, first: ItemId) -> (Vec<ItemId>, Option<String>) {
        let mut open = vec![first];
        open.extend(&self.any_calls);
        let mut walk = Walk::default();
        let mut reached: Vec<ItemId> = Vec::new();
        let mut reason = None;
        while let Some(id) = open.pop() {
            if !walk.seen.insert(id) {
                continue;
            }
            reached.push(id);
            self.refs(id);
            let refs = self.refs[id].as_ref().expect("was just set");
            if reason.is_none() {
                reason.clone_from(&refs.reason);
            }
            let item = &self.package.tree.items[id];
            if item.kind == ItemKind::Foreign && reason.is_none() {
                reason = Some(format!("`{}` is no Rust", self.labels[id]));
            }
            open.extend(&refs.items);
            for (owner, name) in &refs.members {
                self.member(*owner, *name, &mut walk, &mut open);
            }
            for name in &refs.own {
                for owner in self.types.get(&id).into_iter().flatten() {
                    self.member(*owner, *name, &mut walk, &mut open);
                }
                if self.types.get(&id).is_none_or(Vec::is_empty) {
                    self.method(*name, &mut walk, &mut open);
                }
            }
            for name in &refs.methods {
                self.method(*name, &mut walk, &mut open);
            }
            for name in &refs.dyns {
                if walk.dyns.insert(*name) {
                    open.extend(self.impls_of_name.get(name).into_iter().flatten());
                }
            }
            self.unknown(&refs.unknown, &mut walk, &mut open);
            open.extend(self.impls_of_type.get(&id).into_iter().flatten());
            open.extend(self.impls_of_trait.get(&id).into_iter().flatten());
            if let Some(members) = self.members.get(&id) {
                walk.types.push(id);
                let items = &self.package.tree.items;
                let called =
                    |member: &&ItemId| items[**member].name.is_none_or(|name| walk.methods.contains(&name));
                open.extend(members.iter().filter(called));
            }
            if let Some(name) = item.name {
                open.extend(self.calls.get(&name).into_iter().flatten());
            }
        }
        (reached, reason)
    }

    /// `Type::name`.
    fn member(&self, owner: ItemId, name: Word, walk: &mut Walk, open: &mut Vec<ItemId>) {
        let items = &self.package.tree.items;
        let members = self.members.get(&owner).into_iter().flatten();
        let before = open.len();
        open.extend(members.filter(|member| items[**member].name == Some(name)));
        if open.len() == before {
            self.method(name, walk, open);
        }
    }

    /// `.name()`: the method of each type that is reached, and of each trait.
    fn method(&self, name: Word, walk: &mut Walk, open: &mut Vec<ItemId>) {
        if !walk.methods.insert(name) {
            return;
        }
        let items = &self.package.tree.items;
        for of in &walk.types {
            let members = self.members.get(of).into_iter().flatten();
            open.extend(members.filter(|member| items[**member].name == Some(name)));
        }
        for index in [&self.traits_with, &self.ownerless, &self.calls] {
            open.extend(index.get(&name).into_iter().flatten());
        }
    }

    /// Words that are no items as they are written: a macro or an attribute may make them.
    fn unknown(&self, words: &[Word], walk: &mut Walk, open: &mut Vec<ItemId>) {
        if self.calls.is_empty() && self.makers.is_empty() {
            return;
        }
        for word in words {
            if !walk.unknown.insert(*word) {
                continue;
            }
            open.extend(self.calls.get(word).into_iter().flatten());
            let text = self.package.words.text(*word);
            open.extend(self.makers.iter().filter(|maker| {
                let name = self.package.tree.items[**maker].name;
                name.is_some_and(|name| {
                    text != self.package.words.text(name) && text.contains(self.package.words.text(name))
                })
            }));
        }
    }

    /// The hash of an item: its tokens, and the items that it names.
    pub(crate) fn hash(&mut self, id: ItemId) -> String {
        self.refs(id);
        let item = &self.package.tree.items[id];
        let mut hash = Hash::default();
        tokens_hash(self.package, item, &mut hash);
        let refs = self.refs[id].as_ref().expect("was just set");
        for item in &refs.items {
            hash.text(&self.labels[*item]);
        }
        hash.finish()
    }
}

/// What was seen on the way from one step.
#[derive(Default)]
struct Walk {
    seen: HashSet<ItemId>,
    methods: HashSet<Word>,
    dyns: HashSet<Word>,
    unknown: HashSet<Word>,
    /// The types with items in `impl Type`.
    types: Vec<ItemId>,
}
