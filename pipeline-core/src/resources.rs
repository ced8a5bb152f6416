//! Values injected for a run: connection pools, clients, caches.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Values injected for a run, found by type and, if given, name.
#[derive(Clone, Default)]
pub struct Resources {
    values: HashMap<TypeId, Vec<Named>>,
}

type Named = (Option<String>, Arc<dyn Any + Send + Sync>);

impl Resources {
    /// Makes an empty set of resources.
    pub fn new() -> Self {
        Resources::default()
    }

    /// Adds a value; it replaces an earlier one of the same type and name.
    pub fn insert<T: Send + Sync + 'static>(&mut self, name: Option<String>, value: Arc<T>) {
        let values = self.values.entry(TypeId::of::<T>()).or_default();
        values.retain(|(known, _)| *known != name);
        values.push((name, value));
    }

    /// Returns the value of one of the types: the first with the name, if a name is given; otherwise the first without one, or the
    /// only value.
    pub(crate) fn find(
        &self,
        types: impl Iterator<Item = TypeId> + Clone,
        name: Option<&str>,
    ) -> Option<&Arc<dyn Any + Send + Sync>> {
        let (_, value) = match self.of(types.clone()).find(|(known, _)| known.as_deref() == name) {
            Some(found) => found,
            None if name.is_some() => return None,
            None => {
                let mut values = self.of(types);
                values.next().filter(|_| values.next().is_none())?
            }
        };
        Some(value)
    }

    /// Returns the names of the values of the types.
    pub(crate) fn names(&self, types: impl Iterator<Item = TypeId>) -> Vec<&str> {
        self.of(types).filter_map(|(name, _)| name.as_deref()).collect()
    }

    fn of(&self, types: impl Iterator<Item = TypeId>) -> impl Iterator<Item = &Named> {
        types.filter_map(|id| self.values.get(&id)).flatten()
    }
}

impl fmt::Debug for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count: usize = self.values.values().map(Vec::len).sum();
        f.debug_struct("Resources").field("count", &count).finish()
    }
}
