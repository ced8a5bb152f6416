//! What a selection compares names with: a text, or a glob.

use std::borrow::Cow;

/// A text that is matched as it is, or as a glob where it has one of `*?[{\`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    text: String,
    is_glob: bool,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Why it cannot be a glob, though it looks like one.
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

    /// The pattern as written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it can match more than itself.
    pub(crate) const fn is_glob(&self) -> bool {
        self.is_glob
    }

    /// Whether a name is the text, or fits the glob.
    pub(crate) fn matches(&self, name: &str) -> bool {
        if name == self.text {
            return true;
        }
        // Names are no paths: `*` matches a separator in them like any other character.
        self.is_glob && fast_glob::glob_match(&*without_separators(&self.text), &*without_separators(name))
    }
}

fn without_separators(text: &str) -> Cow<'_, str> {
    if text.contains('/') { Cow::Owned(text.replace('/', "\u{1}")) } else { Cow::Borrowed(text) }
}
