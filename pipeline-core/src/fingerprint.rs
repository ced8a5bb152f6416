//! Fingerprints: hashes that are the same in every process, on every platform, for the same thing.
//!
//! The hash of the standard library is neither: it may change with its version, and hashes lengths and numbers as the
//! platform has them. Here everything goes in as bytes of a stated order, and every text after its length.

use std::fmt;
use std::hash::Hasher as _;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use siphasher::sip128::{Hasher128 as _, SipHasher24};

use crate::input::{InputDef, InputKind, Mode, Quorum};
use crate::params::{BoundParams, ParamValue};
use crate::plan::Plan;
use crate::policy::Policy;

/// 128 bits that tell whether two things are the same; shown as 32 hex digits.
///
/// Made by a keyed hash with a key that everybody knows: it tells what has changed by itself, not what somebody has
/// changed on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// Of texts, in their order.
    pub fn of_texts(texts: &[&str]) -> Self {
        let mut hash = StableHash::new("texts");
        texts.iter().for_each(|text| hash.text(text));
        hash.end()
    }

    /// Of what a run is configured with: its settings but for the fields `left_out`, and the values given for run
    /// parameters, each for the step that reads it. Values go into the hash and are not kept. A default written in code
    /// is not part of it, nor are resources and given outputs: they have no form that could be hashed.
    ///
    /// Whoever knows everything else about a run can find out a parameter of few possible values by trying them all.
    pub fn of_config(
        plan: &Plan,
        params: &BoundParams,
        settings: &impl Serialize,
        left_out: &[&str],
    ) -> Fingerprint {
        let mut hash = StableHash::new("configuration");
        let mut settings = serde_json::to_value(settings).unwrap_or_default();
        if let Value::Object(fields) = &mut settings {
            fields.retain(|name, _| !left_out.contains(&name.as_str()));
        }
        hash.json(&settings);
        for (step, entry) in plan.param_steps().zip(&params.entries) {
            hash.text(plan.spec(step).name());
            hash.text(&entry.def.name);
            match &entry.given {
                None => hash.number(0),
                Some(ParamValue::Json(value)) => hash.json(value),
                // Text and a string are the same to a parameter that takes a string; others refuse the string.
                Some(ParamValue::Text(text)) => hash.json_text(text),
            }
        }
        hash.end()
    }

    /// The bits, for making other things of them.
    pub const fn to_bits(self) -> u128 {
        self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Plan {
    /// A fingerprint of the graph that this plan runs: equal in every process for the same graph, and another where a
    /// step, an edge, a mode, the type of an output, or a policy on which the outcome depends is another.
    ///
    /// What is not part of it: where steps are written, their documentation, tags and groups, the lane, cost, priority
    /// and limits (they say where and when a step runs, not what comes of it), and the steps' code. Types go in by name,
    /// as the compiler writes it, which a new version of it may do in another way.
    ///
    /// # Complexity
    /// O(steps + edges).
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hash = StableHash::new("graph");
        hash.number(self.len() as u64);
        for step in 0..self.len() {
            self.hash_step(&mut hash, step);
        }
        hash.end()
    }

    fn hash_step(&self, hash: &mut StableHash, step: usize) {
        let (spec, def) = (self.spec(step), self.spec(step).def());
        let is_given = self.given().binary_search(&(step as u32)).is_ok();
        hash.text(spec.name());
        hash.text(&def.id());
        hash.text(def.output.name());
        hash.flag(is_given);
        if is_given {
            // It does not run: neither its inputs nor its policy matter.
            return;
        }
        hash.policy(spec.policy());
        let in_dag = self.in_dag(step);
        hash.number(def.inputs.len() as u64);
        for (parameter, input) in def.inputs.iter().enumerate() {
            hash.input(input);
            self.hash_names(
                hash,
                self.dag().sources(in_dag, parameter).iter().map(|&source| source as usize),
            );
        }
        self.hash_names(hash, self.dag().after(in_dag).into_iter());
    }

    fn hash_names(&self, hash: &mut StableHash, steps: impl ExactSizeIterator<Item = usize>) {
        hash.number(steps.len() as u64);
        steps.for_each(|step| hash.text(self.dag().step(step).name()));
    }
}

/// A hash of parts, each of which goes in so that no other sequence of parts gives the same bytes.
pub(crate) struct StableHash(SipHasher24);

impl StableHash {
    /// An empty hash. What it is for goes in first, so that two purposes never give the same by having the same parts.
    pub(crate) fn new(purpose: &str) -> Self {
        let mut hash = StableHash(SipHasher24::new_with_key(b"pipeline, stable"));
        hash.text(purpose);
        hash
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.write(text.as_bytes());
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.0.write(&number.to_le_bytes());
    }

    pub(crate) fn end(self) -> Fingerprint {
        Fingerprint(self.0.finish128().as_u128())
    }

    fn flag(&mut self, flag: bool) {
        self.number(u64::from(flag));
    }

    fn option<T>(&mut self, option: Option<T>, some: impl FnOnce(&mut Self, T)) {
        self.flag(option.is_some());
        if let Some(value) = option {
            some(self, value);
        }
    }

    fn duration(&mut self, duration: Duration) {
        self.number(duration.as_secs());
        self.number(u64::from(duration.subsec_nanos()));
    }

    /// What of a policy an outcome depends on; the rest says only when and beside what a step runs.
    fn policy(&mut self, policy: &Policy) {
        self.option(policy.retries, |hash, retries| hash.number(u64::from(retries)));
        self.option(policy.timeout, StableHash::duration);
        self.option(policy.deadline, StableHash::duration);
        for flag in [policy.optional, policy.fail_fast, policy.has_fallback] {
            self.flag(flag);
        }
        self.option(policy.sequential.as_deref(), StableHash::text);
        self.option(policy.when, StableHash::text);
        self.number(policy.switch.len() as u64);
        policy.switch.iter().for_each(|case| self.text(&case().id()));
    }

    fn input(&mut self, input: &InputDef) {
        self.text(&input.name);
        match &input.kind {
            InputKind::Upstream { mode, quorum, ty, .. } => {
                self.number(1);
                self.mode(*mode);
                self.quorum(*quorum);
                self.text(ty.name());
            }
            InputKind::Param(param) => {
                self.number(2);
                self.text(&param.name);
                self.text(param.ty.name());
            }
            InputKind::Resource { name, ty } => {
                self.number(3);
                self.option(name.as_deref(), StableHash::text);
                self.text(ty.name());
            }
            InputKind::Context => self.number(4),
        }
    }

    fn mode(&mut self, mode: Mode) {
        self.number(match mode {
            Mode::Borrow => 0,
            Mode::Take => 1,
            Mode::Option => 2,
            Mode::Result => 3,
            Mode::Branch => 4,
        });
    }

    fn quorum(&mut self, quorum: Quorum) {
        match quorum {
            Quorum::All => self.number(0),
            Quorum::AtLeast { count, cancel } => {
                self.number(1);
                self.number(u64::from(count));
                self.flag(cancel);
            }
            Quorum::First => self.number(2),
            Quorum::Priority => self.number(3),
        }
    }

    fn json_text(&mut self, text: &str) {
        self.number(4);
        self.text(text);
    }

    /// The order of an object's fields does not count: whether they are sorted depends on features that other crates of
    /// a build turn on.
    fn json(&mut self, value: &Value) {
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

    fn of_json(json: &str) -> Fingerprint {
        let mut hash = StableHash::new("test");
        hash.json(&serde_json::from_str(json).expect("invariant: written here"));
        hash.end()
    }

    /// The values were computed apart from this crate, by another SipHash-2-4-128 and the layout spelt out.
    /// If this fails, earlier reports seem to be of other graphs: never a mere fix of the test.
    #[test]
    fn fingerprints_are_what_they_always_were() {
        assert_eq!(Fingerprint::of_texts(&[]).to_string(), "ee673eff1423ef136bcf7255a5c5b780");
        assert_eq!(Fingerprint::of_texts(&["a", "bc"]).to_string(), "c94a8b9c61300ac7edee8dae68a3f25e");
        let json = r#"{"b":[1,2.5,null,true],"a":{"":"x"}}"#;
        assert_eq!(of_json(json).to_string(), "fa964adc28ac70d3e6aec6b980a35695");
    }

    #[test]
    fn where_one_text_ends_and_the_next_begins_counts() {
        let all = [&["ab", "c"][..], &["a", "bc"], &["abc"], &["abc", ""], &["", "abc"]];
        let made: std::collections::BTreeSet<_> =
            all.iter().map(|texts| Fingerprint::of_texts(texts)).collect();
        assert_eq!(made.len(), all.len());
    }

    #[test]
    fn values_of_other_kinds_are_others_and_the_order_of_fields_is_none() {
        let kinds =
            ["null", "false", "0", "\"\"", "[]", "{}", "[[]]", "[null]", "\"0\"", "0.0", "{\"\":null}"];
        let made: std::collections::BTreeSet<_> = kinds.iter().map(|json| of_json(json)).collect();
        assert_eq!(made.len(), kinds.len());
        assert_eq!(of_json(r#"{"a":1,"b":2}"#), of_json(r#"{"b":2,"a":1}"#));
    }
}
