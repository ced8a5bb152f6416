//! Fingerprints: of the graph that a run executes, and of what the run is configured with.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::hash::StableHash;
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
        Fingerprint(hash.end())
    }

    /// Of what a run is configured with: its settings but for the fields `left_out`, and the values given for run
    /// parameters, each for the step that reads it. Values go into the hash and are not kept. A default written in code
    /// is not part of it, nor are resources and given outputs: they have no form that could be hashed.
    ///
    /// Whoever knows everything else about a run can find out a parameter of few possible values by trying them all. So of
    /// a parameter that holds a [`Secret`](crate::Secret) only goes in whether it was given.
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
        let secret = plan.secret_params();
        for (step, entry) in plan.param_steps().zip(&params.entries) {
            hash.text(plan.spec(step).name());
            hash.text(&entry.def.name);
            match &entry.given {
                None => hash.number(0),
                // Out of a hash, a short secret can be found by trying.
                Some(_) if secret.contains(&*entry.def.name) => hash.number(1),
                Some(value) => hash.param(value),
            }
        }
        Fingerprint(hash.end())
    }

    /// Of the value given for each run parameter, by its name; by `step.name` where not all steps that read it were given
    /// the same. One that was not given has none, and neither has one that is a [`Secret`](crate::Secret) to any step of the
    /// graph: a secret of few possible values could be found by trying them all.
    pub fn of_params(plan: &Plan, params: &BoundParams) -> BTreeMap<String, Fingerprint> {
        let secret = plan.secret_params();
        let mut read: BTreeMap<&str, Vec<(&str, Option<Fingerprint>)>> = BTreeMap::new();
        for (step, entry) in plan.param_steps().zip(&params.entries) {
            if secret.contains(&*entry.def.name) {
                continue;
            }
            let given = entry.given.as_ref().map(|value| {
                let mut hash = StableHash::new("parameter");
                hash.param(value);
                Fingerprint(hash.end())
            });
            read.entry(&entry.def.name).or_default().push((plan.spec(step).name(), given));
        }
        let mut all = BTreeMap::new();
        for (name, steps) in read {
            let of_all = steps[0].1.filter(|_| steps.iter().all(|(_, given)| *given == steps[0].1));
            if let Some(of_all) = of_all {
                all.insert(name.to_owned(), of_all);
                continue;
            }
            let given =
                steps.into_iter().filter_map(|(step, given)| Some((format!("{step}.{name}"), given?)));
            all.extend(given);
        }
        all
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
    /// O(steps + edges) for the first call.
    pub fn fingerprint(&self) -> Fingerprint {
        *self.fingerprint.get_or_init(|| self.make_fingerprint())
    }

    /// The names of the run parameters that are secret to some step of the graph: what is given for one goes to every step
    /// that reads it, also to one that does not say so, or does not run.
    fn secret_params(&self) -> HashSet<&str> {
        let inputs = (0..self.dag().len()).flat_map(|step| &self.dag().step(step).def().inputs[..]);
        let params = inputs.filter_map(|input| match &input.kind {
            InputKind::Param(param) if param.is_secret() => Some(&*param.name),
            _ => None,
        });
        params.collect()
    }

    fn make_fingerprint(&self) -> Fingerprint {
        let mut hash = StableHash::new("graph");
        hash.number(self.len() as u64);
        for step in 0..self.len() {
            self.hash_step(&mut hash, step);
        }
        Fingerprint(hash.end())
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

/// What a run parameter was given.
impl StableHash {
    fn param(&mut self, value: &ParamValue) {
        match value {
            ParamValue::Json(value) => self.json(value),
            // Text and a string are the same to a parameter that takes a string; others refuse the string.
            ParamValue::Text(text) => self.json_text(text),
        }
    }
}

/// The parts of a step's definition.
impl StableHash {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values were computed apart from this crate, by another SipHash-2-4-128 and the layout spelt out.
    /// If this fails, earlier reports seem to be of other graphs: never a mere fix of the test.
    #[test]
    fn fingerprints_are_what_they_always_were() {
        assert_eq!(Fingerprint::of_texts(&[]).to_string(), "ee673eff1423ef136bcf7255a5c5b780");
        assert_eq!(Fingerprint::of_texts(&["a", "bc"]).to_string(), "c94a8b9c61300ac7edee8dae68a3f25e");
    }

    #[test]
    fn where_one_text_ends_and_the_next_begins_counts() {
        let all = [&["ab", "c"][..], &["a", "bc"], &["abc"], &["abc", ""], &["", "abc"]];
        let made: std::collections::BTreeSet<_> =
            all.iter().map(|texts| Fingerprint::of_texts(texts)).collect();
        assert_eq!(made.len(), all.len());
    }
}
