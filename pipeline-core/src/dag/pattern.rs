//! Patterns that a selection compares names with: a text, or a glob.

use std::borrow::Cow;

/// A text, or a glob if it contains one of `*?[{\`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    text: String,
    is_glob: bool,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Returns the reason why it is not a valid glob.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('!') {
            return Err("a pattern cannot start with `!`: exclude the steps instead".to_owned());
        }
        let is_glob = text.contains(['*', '?', '[', '{', '\\']);
        if is_glob {
            fast_glob::validate(text).map_err(|error| error.to_string())?;
        }
        Ok(Pattern { text: text.to_owned(), is_glob })
    }

    /// Returns the pattern as written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Reports whether it can match other texts than itself.
    pub(crate) const fn is_glob(&self) -> bool {
        self.is_glob
    }

    /// Reports whether a name is the text, or matches the glob.
    pub(crate) fn matches(&self, name: &str) -> bool {
        if name == self.text {
            return true;
        }
        // Names are not paths: `*` matches a separator in them like any other character.
        self.is_glob && fast_glob::glob_match(&*without_separators(&self.text), &*without_separators(name))
    }
}

fn without_separators(text: &str) -> Cow<'_, str> {
    if text.contains('/') { Cow::Owned(text.replace('/', "\u{1}")) } else { Cow::Borrowed(text) }
}
