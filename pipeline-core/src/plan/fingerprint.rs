//! Fingerprints of the graph that a run executes, and of the run's configuration.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use super::Plan;
use super::bind::OF_INSTANCE;
use crate::fingerprint::Fingerprint;
use crate::hash::StableHash;
use crate::params::{BoundParam, BoundParams, ParamDef, ParamValue};
use crate::policy::Policy;
use crate::step::{InputDef, InputKind, Mode, Quorum};
use crate::{contain, secret};

impl Fingerprint {
    /// Returns the fingerprint of a run's configuration: its settings except the fields `left_out`, and the value given
    /// for each run parameter of each step. Values are hashed and not kept. Defaults in code, resources and given
    /// outputs are left out: they have no form that could be hashed.
    ///
    /// A value with few possibilities can be found by hashing them all. So of a parameter that holds a
    /// [`Secret`](crate::Secret), only whether it was given is hashed.
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
        let secret = plan.secret_params(params);
        for (step, entry) in plan.param_steps().zip(&params.entries) {
            hash.text(&plan.spec(step).identity());
            hash.text(&entry.def.name);
            match &entry.given {
                None => hash.number(0),
                // A short secret could be found by hashing all candidates.
                Some(_) if secret.contains(&*entry.def.name) => hash.number(1),
                Some(value) => hash.param(value),
            }
        }
        Fingerprint(hash.end())
    }

    /// Returns the fingerprint of the value given for each run parameter, by its name, or by `step.name` (the step by its identity) if the steps
    /// that read it were given different values. A parameter that was not given has none. The same holds for one that
    /// is a [`Secret`](crate::Secret) to any step of the graph, because a value with few possibilities could be found
    /// by hashing them all.
    pub fn of_params(plan: &Plan, params: &BoundParams) -> BTreeMap<String, Fingerprint> {
        plan.each_param(params, |entry| entry.given.as_ref().map(Fingerprint::of_param))
    }
}

impl Fingerprint {
    /// Returns the fingerprint of a value as it was given. The order of the fields of objects does not count.
    pub(super) fn of_param(value: &ParamValue) -> Fingerprint {
        let mut hash = StableHash::new("parameter");
        hash.param(value);
        Fingerprint(hash.end())
    }
}

impl Plan {
    /// Returns the value given for each run parameter, by its name, or by `step.name` if the steps that read it were given
    /// different values. Left out are those that were not given, those of instances, and those that are a
    /// [`Secret`](crate::Secret) to any step of the graph, or may hold one.
    pub fn open_params(&self, params: &BoundParams) -> BTreeMap<String, ParamValue> {
        self.each_param(params, |entry| entry.given.clone().filter(|_| entry.origin != OF_INSTANCE))
    }

    /// Returns what `of` makes of the value given for each run parameter that is no secret.
    fn each_param<T: Clone + PartialEq>(
        &self,
        params: &BoundParams,
        of: impl Fn(&BoundParam) -> Option<T>,
    ) -> BTreeMap<String, T> {
        let (plan, secret) = (self, self.secret_params(params));
        let mut read: BTreeMap<&str, Vec<(usize, Option<T>)>> = BTreeMap::new();
        for (step, entry) in plan.param_steps().zip(&params.entries) {
            if secret.contains(&*entry.def.name) {
                continue;
            }
            let given = of(entry);
            read.entry(&entry.def.name).or_default().push((step, given));
        }
        let mut all = BTreeMap::new();
        for (name, steps) in read {
            let of_all = steps[0].1.clone().filter(|_| steps.iter().all(|(_, given)| *given == steps[0].1));
            if let Some(of_all) = of_all {
                all.insert(name.to_owned(), of_all);
                continue;
            }
            let of_step = |step: usize| format!("{}.{name}", plan.spec(step).identity());
            let given = steps.into_iter().filter_map(|(step, given)| Some((of_step(step), given?)));
            all.extend(given);
        }
        all
    }

    /// Returns the fingerprint of the graph that this plan runs. It is the same in every process. It differs if a step,
    /// an edge, a mode, the type of an output, or a policy that the outcome depends on differs.
    ///
    /// Left out are the steps' code, places, documentation, tags and groups, and the lane, cost, priority and limits,
    /// which decide where and when a step runs but not its result. Types are hashed by the compiler's name for them,
    /// which may change with its version.
    ///
    /// # Complexity
    /// O(steps + edges) for the first call.
    pub fn fingerprint(&self) -> Fingerprint {
        *self.fingerprint.get_or_init(|| self.make_fingerprint())
    }

    /// Returns the names of the run parameters that are secret to some step of the graph. What is given for one goes to
    /// every step that reads it, even if that step does not declare it as a secret.
    fn secret_params(&self, params: &BoundParams) -> HashSet<&str> {
        // If a type does not show whether it holds a secret, reading what was given does.
        let reads_secret = |param: &ParamDef| {
            let bound = params.entries.iter().filter(|entry| entry.def.name == param.name);
            bound.filter_map(|entry| entry.given.as_ref()).any(|value| {
                let (read, is_secret) = secret::watch(|| contain::guard(|| value.read(param)));
                is_secret || !matches!(read, Ok(Ok(_)))
            })
        };
        let inputs = (0..self.dag().len()).flat_map(|step| &self.dag().step(step).def().inputs[..]);
        let secret = inputs.filter_map(|input| match &input.kind {
            InputKind::Param(param) if (param.secret)().unwrap_or_else(|| reads_secret(param)) => {
                Some(&*param.name)
            }
            _ => None,
        });
        secret.collect()
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
        hash.text(&spec.identity());
        hash.text(&def.id());
        hash.text(def.output.name());
        hash.flag(is_given);
        if is_given {
            // It does not run, so its inputs and policy do not matter.
            return;
        }
        hash.policy(spec.policy());
        hash.number(def.cases.len() as u64);
        def.cases.iter().for_each(|case| hash.text(&case().id()));
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
        steps.for_each(|step| hash.text(&self.dag().step(step).identity()));
    }
}

/// The value of a run parameter.
impl StableHash {
    fn param(&mut self, value: &ParamValue) {
        match value {
            ParamValue::Json(value) => self.json(value),
            // A parameter that takes a string reads both alike; others refuse the string.
            ParamValue::Text(text) => self.json_text(text),
        }
    }
}

/// The parts of a step's definition.
impl StableHash {
    /// Hashes the part of a policy that an outcome depends on. The rest decides only when a step runs, and beside which.
    fn policy(&mut self, policy: &Policy) {
        self.option(policy.retries, |hash, retries| hash.number(u64::from(retries)));
        self.option(policy.timeout, StableHash::duration);
        self.option(policy.deadline, StableHash::duration);
        for flag in [policy.optional, policy.fail_fast, policy.has_fallback] {
            self.flag(flag);
        }
        self.option(policy.sequential.as_deref(), StableHash::text);
        self.option(policy.when, StableHash::text);
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
            InputKind::Resource { name, ty, .. } => {
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
