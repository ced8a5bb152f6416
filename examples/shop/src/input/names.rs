//! Stores each distinct text once: rows hold a small code for it.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::error::Expected;
use super::words::ShortText;

/// A code as narrow as the number of texts allows.
pub(crate) trait Code: Copy + TryFrom<usize> {}

impl Code for u8 {}
impl Code for u16 {}
impl Code for u32 {}

/// The texts behind codes of type `C`, which count from 0 in the order of their first use.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>", bound = "C: Code")]
pub(crate) struct Names<C> {
    names: Vec<String>,
    codes: FxHashMap<Box<[u8]>, C>,
    /// The first few short ones again: to compare these all is quicker than to hash.
    short: Vec<(ShortText, C)>,
}

impl<C> From<Names<C>> for Vec<String> {
    fn from(names: Names<C>) -> Self {
        names.names
    }
}

impl<C: Code> TryFrom<Vec<String>> for Names<C> {
    type Error = &'static str;

    fn try_from(texts: Vec<String>) -> Result<Self, Self::Error> {
        let mut names = Names::new();
        for text in texts {
            names.code(text.as_bytes()).map_err(|Expected(what)| what)?;
        }
        Ok(names)
    }
}

impl<C: Code> Names<C> {
    pub(crate) fn new() -> Self {
        Self { names: Vec::new(), codes: FxHashMap::default(), short: Vec::new() }
    }

    /// The code of a text, a new one if it has none yet.
    pub(crate) fn code(&mut self, name: &[u8]) -> Result<C, Expected> {
        if let Some(code) = self.codes.get(name) {
            return Ok(*code);
        }
        let code = C::try_from(self.names.len()).map_err(|_| Expected("fewer different texts"))?;
        let text = str::from_utf8(name).map_err(|_| Expected("UTF-8"))?;
        self.names.push(text.to_owned());
        self.codes.insert(name.into(), code);
        if let Some(short) = ShortText::new(name, name.len())
            && self.short.len() < 16
        {
            self.short.push((short, code));
        }
        Ok(code)
    }

    /// The code of a text that is known and among the first few short ones.
    #[inline(always)]
    pub(super) fn short_code(&self, text: Option<ShortText>) -> Option<C> {
        let text = text?;
        self.short.iter().find(|(short, _)| *short == text).map(|(_, code)| *code)
    }

    pub(crate) fn name(&self, code: usize) -> &str {
        &self.names[code]
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }
}
