//! Times, amounts of memory and waits as text, for settings, limits and flags. `#[step]` reads them by the same libraries.

use std::time::Duration;

use pipeline_core::Backoff;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Reads a time such as `30s` or `1m 30s`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text.trim())
        .map_err(|error| format!("`{text}` is not a time such as `30s` or `1m 30s`: {error}"))
}

/// Reads an amount such as `512MiB`.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    text.trim()
        .parse::<bytesize::ByteSize>()
        .map(|size| size.as_u64())
        .map_err(|_| format!("`{text}` is not an amount of memory such as `512MiB` or `4 GiB`"))
}

/// Reads what the `Display` of a backoff writes: `100ms`, `100ms..10s`, `100ms..10s by 3 with jitter 0.5`.
fn backoff_of(text: &str) -> Result<Backoff, String> {
    let number = |number: &str| {
        let read = number.trim().parse::<f64>();
        read.map_err(|error| format!("`{}` in the wait `{text}` is not a number: {error}", number.trim()))
    };
    let (waits, jitter) =
        text.split_once(" with jitter ").map_or((text, None), |(waits, part)| (waits, Some(part)));
    let (waits, factor) =
        waits.split_once(" by ").map_or((waits, None), |(waits, factor)| (waits, Some(factor)));
    let backoff = match waits.split_once("..") {
        None => Backoff::fixed(duration(waits)?),
        Some((first, cap)) => Backoff::exponential(duration(first)?, duration(cap)?),
    };
    let backoff = factor.map(number).transpose()?.map_or(backoff, |factor| backoff.factor(factor));
    let backoff = jitter.map(number).transpose()?.map_or(backoff, |part| backoff.jitter(part));
    backoff.problem().map_or(Ok(backoff), |why| Err(format!("`{text}` is no backoff: {why}")))
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
    |backoff: &Option<Backoff>| backoff.as_ref().map(ToString::to_string)
}
as_text! {
    /// An optional amount of memory: a number of bytes, or text.
    memory: Option<u64>, |amount: Option<Amount>| amount.map(bytes).transpose(), |bytes: &Option<u64>| *bytes
}
as_text! {
    /// An optional part of a whole. If it is no number, it is written as text, which no part is read from: JSON would make
    /// `null` of it, and no part at all is a valid setting.
    part: Option<f64>, Ok::<_, std::convert::Infallible>, |part: &Option<f64>| part.map(|part| {
        if part.is_finite() { Part::Number(part) } else { Part::Text(part.to_string()) }
    })
}

#[derive(Serialize)]
#[serde(untagged)]
enum Part {
    Number(f64),
    Text(String),
}
