//! What a path means in a module.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::items::{Def, ItemId, ModuleId};
use crate::lex::{Kind, Word};
use crate::package::Package;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// An item, and how many words of the path name it: the rest is in it.
    Item(ItemId, usize),
    Module(ModuleId),
}

pub(crate) struct Names<'p> {
    package: &'p Package,
    found: RefCell<HashMap<(ModuleId, Word), Vec<Meaning>>>,
    krate: Option<Word>,
    this: Option<Word>,
    parent: Option<Word>,
}

impl<'p> Names<'p> {
    pub(crate) fn new(package: &'p Package) -> Self {
        let [krate, this, parent] = ["crate", "self", "super"].map(|text| package.words.known(text));
        Self { package, found: RefCell::default(), krate, this, parent }
    }

    /// All that a path can mean; nothing if it leads out of the package.
    pub(crate) fn resolve(&self, module: ModuleId, path: &[Word]) -> Vec<Meaning> {
        self.path(module, path, &mut Vec::new())
    }

    fn path(&self, module: ModuleId, path: &[Word], open: &mut Vec<(ModuleId, Word)>) -> Vec<Meaning> {
        let Some((&first, rest)) = path.split_first() else { return vec![Meaning::Module(module)] };
        let mut now = self.first(module, first, open);
        for (used, &word) in rest.iter().enumerate() {
            let mut next = Vec::new();
            for meaning in now {
                match meaning {
                    Meaning::Item(item, at) => next.push(Meaning::Item(item, at.min(used + 1))),
                    // Nobody knows what is in it.
                    Meaning::Module(module) if self.package.tree.modules[module].missing => {
                        next.push(Meaning::Module(module));
                    }
                    Meaning::Module(module) if Some(word) == self.this => next.push(Meaning::Module(module)),
                    Meaning::Module(module) if Some(word) == self.parent => {
                        next.extend(self.package.tree.modules[module].parent.map(Meaning::Module));
                    }
                    Meaning::Module(module) => {
                        let found = self.lookup(module, word, open).into_iter();
                        next.extend(found.map(|meaning| match meaning {
                            Meaning::Item(item, _) => Meaning::Item(item, used + 2),
                            Meaning::Module(module) => Meaning::Module(module),
                        }));
                    }
                }
            }
            now = next;
        }
        now
    }

    fn first(&self, module: ModuleId, word: Word, open: &mut Vec<(ModuleId, Word)>) -> Vec<Meaning> {
        let modules = &self.package.tree.modules;
        if Some(word) == self.krate {
            return vec![Meaning::Module(modules[module].root)];
        }
        if Some(word) == self.this {
            return vec![Meaning::Module(module)];
        }
        if Some(word) == self.parent {
            return modules[module].parent.map(Meaning::Module).into_iter().collect();
        }
        let mut found = self.lookup(module, word, open);
        found.extend(self.package.crates.get(&word).into_iter().flatten().copied().map(Meaning::Module));
        found
    }

    /// What a name means in a module: its items and imports, and those of its globs.
    fn lookup(&self, module: ModuleId, word: Word, open: &mut Vec<(ModuleId, Word)>) -> Vec<Meaning> {
        if open.is_empty()
            && let Some(found) = self.found.borrow().get(&(module, word))
        {
            return found.clone();
        }
        if open.contains(&(module, word)) {
            // `use fx::fx;`: the first `fx` is no import of this name.
            let own = self.package.tree.modules[module].names.get(&word).into_iter().flatten();
            return own
                .filter_map(|def| match def {
                    Def::Item(item) => Some(Meaning::Item(*item, 1)),
                    Def::Module(module) => Some(Meaning::Module(*module)),
                    Def::Import(_) => None,
                })
                .collect();
        }
        open.push((module, word));
        let mut found = Vec::new();
        let here = &self.package.tree.modules[module];
        for def in here.names.get(&word).into_iter().flatten() {
            match def {
                Def::Item(item) => found.push(Meaning::Item(*item, 1)),
                Def::Module(module) => found.push(Meaning::Module(*module)),
                Def::Import(path) => {
                    let meanings = self.path(module, path, open).into_iter();
                    found.extend(meanings.map(|meaning| match meaning {
                        Meaning::Item(item, _) => Meaning::Item(item, 1),
                        Meaning::Module(module) => Meaning::Module(module),
                    }));
                }
            }
        }
        for glob in &here.globs {
            for meaning in self.path(module, glob, open) {
                match meaning {
                    Meaning::Module(module) => found.extend(self.lookup(module, word, open)),
                    // The variants of an enum.
                    Meaning::Item(item, _) if self.has_word(item, word) => found.push(Meaning::Item(item, 1)),
                    Meaning::Item(..) => {}
                }
            }
        }
        open.pop();
        if open.is_empty() {
            self.found.borrow_mut().insert((module, word), found.clone());
        }
        found
    }

    fn has_word(&self, item: ItemId, word: Word) -> bool {
        let span = &self.package.tree.items[item].span;
        let tokens = &self.package.files[span.file].tokens[span.tokens.clone()];
        tokens.iter().any(|token| token.kind == Kind::Word(word))
    }
}
