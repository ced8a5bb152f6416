//! Times, amounts of memory and waits as text, for settings, limits and flags. `#[step]` reads them by the same libraries.

use std::time::Duration;

use pipeline_core::Backoff;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Reads a time such as `30s` or `1m 30s`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text.trim())
        .map_err(|error| format!("`{text}` is not a time such as `30s` or `1m 30s`: {error}"))
}

fn size(text: &str) -> Result<u64, String> {
    text.trim()
        .parse::<bytesize::ByteSize>()
        .map(|size| size.as_u64())
        .map_err(|_| format!("`{text}` is not an amount of memory such as `512MiB` or `4 GiB`"))
}

fn backoff_of(text: &str) -> Result<Backoff, String> {
    let Some((first, cap)) = text.split_once("..") else { return Ok(Backoff::fixed(duration(text)?)) };
    let (first, cap) = (duration(first)?, duration(cap)?);
    if cap < first {
        return Err(format!("the longest wait of `{text}` is shorter than the first"));
    }
    Ok(Backoff::exponential(first, cap))
}

fn backoff_text(backoff: &Backoff) -> String {
    let [first, cap] = [backoff.first, backoff.cap].map(humantime::format_duration);
    if backoff.first == backoff.cap { first.to_string() } else { format!("{first}..{cap}") }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Amount {
    Bytes(u64),
    Text(String),
}

fn bytes(amount: Amount) -> Result<u64, String> {
    match amount {
        Amount::Bytes(bytes) => Ok(bytes),
        Amount::Text(text) => size(&text),
    }
}

/// Declares a module for `#[serde(with = …)]`: how the value is read from what is written, and written.
macro_rules! as_text {
    ($(#[$doc:meta])* $name:ident: $ty:ty, $read:expr, $write:expr) => {
        $(#[$doc])*
        pub(crate) mod $name {
            use super::*;

            #[allow(clippy::ref_option, reason = "the signature that serde asks for")]
            pub(crate) fn serialize<S: Serializer>(value: &$ty, to: S) -> Result<S::Ok, S::Error> {
                ($write)(value).serialize(to)
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<$ty, D::Error> {
                Deserialize::deserialize(from).and_then(|written| ($read)(written).map_err(de::Error::custom))
            }
        }
    };
}

as_text! {
    /// A time.
    time: Duration, |text: String| duration(&text), |time: &Duration| humantime::format_duration(*time).to_string()
}
as_text! {
    /// An optional time.
    optional_time: Option<Duration>,
    |text: Option<String>| text.as_deref().map(duration).transpose(),
    |time: &Option<Duration>| time.map(|time| humantime::format_duration(time).to_string())
}
as_text! {
    /// An optional wait before each retry.
    backoff: Option<Backoff>,
    |text: Option<String>| text.as_deref().map(backoff_of).transpose(),
    |backoff: &Option<Backoff>| backoff.as_ref().map(backoff_text)
}
as_text! {
    /// An optional amount of memory: a number of bytes, or text.
    memory: Option<u64>, |amount: Option<Amount>| amount.map(bytes).transpose(), |bytes: &Option<u64>| *bytes
}
