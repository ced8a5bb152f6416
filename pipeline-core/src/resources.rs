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

    /// Returns the value of a type: the one with the name, if a name is given; otherwise the unnamed one, or the only one.
    pub(crate) fn find(&self, id: TypeId, name: Option<&str>) -> Option<&Arc<dyn Any + Send + Sync>> {
        let values = self.values.get(&id)?;
        match name {
            Some(name) => values.iter().find(|(known, _)| known.as_deref() == Some(name)),
            None => values.iter().find(|(known, _)| known.is_none()).or(match values.as_slice() {
                [only] => Some(only),
                _ => None,
            }),
        }
        .map(|(_, value)| value)
    }

    /// Returns the names of the values of a type.
    pub(crate) fn names(&self, id: TypeId) -> Vec<&str> {
        let values = self.values.get(&id).into_iter().flatten();
        values.filter_map(|(name, _)| name.as_deref()).collect()
    }
}

impl fmt::Debug for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count: usize = self.values.values().map(Vec::len).sum();
        f.debug_struct("Resources").field("count", &count).finish()
    }
}
