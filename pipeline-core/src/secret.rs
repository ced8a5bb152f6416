//! Values that are never shown: passwords, tokens, keys.

use std::any::Any;
use std::cell::Cell;
use std::fmt;

use secrecy::zeroize::Zeroize;
use secrecy::{ExposeSecret, SecretBox};
use serde::de::{Deserialize, Deserializer, Error as _};

/// A value that is never shown: `#[param] token: Secret<String>`.
///
/// It has no `Display` and no `Serialize`, and its `Debug` is `Secret([redacted])`. If the type of a run parameter holds one,
/// nothing that the framework writes has the value: no message about a value that does not fit, no fingerprint, no report.
/// Two runs that differ only in a secret have the same fingerprint of the configuration.
///
/// [`Secret::expose`] is the one way to the value. What a step does with it is up to the step: its error messages and panics
/// are shown as they are.
///
/// The value is on the heap. It is overwritten with zeros when dropped, if it is a `String`, a `Vec<u8>`, a boxed `str` or
/// `[u8]`, an array of 16, 32 or 64 bytes, an integer, or an `Option` or a `Vec` of `String`. Of a struct, wrap each field.
/// Copies elsewhere in memory (arguments, environment, the file as read) are not overwritten.
///
/// ```
/// # use pipeline_core::Secret;
/// let token = Secret::new("hunter2".to_owned());
/// assert_eq!(format!("{token:?}"), "Secret([redacted])");
/// assert_eq!(token.expose(), "hunter2");
/// ```
/// ```compile_fail
/// # use pipeline_core::Secret;
/// let token = Secret::new("hunter2".to_owned());
/// println!("{token}"); // there is no `Display`
/// ```
pub struct Secret<T: 'static>(SecretBox<Held<T>>);

/// The value, overwritten when dropped if its type is known to [`wipe`].
struct Held<T: 'static>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        WAS_SEEN.set(true);
        Secret(SecretBox::new(Box::new(Held(value))))
    }

    /// Returns the value.
    pub fn expose(&self) -> &T {
        WAS_SEEN.set(true);
        &self.0.expose_secret().0
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Secret::new(value)
    }
}

/// Converts the text of `#[param(default = "…")]`.
impl From<&str> for Secret<String> {
    fn from(value: &str) -> Self {
        Secret::new(value.to_owned())
    }
}

impl<T: Clone> Clone for Secret<T> {
    fn clone(&self) -> Self {
        Secret::new(self.expose().clone())
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

impl<T> Zeroize for Held<T> {
    fn zeroize(&mut self) {
        wipe(&mut self.0);
    }
}

/// Overwrites the value if its type is one of these.
fn wipe(value: &mut dyn Any) {
    macro_rules! wipe {
        ($($ty:ty),* $(,)?) => {
            $(if let Some(known) = value.downcast_mut::<$ty>() {
                return known.zeroize();
            })*
        };
    }
    wipe!(String, Vec<u8>, Box<str>, Box<[u8]>, Option<String>, Vec<String>, [u8; 16], [u8; 32], [u8; 64]);
    wipe!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        WAS_SEEN.set(true);
        // serde quotes what it could not read.
        T::deserialize(deserializer).map(Secret::new).map_err(|_| {
            D::Error::custom(format_args!(
                "not a `{}` (it is a secret: what was given is not shown)",
                std::any::type_name::<T>()
            ))
        })
    }
}

thread_local! {
    /// Whether a secret was made, asked for or exposed on this thread since [`watch`] began.
    static WAS_SEEN: Cell<bool> = const { Cell::new(false) };
}

/// Reads or writes something; also returns whether a secret was made, asked for or exposed meanwhile.
pub(crate) fn watch<T>(read: impl FnOnce() -> T) -> (T, bool) {
    let earlier = WAS_SEEN.replace(false);
    let value = read();
    let was_seen = WAS_SEEN.get();
    WAS_SEEN.set(earlier || was_seen);
    (value, was_seen)
}

/// Reports whether one was, up to now. Only within [`watch`].
pub(crate) fn was_seen() -> bool {
    WAS_SEEN.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_of_a_known_type_is_overwritten() {
        let mut text = Held("hunter2".to_owned());
        text.zeroize();
        assert_eq!(text.0, "");
        let mut key = Held([7_u8; 32]);
        key.zeroize();
        assert_eq!(key.0, [0; 32]);
        let mut number = Held(7_u64);
        number.zeroize();
        assert_eq!(number.0, 0);
    }

    #[test]
    fn an_error_about_a_secret_does_not_quote_it() {
        for json in ["\"hunter2\"", "[\"hunter2\"]", "{\"hunter2\": 1}"] {
            let error = serde_json::from_str::<Secret<u64>>(json).expect_err("it is no number").to_string();
            assert!(error.contains("not a `u64`") && !error.contains("hunter2"), "{error}");
        }
        assert_eq!(serde_json::from_str::<Secret<u64>>("7").map(|read| *read.expose()).ok(), Some(7));
    }
}
