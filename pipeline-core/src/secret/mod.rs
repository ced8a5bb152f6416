//! Values that are not to be shown: passwords, tokens, keys.

mod probe;

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;

use secrecy::zeroize::Zeroize;
use secrecy::{ExposeSecret, SecretBox};
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};

pub(crate) use self::probe::holds_secret;

/// The name under which a secret asks a deserializer for its value: what the probe looks for.
const NAME: &str = "$pipeline::Secret";

/// A value that is not to be shown: `#[param] token: Secret<String>`.
///
/// It has no `Display` and no `Serialize`, its `Debug` is `Secret([redacted])`, and where a run parameter holds one,
/// nothing that the framework writes has the value: not the message that says why it cannot be read, not a fingerprint, not
/// a report. What was given for such a parameter is not part of the fingerprint of the configuration, so that two runs which
/// differ only in a secret have the same one.
///
/// [`Secret::expose`] is the one way to the value. What a step does with it then is the step's own business: its error
/// messages and panics are shown as they are.
///
/// The value is on the heap, and is overwritten with zeros when it is dropped where it is a `String`, a `Vec<u8>`, a boxed
/// `str` or `[u8]`, an array of 16, 32 or 64 bytes, an integer, or an `Option` or a `Vec` of `String`. Of a struct, wrap the
/// fields too. What a program was given is also elsewhere in its memory (its arguments, its environment, the file as read), and
/// is not overwritten there.
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

/// The value, wiped where its type is one of those that can be.
struct Held<T: 'static>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Secret(SecretBox::new(Box::new(Held(value))))
    }

    /// The value.
    pub fn expose(&self) -> &T {
        &self.0.expose_secret().0
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Secret::new(value)
    }
}

/// For `#[param(default = "…")]`.
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

/// Overwrites a value of a type that is known here.
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
        /// Reads the value from whatever the format wraps it in.
        struct Read<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Read<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a secret")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
                T::deserialize(deserializer)
            }
        }

        match deserializer.deserialize_newtype_struct(NAME, Read(PhantomData)) {
            Ok(value) => Ok(Secret::new(value)),
            // serde quotes what it could not read.
            Err(_) => Err(D::Error::custom(format_args!(
                "not a `{}` (it is a secret: what was given is not shown)",
                std::any::type_name::<T>()
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_wiped_where_its_type_is_known() {
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
    fn what_cannot_be_read_as_a_secret_is_not_quoted() {
        for json in ["\"hunter2\"", "[\"hunter2\"]", "{\"hunter2\": 1}"] {
            let error = serde_json::from_str::<Secret<u64>>(json).expect_err("it is no number").to_string();
            assert!(error.contains("not a `u64`") && !error.contains("hunter2"), "{error}");
        }
        assert_eq!(serde_json::from_str::<Secret<u64>>("7").map(|read| *read.expose()).ok(), Some(7));
    }
}
