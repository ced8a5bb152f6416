//! Types as data: enough to compare them, name them, and drop their values.

use std::any::TypeId;
use std::fmt;

use super::slot::{DropFn, drop_fn};

/// A type known at compile time, as data of one word.
#[derive(Clone, Copy)]
pub struct TypeDef(&'static Facts);

struct Facts {
    id: TypeId,
    name: fn() -> &'static str,
    /// `None` if values need no drop.
    drop_slot: Option<DropFn>,
}

impl TypeDef {
    /// Returns the description of `T`.
    pub const fn of<T: Send + Sync + 'static>() -> Self {
        TypeDef(
            const { &Facts { id: TypeId::of::<T>(), name: std::any::type_name::<T>, drop_slot: drop_fn::<T>() } },
        )
    }

    /// Returns the identity of the type.
    pub const fn id(&self) -> TypeId {
        self.0.id
    }

    /// Returns the full name, for people. Two types can share a name, such as those of two versions of one crate.
    pub fn name(&self) -> &'static str {
        (self.0.name)()
    }

    /// Reports whether dropping a value may run code that is not the standard library's: unless all types in the name are of the
    /// standard library.
    pub(crate) fn drop_runs_foreign_code(&self) -> bool {
        let words = self.name().split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
        let is_std = |word: &str| match word.split_once("::") {
            Some((root, _)) => ["std", "core", "alloc"].contains(&root),
            None => PRIMITIVES.contains(&word) || word.starts_with(|c: char| c.is_ascii_digit()),
        };
        !words.filter(|word| !word.is_empty()).all(is_std)
    }

    /// Returns the function that drops a value of this type in its slot; `None` if there is nothing to do.
    pub(crate) const fn drop_slot(&self) -> Option<DropFn> {
        self.0.drop_slot
    }
}

/// Types without a path, as in the names of types.
const PRIMITIVES: [&str; 17] = [
    "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64",
    "bool", "char", "str",
];

impl PartialEq for TypeDef {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for TypeDef {}

impl fmt::Debug for TypeDef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for TypeDef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::TypeDef;

    struct Client;

    #[test]
    fn drops_of_the_standard_library_are_known() {
        for plain in [
            TypeDef::of::<String>(),
            TypeDef::of::<Vec<[u8; 3]>>(),
            TypeDef::of::<BTreeMap<String, Option<(f64, Box<str>)>>>(),
            TypeDef::of::<Arc<std::sync::Mutex<Vec<u64>>>>(),
        ] {
            assert!(!plain.drop_runs_foreign_code(), "{plain}");
        }
        for foreign in [
            TypeDef::of::<Client>(),
            TypeDef::of::<Vec<Arc<Client>>>(),
            TypeDef::of::<Box<dyn Send + Sync>>(),
            TypeDef::of::<(u8, Option<Client>)>(),
        ] {
            assert!(foreign.drop_runs_foreign_code(), "{foreign}");
        }
    }
}
