//! How outputs are stored: as bytes that a later run reads.
//!
//! | type | form |
//! |---|---|
//! | `Vec<u8>`, `Box<[u8]>` | `bytes`: as they are |
//! | `String` | `text`: as it is |
//! | any other that is `Serialize + Deserialize` | `postcard` |
//! | what a step gives to a [`StoreAs`] | as that writes it |
//!
//! The bytes that are read do not live as long as the program, so a value cannot borrow from them.

use std::fmt;
use std::io::{self, Write};

use crate::contain;
use crate::fingerprint::Fingerprint;
use crate::probe::Form;
use crate::secret;
use crate::value::{Given, StepOutput};

/// How outputs of a type are stored.
#[derive(Clone, Copy)]
pub struct StoredForm {
    name: fn() -> &'static str,
    encode: fn(StepOutput<'_>, &mut dyn Write) -> io::Result<()>,
    decode: fn(usize, &[u8]) -> io::Result<Given>,
    form: fn() -> Form,
}

/// How a step's output is stored, in place of serde: `#[step(cache, codec = Parquet)]`.
///
/// Implement it for a type without values. [`decode`](StoreAs::decode) gets what [`encode`](StoreAs::encode) wrote, whole: its
/// hash was checked. Change [`NAME`](StoreAs::NAME) whenever the bytes change: a value that was stored under another name
/// is made again.
///
/// ```
/// use std::io::{self, Write};
/// # use pipeline_core::StoreAs;
///
/// struct Points(Vec<f64>);
/// struct LittleEndian;
///
/// impl StoreAs<Points> for LittleEndian {
///     const NAME: &'static str = "points, little-endian";
///
///     fn encode(points: &Points, out: &mut dyn Write) -> io::Result<()> {
///         points.0.iter().try_for_each(|point| out.write_all(&point.to_le_bytes()))
///     }
///
///     fn decode(bytes: &[u8]) -> io::Result<Points> {
///         let (points, []) = bytes.as_chunks() else { return Err(io::ErrorKind::InvalidData.into()) };
///         Ok(Points(points.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not store values of type `{T}`",
    label = "no `StoreAs<{T}>`",
    note = "`codec = …` names a type that implements `StoreAs` for the output of the step"
)]
pub trait StoreAs<T> {
    /// The name of the form, as `pipeline cache show` shows it.
    const NAME: &'static str;

    /// Writes a value.
    ///
    /// # Errors
    /// Returns the writer's error, or the reason why the value cannot be stored, as
    /// [`Unsupported`](io::ErrorKind::Unsupported).
    fn encode(value: &T, out: &mut dyn Write) -> io::Result<()>;

    /// Reads a value.
    ///
    /// # Errors
    /// Returns an error if the bytes are not such a value: the step runs.
    fn decode(bytes: &[u8]) -> io::Result<T>;
}

impl StoredForm {
    /// Returns the form of `C`.
    pub const fn by<C: StoreAs<T>, T: Send + Sync + 'static>() -> &'static Self {
        const {
            &StoredForm {
                name: || C::NAME,
                encode: |output, out| C::encode(output.known(), out),
                decode: |step, bytes| Ok(Given::new(step, C::decode(bytes)?)),
                form: || Form {
                    shape: Fingerprint::of_texts(&["codec", C::NAME, std::any::type_name::<T>()]),
                    refused: None,
                },
            }
        }
    }

    /// Returns its name: `bytes`, `text`, `postcard`, or that of a [`StoreAs`].
    pub fn name(&self) -> &'static str {
        (self.name)()
    }

    /// Returns why no output of the type can be stored: `None` if only the value decides.
    pub fn refused(&self) -> Option<&'static str> {
        (self.form)().refused
    }

    /// Returns a fingerprint of the type as it is read: the names of structs, fields and variants, the kinds of numbers, how
    /// they are nested. Bytes of another shape are not of the type.
    pub fn shape(&self) -> Fingerprint {
        (self.form)().shape
    }

    /// Writes the output of a step.
    ///
    /// # Errors
    /// Returns the writer's error, and the reason why the value cannot be stored as
    /// [`Unsupported`](io::ErrorKind::Unsupported): a secret, a value that could not be read back, a panic of its code.
    /// What was written until then is of no use; a secret was not.
    pub fn encode(&self, output: StepOutput<'_>, out: &mut dyn Write) -> io::Result<()> {
        match self.refused() {
            Some(why) => Err(refusal(why)),
            None => contained(out, |out| (self.encode)(output, out)),
        }
    }

    /// Reads the output of a step, by position in the plan.
    ///
    /// # Errors
    /// Returns an error if the bytes are not of the type, if it borrows from them, and if its code panics.
    pub fn decode(&self, step: usize, bytes: &[u8]) -> io::Result<Given> {
        let read = contain::guard(|| (self.decode)(step, bytes));
        read.unwrap_or_else(|panic| {
            Err(io::Error::new(io::ErrorKind::InvalidData, format!("its code panicked: {panic}")))
        })
    }
}

impl fmt::Debug for StoredForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredForm").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// Writes by code of users, up to the first secret.
fn contained(out: &mut dyn Write, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let (written, is_secret) = secret::watch(|| contain::guard(|| write(&mut Open { out })));
    if is_secret {
        return Err(refusal(SECRET));
    }
    written.unwrap_or_else(|panic| Err(refusal(format!("its code panicked: {panic}"))))
}

const SECRET: &str = "it holds a secret";

/// The error of a value that cannot be stored.
fn refusal(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, why.into())
}

/// Passes bytes on until a secret is exposed.
struct Open<'a> {
    out: &'a mut dyn Write,
}

impl Write for Open<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if secret::was_seen() {
            return Err(refusal(SECRET));
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Probes how `T` is stored: `<ToStore<T>>::__PIPELINE_STORE`, with [`NotToStore`] in scope.
#[derive(Debug)]
pub struct ToStore<T>(std::marker::PhantomData<T>);

/// The answer for types that are not `Serialize + Deserialize`.
pub trait NotToStore {
    /// No form.
    const __PIPELINE_STORE: Option<&'static StoredForm> = None;
}

impl<T> NotToStore for ToStore<T> {}

/// Behind a feature, because it takes time to compile code for each type.
#[cfg(feature = "store")]
mod known {
    use std::any::{Any, TypeId};
    use std::collections::BTreeMap;
    use std::io;
    use std::sync::{Mutex, PoisonError};

    use serde::{Deserialize, Serialize};

    use super::{StoredForm, ToStore, refusal};
    use crate::codec::{decode, encode};
    use crate::probe::{Form, stored_form};
    use crate::value::Given;

    impl<T: Serialize + Deserialize<'static> + Send + Sync + 'static> ToStore<T> {
        /// As it is, or by its `Serialize` and `Deserialize`.
        pub const __PIPELINE_STORE: Option<&'static StoredForm> = Some(&StoredForm {
            name: name::<T>,
            encode: |output, out| encode::<T>(output.known(), out),
            decode: |step, bytes| decode::<T>(bytes).map(|value| Given::new(step, value)),
            form: form::<T>,
        });
    }

    fn name<T: 'static>() -> &'static str {
        match TypeId::of::<T>() {
            ty if ty == TypeId::of::<Vec<u8>>() || ty == TypeId::of::<Box<[u8]>>() => "bytes",
            ty if ty == TypeId::of::<String>() => "text",
            _ => "postcard",
        }
    }

    /// Returns the bytes of a value that is stored as it is.
    fn as_it_is(value: &dyn Any) -> Option<&[u8]> {
        let bytes = value.downcast_ref::<Vec<u8>>().map(Vec::as_slice);
        let bytes = bytes.or_else(|| value.downcast_ref::<Box<[u8]>>().map(|bytes| &**bytes));
        bytes.or_else(|| value.downcast_ref::<String>().map(String::as_bytes))
    }

    pub(super) fn encode<T>(value: &T, out: &mut dyn io::Write) -> io::Result<()>
    where
        T: Serialize + Deserialize<'static> + 'static,
    {
        match as_it_is(value) {
            Some(bytes) => out.write_all(bytes),
            None => encode::to_writer(value, out).map_err(|error| match error {
                encode::Error::Refused(why) => refusal(why),
                encode::Error::Io(error) => error,
            }),
        }
    }

    pub(super) fn decode<T: Deserialize<'static> + 'static>(bytes: &[u8]) -> io::Result<T> {
        let invalid = |why| io::Error::new(io::ErrorKind::InvalidData, why);
        let value: Option<Box<dyn Any>> = match TypeId::of::<T>() {
            ty if ty == TypeId::of::<Vec<u8>>() => Some(Box::new(bytes.to_vec())),
            ty if ty == TypeId::of::<Box<[u8]>>() => Some(Box::new(Box::<[u8]>::from(bytes))),
            ty if ty == TypeId::of::<String>() => {
                let text = str::from_utf8(bytes).map_err(|_| invalid("it is not UTF-8".to_owned()))?;
                Some(Box::new(text.to_owned()))
            }
            _ => None,
        };
        match value {
            Some(value) => Ok(*value.downcast().expect("invariant: it was made for this type")),
            None => decode::from_slice(bytes).map_err(|error| invalid(error.to_string())),
        }
    }

    /// What was found out about types: it takes some readings of each.
    static FORMS: Mutex<BTreeMap<TypeId, Form>> = Mutex::new(BTreeMap::new());

    fn form<T: Deserialize<'static> + 'static>() -> Form {
        let forms = || FORMS.lock().unwrap_or_else(PoisonError::into_inner);
        let known = forms().get(&TypeId::of::<T>()).copied();
        known.unwrap_or_else(|| {
            // Not under the lock: it runs the type's own code.
            let form = stored_form::<T>();
            forms().insert(TypeId::of::<T>(), form);
            form
        })
    }
}

#[cfg(all(test, feature = "store"))]
mod hostile_tests;
#[cfg(all(test, feature = "store"))]
mod tests;
