//! An amount of memory: a number of bytes, or a text such as `"4 GiB"`.

use serde::{Deserialize, Deserializer, Serializer, de};

#[allow(clippy::ref_option, reason = "the signature that serde asks for")]
pub(super) fn serialize<S: Serializer>(bytes: &Option<u64>, to: S) -> Result<S::Ok, S::Error> {
    match bytes {
        Some(bytes) => to.serialize_some(bytes),
        None => to.serialize_none(),
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Bytes(u64),
        Text(String),
    }
    match Option::<Written>::deserialize(from)? {
        None => Ok(None),
        Some(Written::Bytes(bytes)) => Ok(Some(bytes)),
        Some(Written::Text(text)) => match text.parse::<bytesize::ByteSize>() {
            Ok(size) => Ok(Some(size.as_u64())),
            Err(why) => {
                Err(de::Error::custom(format!("`{text}` is not an amount of memory such as `4 GiB`: {why}")))
            }
        },
    }
}
