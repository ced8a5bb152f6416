//! Outputs as bytes: as JSON, for people and other programs, and as they are stored.
//!
//! The expansion of `#[step]` probes the type: a constant of an inherent `impl` with a bound hides the trait's constant of
//! the same name exactly if the bound holds. So steps require nothing of their outputs, and a type without serde has no
//! codec.
//!
//! The constants have a prefix, because a blanket trait of the user's may have a `READ` too.
//!
//! The bound is `Deserialize<'static>`. Lifetimes are ignored when a constant is chosen, so with a bound for every lifetime
//! `&'static str` would be chosen, and then refused.

#[cfg(feature = "store")]
mod decode;
#[cfg(feature = "store")]
mod encode;
mod stored;

use std::fmt;
use std::io;

pub use self::stored::{NotToStore, StoreAs, StoredForm, ToStore};
use crate::value::{Given, WriteFn};

type ReadFn = fn(usize, &'static [u8]) -> io::Result<Given>;

/// How the output of a step is written as JSON and read, and how it is stored.
#[derive(Clone, Copy, Default)]
pub struct Codec {
    pub(crate) write: Option<WriteFn>,
    pub(crate) read: Option<ReadFn>,
    stored: Option<&'static StoredForm>,
}

impl Codec {
    /// None of them: for closures, and types without serde.
    pub const NONE: Codec = Codec { write: None, read: None, stored: None };

    /// Makes a codec of the results of the three probes.
    pub const fn new(
        write: Option<WriteFn>,
        read: Option<ReadFn>,
        stored: Option<&'static StoredForm>,
    ) -> Self {
        Codec { write, read, stored }
    }

    /// Reports whether outputs can be written: the type is `Serialize`.
    pub const fn can_write(&self) -> bool {
        self.write.is_some()
    }

    /// Reports whether outputs can be read: the type is `Deserialize`.
    pub const fn can_read(&self) -> bool {
        self.read.is_some()
    }

    /// Reads JSON as the output of a step, by position in the plan; `None` where the type is not `Deserialize`.
    ///
    /// The bytes live as long as the program, because the value may borrow from them.
    ///
    /// # Errors
    /// Returns an error if the bytes are not JSON, or not of the type.
    pub fn read(&self, step: usize, json: &'static [u8]) -> Option<io::Result<Given>> {
        self.read.map(|read| read(step, json))
    }

    /// Returns the form in which outputs are stored; `None` where the type is not `Serialize + Deserialize`, if the step
    /// is a closure, and if the program was built without the feature `store`.
    pub const fn stored(&self) -> Option<&'static StoredForm> {
        self.stored
    }
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Codec")
            .field("can_write", &self.can_write())
            .field("can_read", &self.can_read())
            .field("stored", &self.stored)
            .finish_non_exhaustive()
    }
}

/// Probes whether `T` can be written: `<ToJson<T>>::__PIPELINE_WRITE`, with [`NotToJson`] in scope.
#[derive(Debug)]
pub struct ToJson<T>(std::marker::PhantomData<T>);

/// The answer for types that are not `Serialize`.
pub trait NotToJson {
    /// No function.
    const __PIPELINE_WRITE: Option<WriteFn> = None;
}

impl<T> NotToJson for ToJson<T> {}

/// Probes whether `T` can be read: `<FromJson<T>>::__PIPELINE_READ`, with [`NotFromJson`] in scope.
#[derive(Debug)]
pub struct FromJson<T>(std::marker::PhantomData<T>);

/// The answer for types that are not `Deserialize`.
pub trait NotFromJson {
    /// No function.
    const __PIPELINE_READ: Option<ReadFn> = None;
}

impl<T> NotFromJson for FromJson<T> {}

/// Behind a feature, because it takes time to compile code for each type.
#[cfg(feature = "outputs")]
mod known {
    use serde::{Deserialize, Serialize};

    use super::{FromJson, ReadFn, ToJson, WriteFn};
    use crate::exact::Exactly;
    use crate::value::Given;

    impl<T: Serialize + Send + Sync + 'static> ToJson<T> {
        /// By its `Serialize`.
        pub const __PIPELINE_WRITE: Option<WriteFn> =
            Some(|output, out| Ok(serde_json::to_writer(out, &Exactly::as_text(output.known::<T>()))?));
    }

    impl<T: Deserialize<'static> + Send + Sync + 'static> FromJson<T> {
        /// By its `Deserialize`.
        pub const __PIPELINE_READ: Option<ReadFn> =
            Some(|step, json| Ok(Given::new(step, serde_json::from_slice::<T>(json)?)));
    }
}
