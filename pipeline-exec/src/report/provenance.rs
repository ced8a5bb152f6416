//! What a run came from: enough to repeat it, and to tell in what another run differs.

use std::collections::{BTreeMap, BTreeSet};

use pipeline_core::{BoundParams, Fingerprint, Plan, RunScope};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::record::{CommandLine, RunRecord};
use crate::settings::Settings;
use crate::settings::row::Kind;

/// The settings, beside slots, that affect only the schedule: a deterministic run ends the same for all their values.
const OF_THE_SCHEDULE: [&str; 4] = ["timings", "shuffle", "sample_every", "slow_poll"];

/// What a run came from: its seed, and fingerprints of what it was made of. Fingerprints are 32 hex digits, and equal in
/// every process for the same content; see [`Plan::fingerprint`] and [`Fingerprint::of_config`] for what goes into them.
///
/// It has no value of a parameter, and nothing about the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Provenance {
    /// The seed of the run: [`Settings::seed`](crate::Settings::seed) with it gives every step the same random numbers.
    /// A seed that was not chosen is below 2⁵³, so that JSON readers that know only floating-point numbers do not round it.
    pub seed: u64,
    /// The fingerprint of the graph that ran.
    pub graph_fingerprint: String,
    /// The fingerprint of settings and run parameters. It does not depend on the seed and, in a deterministic run, on the
    /// settings of the schedule.
    pub config_fingerprint: String,
    /// The fingerprints of the values of run parameters, see [`Fingerprint::of_params`]. Parameters that hold a
    /// [`Secret`](pipeline_core::Secret) have none.
    pub params: BTreeMap<String, String>,
    /// The version of this framework.
    pub framework: String,
    /// The packages that have a step in the plan, with their versions. Several versions of one package are separated by `, `.
    /// Closures belong to no package.
    pub packages: BTreeMap<String, String>,
}

/// The scope of a run that is about to start: its id and seed. `unique` makes an id that no other run has.
pub(crate) fn scope_of(
    settings: &Settings,
    plan: &Plan,
    params: &BoundParams,
    unique: impl FnOnce() -> String,
) -> RunScope {
    if settings.deterministic {
        let seed = settings.seed.unwrap_or(0);
        let parts = [seed.to_string(), plan.fingerprint().to_string(), config(settings, plan, params)];
        let made = Fingerprint::of_texts(&parts.each_ref().map(String::as_str));
        let id = uuid::Builder::from_custom_bytes(made.to_bits().to_be_bytes()).into_uuid();
        return RunScope::new(id.to_string()).with_seed(seed);
    }
    let id = unique();
    let seed = settings.seed.unwrap_or_else(|| fresh_seed(&id));
    RunScope::new(id).with_seed(seed)
}

/// A seed that no other run has, from the unique id of the run.
fn fresh_seed(run_id: &str) -> u64 {
    Fingerprint::of_texts(&[run_id]).to_bits() as u64 >> 11
}

/// The settings that are no part of the configuration: the seed, which has its own field, and those about where runs are recorded.
const NOT_CONFIGURATION: [&str; 5] = ["seed", "runs_dir", "keep_runs", "record_params", "exclusive_run"];

fn config(settings: &Settings, plan: &Plan, params: &BoundParams) -> String {
    Fingerprint::of_config(plan, params, settings, &left_out(settings)).to_string()
}

fn left_out(settings: &Settings) -> Vec<&'static str> {
    let mut left_out = NOT_CONFIGURATION.to_vec();
    if settings.deterministic {
        let slots = Settings::ROWS.iter().filter(|row| row.kind == Kind::Slots).map(|row| row.key);
        left_out.extend(slots.chain(OF_THE_SCHEDULE));
    }
    left_out
}

/// The command line that started a run, as its report has it.
pub(super) fn command_line_of(run: &RunRecord) -> Option<CommandLine> {
    let line = run.command_line.as_deref()?.clone();
    if !run.settings.deterministic {
        return Some(line);
    }
    let left_out: Vec<_> = left_out(&run.settings).into_iter().filter(|key| *key != "seed").collect();
    Some(line.without(&left_out))
}

/// The settings that the configuration's fingerprint is made of, without empty ones.
pub(super) fn settings_of(settings: &Settings) -> BTreeMap<String, Value> {
    let Ok(Value::Object(all)) = serde_json::to_value(settings) else { return BTreeMap::new() };
    let left_out = left_out(settings);
    let says = |value: &Value| !value.is_null() && value.as_object().is_none_or(|names| !names.is_empty());
    all.into_iter().filter(|(name, value)| !left_out.contains(&name.as_str()) && says(value)).collect()
}

impl Provenance {
    pub(crate) fn of(run: &RunRecord) -> Self {
        let (frame, plan) = (&run.frame, run.frame.plan());
        Provenance {
            seed: frame.scope().seed(),
            graph_fingerprint: plan.fingerprint().to_string(),
            config_fingerprint: config(&run.settings, plan, frame.params()),
            params: params(plan, frame.params()),
            framework: env!("CARGO_PKG_VERSION").to_owned(),
            packages: packages(plan),
        }
    }

    /// Returns the fingerprint of the values of all run parameters that have one.
    #[cfg(feature = "report")]
    pub(crate) fn params_fingerprint(&self) -> String {
        let texts: Vec<&str> = self.params.iter().flat_map(|(name, value)| [name.as_str(), value]).collect();
        Fingerprint::of_texts(&texts).to_string()
    }

    /// Returns the differences from an earlier run, one sentence each; nothing if both came from the same.
    ///
    /// ```
    /// # use pipeline_core::{DagBuilder, Problems};
    /// # use pipeline_exec::{Pipeline, Settings};
    /// let mut dag = DagBuilder::new();
    /// dag.cpu("one", (), |()| 1_u64);
    /// let pipeline = Pipeline::new(dag.build()?);
    /// let first = pipeline.clone().settings(Settings::default().seed(1)).run_blocking()?;
    /// let second = pipeline.settings(Settings::default().seed(2)).run_blocking()?;
    /// let drift = second.report().provenance.drift(&first.report().provenance);
    /// assert_eq!(drift, ["seed 1 → 2"]);
    /// # Ok::<(), Problems>(())
    /// ```
    pub fn drift(&self, earlier: &Provenance) -> Vec<String> {
        if *earlier == Provenance::default() {
            return vec![
                "the earlier report has no provenance, so what the runs came from cannot be compared"
                    .to_owned(),
            ];
        }
        if *self == Provenance::default() {
            return vec![
                "the later report has no provenance, so what the runs came from cannot be compared"
                    .to_owned(),
            ];
        }
        let mut drift = Vec::new();
        if self.graph_fingerprint != earlier.graph_fingerprint {
            drift.push("the graph has changed".to_owned());
        }
        if self.config_fingerprint != earlier.config_fingerprint {
            drift.push("the settings or run parameters have changed".to_owned());
            drift.extend(drift_of_params(&self.params, &earlier.params));
        }
        if self.seed != earlier.seed {
            drift.push(format!("seed {} → {}", earlier.seed, self.seed));
        }
        if self.framework != earlier.framework {
            drift.push(format!("pipeline {} → {}", earlier.framework, self.framework));
        }
        let names: BTreeSet<&String> = self.packages.keys().chain(earlier.packages.keys()).collect();
        drift.extend(names.into_iter().filter_map(|name| {
            match (earlier.packages.get(name), self.packages.get(name)) {
                (Some(before), Some(now)) if before == now => None,
                (Some(before), Some(now)) => Some(format!("crate {name} {before} → {now}")),
                (None, Some(now)) => Some(format!("crate {name} {now} has steps now, and had none")),
                (Some(before), None) => Some(format!("crate {name} {before} had steps, and has none now")),
                (None, None) => None,
            }
        }));
        drift
    }

    /// The run parameters that only one of two runs had, which [`Provenance::drift`] names.
    #[cfg(feature = "report")]
    pub(crate) fn params_of_one<'p>(&'p self, other: &'p Provenance) -> BTreeSet<&'p str> {
        let (params, others) = (by_param(&self.params), by_param(&other.params));
        let (names, others): (BTreeSet<&str>, BTreeSet<&str>) =
            (params.into_keys().collect(), others.into_keys().collect());
        names.symmetric_difference(&others).copied().collect()
    }
}

fn params(plan: &Plan, params: &BoundParams) -> BTreeMap<String, String> {
    let all = Fingerprint::of_params(plan, params);
    all.into_iter().map(|(name, fingerprint)| (name, fingerprint.to_string())).collect()
}

/// The run parameters that have changed, one sentence each.
fn drift_of_params(now: &BTreeMap<String, String>, before: &BTreeMap<String, String>) -> Vec<String> {
    let (now, before) = (by_param(now), by_param(before));
    let names: BTreeSet<&str> = now.keys().chain(before.keys()).copied().collect();
    let sentence = |name: &str| match (before.get(name), now.get(name)) {
        (Some(before), Some(now)) if before == now => None,
        (Some(_), Some(_)) => Some(format!("run parameter `{name}` has changed")),
        (None, _) => Some(format!("run parameter `{name}` is given now, and was not")),
        (_, None) => Some(format!("run parameter `{name}` was given, and is not now")),
    };
    names.into_iter().filter_map(sentence).collect()
}

/// The fingerprints for each parameter, by its name without that of a step: for all steps, or for some.
fn by_param(given: &BTreeMap<String, String>) -> BTreeMap<&str, Vec<(&str, &str)>> {
    let mut all: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for (name, fingerprint) in given {
        let param = name.rsplit_once('.').map_or(name.as_str(), |(_, param)| param);
        all.entry(param).or_default().push((name, fingerprint));
    }
    all
}

fn packages(plan: &Plan) -> BTreeMap<String, String> {
    let all: BTreeSet<(&str, &str)> = (0..plan.len())
        .map(|step| plan.spec(step).def().package)
        .filter(|package| !package.name.is_empty())
        .map(|package| (package.name, package.version))
        .collect();
    let mut packages: BTreeMap<String, String> = BTreeMap::new();
    for (name, version) in all {
        let versions = packages.entry(name.to_owned()).or_default();
        if !versions.is_empty() {
            versions.push_str(", ");
        }
        versions.push_str(version);
    }
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provenance(packages: &[(&str, &str)]) -> Provenance {
        let owned = |&(name, version): &(&str, &str)| (name.to_owned(), version.to_owned());
        Provenance {
            seed: 1,
            graph_fingerprint: "g".into(),
            config_fingerprint: "c".into(),
            params: BTreeMap::new(),
            framework: "0.1.0".into(),
            packages: packages.iter().map(owned).collect(),
        }
    }

    #[test]
    fn drift_says_what_is_different_and_nothing_else() {
        let earlier = provenance(&[("gone", "1.0.0"), ("same", "1.0.0"), ("x", "0.1.0")]);
        assert_eq!(earlier.drift(&earlier), Vec::<String>::new());
        let now = Provenance {
            seed: 2,
            graph_fingerprint: "other".into(),
            config_fingerprint: "other".into(),
            framework: "0.2.0".into(),
            ..provenance(&[("new", "3.0.0"), ("same", "1.0.0"), ("x", "0.2.0")])
        };
        let expected = [
            "the graph has changed",
            "the settings or run parameters have changed",
            "seed 1 → 2",
            "pipeline 0.1.0 → 0.2.0",
            "crate gone 1.0.0 had steps, and has none now",
            "crate new 3.0.0 has steps now, and had none",
            "crate x 0.1.0 → 0.2.0",
        ];
        assert_eq!(now.drift(&earlier), expected);
    }

    #[test]
    fn a_report_from_before_there_was_provenance_is_said_to_be_one() {
        let drift = provenance(&[]).drift(&Provenance::default());
        assert!(drift.len() == 1 && drift[0].contains("no provenance"), "{drift:?}");
        let drift = Provenance::default().drift(&provenance(&[("x", "0.1.0")]));
        assert!(drift.len() == 1 && drift[0].starts_with("the later report"), "{drift:?}");
    }

    #[test]
    fn fresh_seeds_differ_and_survive_a_floating_number() {
        let seeds: BTreeSet<u64> = (0..100).map(|_| fresh_seed(&uuid::Uuid::now_v7().to_string())).collect();
        assert_eq!(seeds.len(), 100);
        assert!(seeds.iter().all(|&seed| seed as f64 as u64 == seed && seed < 1 << 53));
    }
}
