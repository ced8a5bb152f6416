//! The sources of a package: the files of all crates in it, as items.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use crate::items::{FileId, Keywords, Module, ModuleId, Outside, Tree};
use crate::lex::{Token, Word, Words, tokens};
use crate::read::Reader;

pub(crate) struct SourceFile {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) tokens: Vec<Token>,
}

/// A crate of the package: a library, a program, an example, a test or a benchmark.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) file: PathBuf,
}

pub(crate) struct Package {
    pub(crate) folder: PathBuf,
    pub(crate) words: Words,
    pub(crate) keywords: Keywords,
    pub(crate) files: Vec<SourceFile>,
    pub(crate) tree: Tree,
    /// The root of each crate by its name: what one crate of the package means by the name of another.
    pub(crate) crates: HashMap<Word, Vec<ModuleId>>,
    /// Why no step of the package has a trace.
    pub(crate) reason: Option<String>,
    by_path: HashMap<PathBuf, FileId>,
}

impl Package {
    pub(crate) fn read(folder: &Path, targets: &BTreeSet<Target>) -> Self {
        let mut words = Words::default();
        let keywords = Keywords::new(&mut words);
        let mut package = Self {
            folder: folder.to_owned(),
            words,
            keywords,
            files: Vec::new(),
            tree: Tree::default(),
            crates: HashMap::new(),
            reason: None,
            by_path: HashMap::new(),
        };
        for target in targets {
            let root = package.tree.modules.len();
            package.tree.modules.push(Module { root, path: target.name.clone(), ..Module::default() });
            let name = package.words.of(&target.name);
            package.crates.entry(name).or_default().push(root);
            let folder = target.file.parent().unwrap_or(folder).to_owned();
            package.module(root, &target.file, &folder);
        }
        package
    }

    /// The path of a file as it is shown.
    pub(crate) fn shown(&self, file: &Path) -> String {
        file.strip_prefix(&self.folder).unwrap_or(file).display().to_string()
    }

    pub(crate) fn line(&self, file: FileId, token: usize) -> usize {
        let file = &self.files[file];
        let place = file.tokens.get(token).map_or(0, |token| token.start as usize);
        1 + file.text[..place].matches('\n').count()
    }

    fn refuse(&mut self, reason: String) {
        self.reason.get_or_insert(reason);
    }

    fn file(&mut self, path: &Path) -> Option<FileId> {
        if let Some(file) = self.by_path.get(path) {
            return Some(*file);
        }
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                self.refuse(format!("cannot read {}: {error}", self.shown(path)));
                return None;
            }
        };
        let tokens = match tokens(&text, &mut self.words) {
            Ok(tokens) => tokens,
            Err(place) => {
                let line = 1 + text[..place].matches('\n').count();
                self.refuse(format!("cannot read {}:{line} as Rust", self.shown(path)));
                return None;
            }
        };
        let id = self.files.len();
        self.files.push(SourceFile { path: path.to_owned(), text, tokens });
        self.by_path.insert(path.to_owned(), id);
        Some(id)
    }

    /// Reads the items of a module from its file, and the modules in it. `folder` has their files.
    fn module(&mut self, module: ModuleId, path: &Path, folder: &Path) {
        let Some(file) = self.file(path) else { return };
        let source = &self.files[file];
        let mut reader = Reader {
            tree: &mut self.tree,
            tokens: &source.tokens,
            source: &source.text,
            file,
            keywords: &self.keywords,
            words: &self.words,
            outside: Vec::new(),
        };
        let read = reader.items(0..source.tokens.len(), module, &[]);
        let outside = reader.outside;
        if let Err(token) = read {
            let place = format!("{}:{}", self.shown(path), self.line(file, token));
            self.refuse(format!("cannot read the item at {place}"));
        }
        for outside in outside {
            self.outside_module(file, path, folder, &outside);
        }
    }

    fn outside_module(&mut self, file: FileId, path: &Path, folder: &Path, outside: &Outside) {
        let inside: PathBuf = outside.inside.iter().map(|word| self.words.text(*word)).collect();
        let name = self.words.text(outside.name);
        let (path, folder) = if let Some(written) = &outside.path {
            let from = path.parent().unwrap_or(folder);
            let path =
                if outside.inside.is_empty() { from.to_owned() } else { folder.join(&inside) }.join(written);
            let folder = path.parent().unwrap_or(from).to_owned();
            (path, folder)
        } else {
            let folder = folder.join(inside).join(name);
            let beside = folder.with_extension("rs");
            let path = if name.contains('.') || !beside.is_file() { folder.join("mod.rs") } else { beside };
            (path, folder)
        };
        let is_circle = self.tree.modules[outside.module].path.len() > 4096;
        if !path.is_file() || is_circle {
            let attributes = &self.files[file].tokens[outside.attributes.clone()];
            let has = |text: &str| {
                let word = self.words.known(text);
                word.is_some_and(|word| {
                    attributes.iter().any(|token| token.kind == crate::lex::Kind::Word(word))
                })
            };
            if has("cfg") && !has("cfg_attr") {
                self.tree.modules[outside.module].missing = true;
            } else {
                let line = self.line(file, outside.attributes.end);
                let place = self.shown(&self.files[file].path);
                self.refuse(format!("found no file for the module `{name}` ({place}:{line})"));
            }
            return;
        }
        self.module(outside.module, &path, &folder);
    }
}
