//! A hash that is the same in every process, on every platform, in every version.
//!
//! The hash of the standard library may change with its version, and depends on the platform's lengths and numbers. Here
//! everything is hashed as bytes in a fixed order, and every text after its length.

use std::hash::Hasher as _;
use std::time::Duration;

use serde_json::Value;
use siphasher::sip128::{Hasher128 as _, SipHasher24};

/// A hash of a sequence of parts. No other sequence of parts gives the same bytes.
pub(crate) struct StableHash(SipHasher24);

impl StableHash {
    /// Makes an empty hash. The purpose is hashed first, so that equal parts for two purposes give different hashes.
    pub(crate) fn new(purpose: &str) -> Self {
        let mut hash = StableHash(SipHasher24::new_with_key(b"pipeline, stable"));
        hash.text(purpose);
        hash
    }

    /// Hashes a part of a sequence of bytes: how they are divided into parts does not count.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.write(text.as_bytes());
    }

    /// Hashes texts as one.
    pub(crate) fn joined(&mut self, texts: &[&str]) {
        self.number(texts.iter().map(|text| text.len() as u64).sum());
        texts.iter().for_each(|text| self.0.write(text.as_bytes()));
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.0.write(&number.to_le_bytes());
    }

    pub(crate) fn end(self) -> u128 {
        self.0.finish128().as_u128()
    }

    pub(crate) fn flag(&mut self, flag: bool) {
        self.number(u64::from(flag));
    }

    pub(crate) fn option<T>(&mut self, option: Option<T>, some: impl FnOnce(&mut Self, T)) {
        self.flag(option.is_some());
        if let Some(value) = option {
            some(self, value);
        }
    }

    pub(crate) fn duration(&mut self, duration: Duration) {
        self.number(duration.as_secs());
        self.number(u64::from(duration.subsec_nanos()));
    }

    pub(crate) fn json_text(&mut self, text: &str) {
        self.number(4);
        self.text(text);
    }

    /// Hashes a value. The order of an object's fields does not count, because it depends on features that other crates of a
    /// build enable.
    pub(crate) fn json(&mut self, value: &Value) {
        match value {
            Value::Null => self.number(1),
            Value::Bool(flag) => {
                self.number(2);
                self.flag(*flag);
            }
            Value::Number(number) => {
                self.number(3);
                self.text(&number.to_string());
            }
            Value::String(text) => self.json_text(text),
            Value::Array(items) => {
                self.number(5);
                self.number(items.len() as u64);
                items.iter().for_each(|item| self.json(item));
            }
            Value::Object(fields) => {
                let mut fields: Vec<_> = fields.iter().collect();
                fields.sort_unstable_by_key(|(name, _)| *name);
                self.number(6);
                self.number(fields.len() as u64);
                for (name, value) in fields {
                    self.text(name);
                    self.json(value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_json(json: &str) -> u128 {
        let mut hash = StableHash::new("test");
        hash.json(&serde_json::from_str(json).expect("invariant: written here"));
        hash.end()
    }

    /// Computed by another implementation of SipHash-2-4-128. If this fails, new fingerprints do not match those of earlier
    /// reports: fix the code, not the test.
    #[test]
    fn the_hash_of_a_value_does_not_change_between_versions() {
        let json = r#"{"b":[1,2.5,null,true],"a":{"":"x"}}"#;
        assert_eq!(of_json(json), 0xfa96_4adc_28ac_70d3_e6ae_c6b9_80a3_5695);
    }

    #[test]
    fn kinds_of_values_differ_and_the_order_of_fields_does_not_count() {
        let kinds =
            ["null", "false", "0", "\"\"", "[]", "{}", "[[]]", "[null]", "\"0\"", "0.0", "{\"\":null}"];
        let made: std::collections::BTreeSet<_> = kinds.iter().map(|json| of_json(json)).collect();
        assert_eq!(made.len(), kinds.len());
        assert_eq!(of_json(r#"{"a":1,"b":2}"#), of_json(r#"{"b":2,"a":1}"#));
    }
}
