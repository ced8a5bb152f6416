//! Times, amounts of memory and waits as text, for settings and flags; `#[step]` reads them by the same libraries.

use std::time::Duration;

use pipeline_core::Backoff;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Reads a time such as `30s` or `1m 30s`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text.trim())
        .map_err(|error| format!("`{text}` is not a time such as `30s` or `1m 30s`: {error}"))
}

/// Reads an amount of memory such as `4 GiB`.
fn size(text: &str) -> Result<u64, String> {
    let size = text.trim().parse::<bytesize::ByteSize>();
    size.map(|size| size.as_u64())
        .map_err(|error| format!("`{text}` is not an amount of memory such as `4 GiB`: {error}"))
}

fn backoff_of(text: &str) -> Result<Backoff, String> {
    Ok(match text.split_once("..") {
        None => Backoff::fixed(duration(text)?),
        Some((first, cap)) => Backoff::exponential(duration(first)?, duration(cap)?),
    })
}

fn backoff_text(backoff: &Backoff) -> String {
    let [first, cap] = [backoff.first, backoff.cap].map(humantime::format_duration);
    if backoff.first == backoff.cap { first.to_string() } else { format!("{first}..{cap}") }
}

/// Declares a module for `#[serde(with = …)]` of an optional value.
macro_rules! as_text {
    ($(#[$doc:meta])* $name:ident: $ty:ty, $written:ty, $read:expr, $write:expr) => {
        $(#[$doc])*
        pub(super) mod $name {
            use super::*;

            #[allow(clippy::ref_option, reason = "the signature that serde asks for")]
            pub(crate) fn serialize<S: Serializer>(value: &Option<$ty>, to: S) -> Result<S::Ok, S::Error> {
                value.as_ref().map($write).serialize(to)
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<$ty>, D::Error> {
                let written = Option::<$written>::deserialize(from)?;
                written.map($read).transpose().map_err(de::Error::custom)
            }
        }
    };
}

as_text! {
    /// A time, as text.
    time: Duration, String, |text| duration(&text), |time| humantime::format_duration(*time).to_string()
}
as_text! {
    /// A wait before each retry, as text.
    backoff: Backoff, String, |text| backoff_of(&text), backoff_text
}
as_text! {
    /// An amount of memory: a number of bytes, or text.
    memory: u64, Amount, |amount| match amount { Amount::Bytes(bytes) => Ok(bytes), Amount::Text(text) => size(&text) }, |bytes| *bytes
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Amount {
    Bytes(u64),
    Text(String),
}
