//! Where a run's store is: a run that may only need it if it fails does not open it before.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::settings::Durability;
use crate::store::{ValueStore, ValueStoreError};
use crate::{stderr, text};

/// A store that is opened when it is first needed.
#[derive(Debug)]
pub(crate) struct Place {
    dir: PathBuf,
    durability: Durability,
    /// `None` if it cannot be opened.
    opened: OnceLock<Option<ValueStore>>,
}

impl Place {
    /// The store in a folder.
    pub(crate) fn new(dir: PathBuf, durability: Durability) -> Self {
        Place { dir, durability, opened: OnceLock::new() }
    }

    /// A store that was opened before.
    pub(crate) fn of(store: ValueStore) -> Self {
        Place { dir: PathBuf::new(), durability: Durability::default(), opened: OnceLock::from(Some(store)) }
    }

    /// Opens the store.
    ///
    /// # Errors
    /// If that is not possible.
    pub(crate) fn open(&self) -> Result<(), ValueStoreError> {
        if self.opened.get().is_none() {
            let store = self.make()?;
            _ = self.opened.set(Some(store));
        }
        Ok(())
    }

    fn make(&self) -> Result<ValueStore, ValueStoreError> {
        Ok(ValueStore::open(&self.dir)?.durability(self.durability))
    }

    /// Returns the store. Opens it if nobody has; if that fails, prints a warning, once.
    pub(super) fn get(&self) -> Option<&ValueStore> {
        let opened = self.opened.get_or_init(|| {
            let why = match self.make() {
                Ok(store) => return Some(store),
                Err(error) => error.to_string(),
            };
            stderr::write(&format!(
                "warning: {}\n",
                text::clean(&format!("the run cannot be resumed: {why}"))
            ));
            None
        });
        opened.as_ref()
    }

    /// Returns the store, if it was opened.
    pub(super) fn opened(&self) -> Option<&ValueStore> {
        self.opened.get().and_then(Option::as_ref)
    }
}
