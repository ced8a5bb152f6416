//! A layer of settings as its leaves: each a key, a value, and where it comes from.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::settings::Settings;

/// The parts of a key.
pub(super) type Key = Vec<String>;

/// One value of a layer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Leaf {
    pub(super) value: Value,
    /// Its source, for people.
    pub(super) origin: String,
}

/// The leaves of one layer, or of several merged ones.
#[derive(Clone, Debug, Default)]
pub(in crate::settings) struct Leaves(pub(super) BTreeMap<Key, Leaf>);

impl Leaves {
    /// The leaves of a nested value. An empty table is a leaf: its presence can matter.
    pub(super) fn of(value: Value, origin: &str) -> Leaves {
        let mut leaves = Leaves::default();
        let mut open = vec![(Key::new(), value)];
        while let Some((key, value)) = open.pop() {
            match value {
                Value::Object(fields) if !fields.is_empty() || key.is_empty() => {
                    open.extend(fields.into_iter().map(|(name, value)| {
                        let mut below = key.clone();
                        below.push(name);
                        (below, value)
                    }));
                }
                value => leaves.put(key, Leaf { value, origin: origin.to_owned() }),
            }
        }
        leaves
    }

    /// Puts a leaf in place of the leaves at, above and below its key.
    pub(super) fn put(&mut self, key: Key, leaf: Leaf) {
        let is_empty = leaf.value.as_object().is_some_and(Map::is_empty);
        let below: Vec<Key> = self
            .0
            .range(key.clone()..)
            .map(|(found, _)| found)
            .take_while(|found| found.starts_with(&key))
            .cloned()
            .collect();
        if is_empty && !below.is_empty() {
            return;
        }
        below.iter().for_each(|found| drop(self.0.remove(found)));
        for length in 1..key.len() {
            self.0.remove(&key[..length]);
        }
        self.0.insert(key, leaf);
    }

    /// Lays another layer over this one.
    pub(super) fn cover(&mut self, over: Leaves) {
        over.0.into_iter().for_each(|(key, leaf)| self.put(key, leaf));
    }

    /// The nested value of the leaves at and below a key, from the root.
    pub(super) fn nested(&self, below: &[String]) -> Value {
        let mut root = Map::new();
        let at = self.0.range(below.to_vec()..).take_while(|(key, _)| key.starts_with(below));
        for (key, leaf) in at {
            let Some((last, path)) = key.split_last() else { continue };
            let table = path.iter().fold(&mut root, |table, part| {
                let entry = table.entry(part.clone()).or_insert_with(|| Value::Object(Map::new()));
                if !entry.is_object() {
                    *entry = Value::Object(Map::new());
                }
                entry.as_object_mut().expect("invariant: it was made an object")
            });
            table.insert(last.clone(), leaf.value.clone());
        }
        Value::Object(root)
    }

    /// The leaves of settings that are written in whole.
    pub(in crate::settings) fn written(settings: &Settings, origin: &str) -> Leaves {
        Leaves::of(serde_json::to_value(settings).unwrap_or_default(), origin)
    }

    /// The nested value below a key; null if there is none.
    pub(in crate::settings) fn value(&self, key: &[String]) -> Value {
        let nested = self.nested(key);
        key.iter().try_fold(&nested, |value, part| value.get(part)).cloned().unwrap_or_default()
    }

    /// The sources of the leaves at and below a key, each once.
    pub(super) fn origins(&self, below: &[String]) -> Vec<&str> {
        let at = self.0.range(below.to_vec()..).take_while(|(key, _)| key.starts_with(below));
        let mut origins: Vec<&str> = at.map(|(_, leaf)| leaf.origin.as_str()).collect();
        origins.sort_unstable();
        origins.dedup();
        origins
    }
}
