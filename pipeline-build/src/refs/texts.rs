//! What the texts of an item name: in format strings, in attributes, and for macros that read files.

use super::Scan;
use crate::items::{Def, ItemId};
use crate::lex::Word;
use crate::names::Meaning;

impl Scan<'_> {
    /// Names in a text such as `"{name:width$}"`, and the file that it names for a macro.
    pub(super) fn string(&mut self, at: usize, is_file: bool) {
        let token = self.tokens[at];
        let text = &self.text[token.start as usize..token.end as usize];
        if text.contains(['{', '$']) {
            let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
            for (place, _) in text.match_indices('{') {
                let rest = &text[place + 1..];
                let end = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
                self.named(at, &rest[..end]);
            }
            for (place, _) in text.match_indices('$') {
                let before = &text[..place];
                let start = before.rfind(|letter| !is_word(letter)).map_or(0, |place| place + 1);
                self.named(at, before.get(start..).unwrap_or(""));
            }
        }
        if is_file {
            self.macro_file(at, text.trim_matches('"'));
        }
    }

    /// A path in an attribute, such as `#[serde(with = "module")]`: a module stands for its items.
    pub(super) fn path_in_string(&mut self, at: usize) {
        let token = self.tokens[at];
        let text = self.text[token.start as usize..token.end as usize].trim_matches('"');
        let words: Option<Vec<Word>> =
            text.split("::").map(|word| self.package.words.known(word.trim())).collect();
        let Some(path) = words.filter(|path| !path.is_empty()) else { return };
        self.mean(&path, false);
        for meaning in self.names.resolve(self.module, &path) {
            if let Meaning::Module(module) = meaning {
                let names = &self.package.tree.modules[module].names;
                let mut items: Vec<ItemId> = names
                    .values()
                    .flatten()
                    .filter_map(|def| if let Def::Item(item) = def { Some(*item) } else { None })
                    .collect();
                // The order of a map is not that of the next build.
                items.sort_unstable();
                self.refs.items.extend(items);
            }
        }
    }

    fn named(&mut self, at: usize, text: &str) {
        if let Some(word) = self.package.words.known(text).filter(|word| !self.hides(at, *word)) {
            self.mean(&[word], false);
        }
    }

    pub(super) fn hides(&self, at: usize, word: Word) -> bool {
        at >= self.hidden_from && self.hidden.contains(&word)
    }

    /// A text in the arguments of a macro that may read a file of that name.
    fn macro_file(&mut self, at: usize, text: &str) {
        if text.is_empty() || text.len() > 200 || text.contains('\n') {
            return;
        }
        let folder = &self.package.folder;
        let beside = self.package.files[self.span.file].path.parent().unwrap_or(folder);
        for path in [folder.join(text), folder.join("templates").join(text), beside.join(text)] {
            if path.is_file() {
                self.refs.files.push(path);
            } else if path.is_dir() && text.contains(|letter: char| letter.is_alphanumeric()) {
                self.refuse(at, "a macro may read a folder");
            }
        }
    }
}
