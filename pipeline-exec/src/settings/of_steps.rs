//! What the settings say of the steps of a graph: by name, by group and by tag; and names that mean nothing in it.

use std::collections::{BTreeMap, BTreeSet};

#[cfg(feature = "store")]
use pipeline_core::TypeDef;
use pipeline_core::{
    Dag, InputDef, Plan, Policy, Problem, ProblemCode, Selection, StepDef, closest, registered, registered_as,
};

use super::origins::{Origins, shown};
#[cfg(feature = "store")]
use super::{CacheMode, StepCache};
use super::{Settings, StepDefaults};
use crate::limits::{CORES, MEMORY};

/// The names of one kind in a step's definition, or in the policy that this step of a graph has.
type Names = for<'a> fn(&'a StepDef, &'a Policy) -> Vec<&'a str>;

/// Maximum number of steps that a warning names.
#[cfg(feature = "cli")]
const MOST_NAMED: usize = 5;

impl Settings {
    /// What is said of steps by name, for each step of the graph of which anything is. Of several entries for one step a
    /// name wins over a pattern, and a longer pattern over a shorter one, field by field.
    pub(crate) fn by_name(&self, dag: &Dag) -> BTreeMap<usize, StepDefaults> {
        let mut said: BTreeMap<usize, StepDefaults> = BTreeMap::new();
        for (step, _, settings) in self.by_precedence(dag) {
            said.entry(step).or_default().lay(settings);
        }
        said
    }

    /// Each entry of `steps` for each step of the graph that it means: of one step, the entry that wins comes last.
    fn by_precedence(&self, dag: &Dag) -> impl Iterator<Item = (usize, &String, &StepDefaults)> {
        let mut entries: Vec<(&String, &StepDefaults)> = self.steps.iter().collect();
        entries.sort_by_key(|(key, _)| (!is_pattern(key), key.len()));
        entries.into_iter().flat_map(|(key, said)| {
            let steps = named(dag, key).unwrap_or_default();
            steps.into_iter().map(move |step| (step, key, said))
        })
    }

    /// For each step of a plan, for how long its stored output is used; empty if no step is cached.
    ///
    /// A step that `writes` has to run each time. One that returns nothing may do so without saying it: only what names it, or its
    /// own attribute, caches it.
    #[cfg(feature = "store")]
    pub(crate) fn lifetimes(&self, plan: &Plan) -> Vec<StepCache> {
        // Most runs cache nothing, and looking at each of their steps would take longer than short steps.
        if self.cache == CacheMode::Off || !(plan.any_cached() || self.says_cache()) {
            return Vec::new();
        }
        let by_name = self.by_name(plan.dag());
        let lifetime = |step: usize| {
            let spec = plan.spec(step);
            let of_step = by_name.get(&plan.in_dag(step)).and_then(|said| said.cache);
            let own = || spec.policy().cache.map(|cache| cache.ttl.map_or(StepCache::On, StepCache::For));
            let of_tags = || spec.def().tags.iter().find_map(|tag| self.tags.get(*tag)?.cache);
            let of_group = || self.groups.get(spec.def().group.as_deref()?)?.cache;
            let of_all = || self.defaults.cache.or((self.cache == CacheMode::All).then_some(StepCache::On));
            let has_output = spec.def().output != TypeDef::of::<()>();
            let of_many = || of_tags().or_else(of_group).or_else(of_all).filter(|_| has_output);
            let said = of_step.or_else(own).or_else(of_many).filter(|_| !spec.policy().writes);
            said.unwrap_or(StepCache::Off)
        };
        let lifetimes: Vec<_> = (0..plan.len()).map(lifetime).collect();
        if lifetimes.iter().any(|lifetime| *lifetime != StepCache::Off) { lifetimes } else { Vec::new() }
    }

    /// The disabled steps of a plan, ascending, each with the reason.
    pub(crate) fn disabled(&self, plan: &Plan) -> Vec<(usize, String)> {
        if !self.says_enabled() {
            return Vec::new();
        }
        let by_name = self.by_name(plan.dag());
        let steps = 0..plan.len();
        steps.filter_map(|step| Some((step, self.why_off(plan, step, &by_name)?))).collect()
    }

    /// Returns a warning for each setting that gives retries to steps of a plan that cannot be retried: they take an input by
    /// value, and have no own retries, for which it would be cloned. The settings that name such a step (not by a pattern)
    /// are refused instead.
    #[cfg(feature = "cli")]
    pub(crate) fn retries_without_effect(&self, plan: &Plan) -> Vec<String> {
        let given = |said: &StepDefaults| said.retries.is_some_and(|retries| retries > 0);
        let of_steps = self.by_precedence(plan.dag()).filter(|(_, _, said)| said.retries.is_some());
        let of_steps: BTreeMap<usize, (&String, &StepDefaults)> =
            of_steps.map(|(step, key, said)| (step, (key, said))).collect();
        let mut without: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for step in (0..plan.len()).filter(|&step| plan.given().binary_search(&(step as u32)).is_err()) {
            let spec = plan.spec(step);
            if !cannot_be_retried(spec.def()) {
                continue;
            }
            let of_group =
                spec.def().group.as_deref().and_then(|group| Some((group, self.groups.get(group)?)));
            let of_group = of_group.filter(|(_, said)| said.retries.is_some());
            let key = match (of_steps.get(&plan.in_dag(step)), of_group) {
                (Some((key, said)), _) => {
                    (given(said) && is_pattern(key)).then(|| format!("steps.{key}.retries"))
                }
                _ if spec.policy().retries.is_some() => None,
                (None, Some((group, said))) => given(said).then(|| format!("groups.{group}.retries")),
                (None, None) => given(&self.defaults).then(|| "defaults.retries".to_owned()),
            };
            key.into_iter().for_each(|key| without.entry(key).or_default().push(spec.name()));
        }
        let warning = |(key, steps): (String, Vec<&str>)| {
            let origin =
                self.origins.of(&key).map_or_else(String::new, |origin| format!(" ({})", shown(origin)));
            let named: Vec<String> =
                steps.iter().take(MOST_NAMED).map(|step| format!("`{}`", shown(step))).collect();
            let more = steps.len() - named.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!(
                "setting `{}`{origin} has no effect on {}{more}: an input that a step takes by value is gone after an attempt; \
                 write `retries` on the step, which clones it, or read it by reference",
                shown(&key),
                named.join(", ")
            )
        };
        without.into_iter().map(warning).collect()
    }

    #[cfg(feature = "store")]
    fn says_cache(&self) -> bool {
        let all = self.steps.values().chain(self.groups.values()).chain([&self.defaults]);
        let mut said = all.map(|said| said.cache).chain(self.tags.values().map(|said| said.cache));
        self.cache == CacheMode::All || said.any(|said| said.is_some())
    }

    fn says_enabled(&self) -> bool {
        let all = self.steps.values().chain(self.groups.values()).chain([&self.defaults]);
        all.map(|said| said.enabled)
            .chain(self.tags.values().map(|said| said.enabled))
            .any(|said| said.is_some())
    }

    /// Why a step is not to run. What is said of it by name wins over its group, that over its tags, those over the run.
    fn why_off(&self, plan: &Plan, step: usize, by_name: &BTreeMap<usize, StepDefaults>) -> Option<String> {
        let (dag, in_dag) = (plan.dag(), plan.in_dag(step));
        let off = |key: String| {
            let origin = self.origins.of(&key).unwrap_or("the settings");
            format!("disabled by {} (`{} = false`)", shown(origin), shown(&key))
        };
        if let Some(on) = by_name.get(&in_dag).and_then(|said| said.enabled) {
            let names_it = |key: &&String| {
                self.steps[*key].enabled == Some(false)
                    && named(dag, key).is_ok_and(|steps| steps.contains(&in_dag))
            };
            return (!on).then(|| {
                off(format!("steps.{}.enabled", self.steps.keys().find(names_it).map_or("*", |key| key)))
            });
        }
        let def = plan.spec(step).def();
        let group = def.group.as_deref().and_then(|group| Some((group, self.groups.get(group)?.enabled?)));
        if let Some((group, on)) = group {
            return (!on).then(|| off(format!("groups.{group}.enabled")));
        }
        let mut tags =
            def.tags.iter().filter_map(|tag| Some((tag, self.tags.get(*tag)?.enabled?))).peekable();
        if tags.peek().is_some() {
            return tags.find(|(_, on)| !on).map(|(tag, _)| off(format!("tags.{tag}.enabled")));
        }
        (self.defaults.enabled == Some(false)).then(|| off("defaults.enabled".to_owned()))
    }

    /// Returns a problem for each name of steps, groups, tags and limits that no step of this graph or of the program has.
    pub(crate) fn unknown_names(&self, dag: &Dag) -> Vec<Problem> {
        let origins = &self.origins;
        let mut problems = Vec::new();
        for (key, said) in &self.steps {
            match named(dag, key) {
                Err(why) if why.code == ProblemCode::AmbiguousName || !is_registered(key) => {
                    problems.push(origins.note(&format!("steps.{key}"), why));
                }
                Ok(steps) if said.retries.is_some_and(|retries| retries > 0) && !is_pattern(key) => {
                    let takers = steps.into_iter().filter(|&step| cannot_be_retried(dag.step(step).def()));
                    problems.extend(takers.map(|step| of_no_use(dag, step, key, origins)));
                }
                _ => {}
            }
        }
        let mut look_up = |section: &str, what: &str, names: Vec<&String>, of: Names| {
            if names.is_empty() {
                return;
            }
            let in_dag = (0..dag.len()).map(|step| dag.step(step));
            let mut known: BTreeSet<&str> = in_dag.flat_map(|step| of(step.def(), step.policy())).collect();
            if names.iter().all(|name| known.contains(name.as_str())) {
                return;
            }
            known.extend(registered().into_iter().flat_map(|def| of(def, &def.policy)));
            for name in names.into_iter().filter(|name| !known.contains(name.as_str())) {
                let key = format!("{section}.{name}");
                let message =
                    format!("setting `{}` has no effect: no step {what} `{}`", shown(&key), shown(name));
                let problem = Problem::new(ProblemCode::InvalidSetting, message).hint(meant(name, &known));
                problems.push(origins.note(&key, problem));
            }
        };
        look_up("groups", "is in a group", self.groups.keys().collect(), |def, _| {
            def.group.as_deref().into_iter().collect()
        });
        look_up("tags", "has the tag", self.tags.keys().collect(), |def, _| def.tags.to_vec());
        let machine = [CORES, MEMORY];
        let limits = self.limits.keys().filter(|name| !machine.contains(&name.as_str())).collect();
        look_up("limits", "needs the limit", limits, |_, policy| {
            policy.limits.iter().map(|(name, _)| &**name).collect()
        });
        problems
    }
}

/// The steps that a key of `steps` means, by position in the graph.
fn named(dag: &Dag, key: &str) -> Result<Vec<usize>, Problem> {
    match dag.find(key) {
        Ok(step) => return Ok(vec![step]),
        Err(mut problem) if problem.code == ProblemCode::AmbiguousName => {
            problem.message = format!("setting `steps.{}`: {}", shown(key), problem.message);
            return Err(problem);
        }
        Err(_) => {}
    }
    let invalid = |why: &str| {
        Problem::new(ProblemCode::InvalidSetting, format!("setting `steps.{}`: {why}", shown(key)))
    };
    if key.starts_with("tag:") || key.starts_with("group:") || key.starts_with('+') || key.ends_with('+') {
        return Err(invalid("it takes a step's name or a pattern")
            .hint("for a group write `groups.NAME`, for a tag `tags.NAME`, and name steps one by one"));
    }
    Selection::parse(&[key]).and_then(|selection| dag.select(&selection)).map_err(|problems| {
        let first = problems.iter().next();
        let problem = invalid(first.map_or("it names no step", |problem| &problem.message));
        match first.and_then(|problem| problem.hint.clone()) {
            Some(hint) => problem.hint(hint),
            None => problem,
        }
    })
}

/// Whether an input is gone after the first attempt: the step takes it by value, and has no word about retries, for which
/// it would be cloned.
pub(crate) fn cannot_be_retried(def: &StepDef) -> bool {
    let clones = def.policy.retries.is_some_and(|retries| retries > 0);
    !clones && def.inputs.iter().any(InputDef::takes)
}

fn of_no_use(dag: &Dag, step: usize, key: &str, origins: &Origins) -> Problem {
    let (spec, key) = (dag.step(step), format!("steps.{key}.retries"));
    let message = format!("setting `{}` has no effect: the step takes an input by value", shown(&key));
    let problem = Problem::new(ProblemCode::InvalidSetting, message).step(spec.name(), spec.location());
    let hint =
        "write `retries` on the step, so that the input is cloned for each attempt, or read it by reference";
    origins.note(&key, problem.hint(hint))
}

/// Whether a key of `steps` means a step of the program that is no part of the graph at hand.
fn is_registered(key: &str) -> bool {
    if !is_pattern(key) {
        return !registered_as(key).is_empty();
    }
    Dag::registered().is_ok_and(|dag| named(&dag, key).is_ok())
}

fn is_pattern(key: &str) -> bool {
    key.contains(['*', '?', '[', '{', '\\'])
}

/// Returns the key in the section where it belongs, if its first part is the name of a step, a group or a tag of the program.
pub(super) fn under_section(key: &[String]) -> Option<String> {
    let (name, rest) = key.split_first().filter(|(_, rest)| !rest.is_empty())?;
    let defs = registered();
    let has = |has: &dyn Fn(&StepDef) -> bool| defs.iter().any(|def| has(def));
    let section = if has(&|def| def.name == *name) {
        "steps"
    } else if has(&|def| def.group.as_deref() == Some(name)) {
        "groups"
    } else if has(&|def| def.tags.iter().any(|tag| tag == name)) {
        "tags"
    } else {
        return None;
    };
    Some(shown(&format!("{section}.{name}.{}", rest.join("."))))
}

/// The closest of the known names, or some of them.
pub(super) fn meant(name: &str, known: &BTreeSet<&str>) -> String {
    match closest(name, known.iter().copied()) {
        Some(close) => format!("did you mean `{}`?", shown(close)),
        None if known.is_empty() => "there is none in this program; leave it out".to_owned(),
        None => {
            let some: Vec<String> = known.iter().take(10).map(|name| shown(name)).collect();
            let more = if known.len() > some.len() { ", …" } else { "" };
            format!("there are {}{more}", some.join(", "))
        }
    }
}
