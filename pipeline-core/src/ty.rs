//! Types as data: enough to compare them, name them, and drop their values.

use std::any::TypeId;
use std::fmt;

/// A type known at compile time, held as data.
#[derive(Clone, Copy)]
pub struct TypeDef {
    id: TypeId,
    name: fn() -> &'static str,
    /// `None` where values need no drop.
    drop_slot: Option<crate::frame::DropFn>,
}

impl TypeDef {
    /// Describes `T`.
    pub const fn of<T: Send + Sync + 'static>() -> Self {
        TypeDef {
            id: TypeId::of::<T>(),
            name: std::any::type_name::<T>,
            drop_slot: crate::frame::drop_fn::<T>(),
        }
    }

    /// The identity of the type.
    pub const fn id(&self) -> TypeId {
        self.id
    }

    /// The full name, for people; two types can share one (two versions of one crate).
    pub fn name(&self) -> &'static str {
        (self.name)()
    }

    /// How to drop a value of this type in its slot; `None` where nothing is to be done.
    pub(crate) const fn drop_slot(&self) -> Option<crate::frame::DropFn> {
        self.drop_slot
    }
}

impl PartialEq for TypeDef {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
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
