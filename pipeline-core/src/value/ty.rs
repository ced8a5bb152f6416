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

    /// Returns the function that drops a value of this type in its slot; `None` if there is nothing to do.
    pub(crate) const fn drop_slot(&self) -> Option<DropFn> {
        self.0.drop_slot
    }
}

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
