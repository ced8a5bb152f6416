//! What values are known by: keys, of what made a value, and contents, of its bytes.

use std::fmt;

/// Length in bytes.
const LENGTH: usize = 32;

macro_rules! digest {
    ($(#[doc = $doc:literal])+ $name:ident) => {
        $(#[doc = $doc])+
        ///
        /// A BLAKE3 hash, shown as 64 hex digits.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; LENGTH]);

        impl $name {
            /// Returns the bytes.
            pub const fn bytes(&self) -> &[u8; LENGTH] {
                &self.0
            }

            /// Reads 64 hex digits in lower case; `None` for any other text.
            pub fn parse(text: &str) -> Option<Self> {
                let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
                let hash = text.bytes().all(is_digit).then(|| blake3::Hash::from_hex(text).ok()).flatten();
                hash.map($name::from)
            }
        }

        impl From<blake3::Hash> for $name {
            fn from(hash: blake3::Hash) -> Self {
                $name(*hash.as_bytes())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                $name::parse(&text).ok_or_else(|| serde::de::Error::custom("expected 64 hex digits"))
            }
        }
    };
}

digest! {
    /// What a value was made of: code, inputs, parameters. Equal keys mean that the step would make the same value.
    Key
}

digest! {
    /// What a value is: the hash of its encoded bytes, before they are compressed.
    Content
}

impl Content {
    /// Returns the content of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        blake3::hash(bytes).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_64_hex_digits_in_lower_case_are_read() {
        let content = Content::of(b"rows");
        assert_eq!(Content::parse(&content.to_string()), Some(content));
        let text = content.to_string();
        for other in ["", "ab", &text[1..], &format!("{text}0"), &text.to_uppercase(), &"g".repeat(64)] {
            assert_eq!(Content::parse(other), None, "{other}");
        }
    }
}
