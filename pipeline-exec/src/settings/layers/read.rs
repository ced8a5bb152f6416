//! Merging layers, and reading the result.

use std::collections::{BTreeMap, BTreeSet};

use pipeline_core::{Lane, Problem, ProblemCode, closest};
use serde_json::Value;

use super::known::{self, Known};
use super::leaf::{Key, Leaf, Leaves};
use super::resolved::ResolvedSettings;
use super::{FileParams, Source};
use crate::settings::Settings;
use crate::settings::explicit::Remember;
use crate::settings::origins::{Origins, shown};
use crate::settings::presets::PRESETS;
use crate::settings::row::Kind;

/// The source of a setting that no other source has set.
pub(super) const DEFAULT: &str = "default";

/// A value as its setting takes it: text becomes a number or `true` if the setting takes no text, and `none` becomes null.
pub(super) fn as_written(key: &Key, value: Value, source: Source) -> Value {
    let Value::String(text) = &value else { return value };
    let kind = known::kind(key);
    if text == "none" && kind.is_some_and(Kind::can_be_none) {
        return Value::Null;
    }
    let from_text = !matches!(source, Source::File | Source::Section | Source::Repeated | Source::Code);
    if from_text && !kind.is_some_and(Kind::is_text) {
        return serde_json::from_str(text).unwrap_or(value);
    }
    value
}

/// Every setting that code has set by a method, or that differs from the default.
pub(super) fn set_by_code(settings: &Settings) -> Vec<(Key, Value)> {
    let defaults = Leaves::written(&Settings::default(), DEFAULT);
    let differs =
        |key: &Key, leaf: &Leaf| defaults.0.get(key).is_none_or(|default| default.value != leaf.value);
    let all = Leaves::written(settings, "code").0.into_iter();
    let set = all.filter(|(key, leaf)| settings.is_explicit(&key.join(".")) || differs(key, leaf));
    set.map(|(key, leaf)| (key, leaf.value)).collect()
}

/// The readable settings of all layers, and the problems.
pub(super) fn put_together(
    layers: BTreeMap<Source, Leaves>,
    params: FileParams,
    warnings: Vec<String>,
) -> (ResolvedSettings, Vec<Problem>) {
    let mut problems = Vec::new();
    let (mut layers, mut warnings) = (layers, warnings);
    layers.values_mut().for_each(|leaves| refuse_wrong(leaves, &mut problems));
    warnings.extend(without_effect(&layers));
    let (mut given, sources) = covered(layers);
    let mut all = Leaves::written(&Settings::default(), DEFAULT);
    // A program's defaults are below the preset, like those of the library.
    let of_program: Vec<Key> = sources
        .iter()
        .filter(|(_, source)| **source == Source::Default)
        .map(|(key, _)| key.clone())
        .collect();
    for key in of_program {
        if let Some(leaf) = given.0.remove(&key) {
            all.put(key, leaf);
        }
    }
    if let Some(Leaf { value, origin }) = given.0.remove(&vec!["preset".to_owned()]) {
        match preset(&value, &origin) {
            Ok(preset) => all.cover(preset),
            Err(problem) => problems.push(problem),
        }
    }
    refuse_unreadable(&mut given, &mut problems);
    let workers = vec!["workers".to_owned()];
    let opens_lanes = sources.get(&workers).copied().filter(|_| given.0.contains_key(&workers));
    all.cover(given);
    if let Some(source) = opens_lanes {
        open_lanes(&mut all, &sources, source);
    }
    let mut settings = serde_json::from_value::<Settings>(all.nested(&[])).unwrap_or_else(|error| {
        // Parts can be read each, and not together: none such is known.
        let message = format!("the settings cannot be read: {}", shown(&error.to_string()));
        problems.push(Problem::new(ProblemCode::InvalidSetting, message).hint("fix what is named"));
        Settings::default()
    });
    let set = all.0.iter().filter(|(_, leaf)| leaf.origin != DEFAULT);
    settings.origins = Origins::new(set.map(|(key, leaf)| (key.join("."), leaf.origin.clone())).collect());
    problems.extend(settings.problems());
    (ResolvedSettings::new(settings, all, params, warnings), problems)
}

/// A warning for each setting of a user that code sets to another value.
fn without_effect(layers: &BTreeMap<Source, Leaves>) -> Vec<String> {
    let of_users = [Source::Flag, Source::Environment, Source::Section, Source::File];
    let code = layers.get(&Source::Code).into_iter().flat_map(|leaves| &leaves.0);
    let lost = code.filter_map(|(key, of_code)| {
        let given = of_users.iter().find_map(|source| layers.get(source)?.0.get(key))?;
        // Code may have read the same file and environment.
        (as_read(key, given) != of_code.value).then(|| {
            let (key, origin) = (shown(&key.join(".")), shown(&given.origin));
            format!("setting `{key}` ({origin}) has no effect: the program's code sets it")
        })
    });
    lost.collect()
}

/// A value in the form that settings are written in: `1m` for `60s`.
fn as_read(key: &Key, leaf: &Leaf) -> Value {
    let mut alone = Leaves::default();
    alone.put(key.clone(), leaf.clone());
    match serde_json::from_value::<Settings>(alone.nested(&[])) {
        Ok(settings) => Leaves::written(&settings, DEFAULT).value(key),
        Err(_) => leaf.value.clone(),
    }
}

/// All layers merged, and the source of each leaf.
fn covered(layers: BTreeMap<Source, Leaves>) -> (Leaves, BTreeMap<Key, Source>) {
    let (mut given, mut sources) = (Leaves::default(), BTreeMap::new());
    for (source, leaves) in layers {
        sources.extend(leaves.0.keys().map(|key| (key.clone(), source)));
        given.cover(leaves);
    }
    (given, sources)
}

/// Gives each lane as many slots as `workers`, unless the same source or a later one sets them.
fn open_lanes(all: &mut Leaves, sources: &BTreeMap<Key, Source>, source: Source) {
    let Some(workers) = all.0.get(&vec!["workers".to_owned()]).cloned() else { return };
    for lane in Lane::ALL {
        let key = vec![lane.name().to_owned()];
        let is_less = all.0.get(&key).is_some_and(|slots| slots.value.as_u64() < workers.value.as_u64());
        if is_less && sources.get(&key).is_none_or(|of_lane| *of_lane < source) {
            let origin = format!("{}, which is more than the default of the lane", workers.origin);
            all.put(key, Leaf { value: workers.value.clone(), origin });
        }
    }
}

/// The settings of a preset that differ from the defaults.
fn preset(value: &Value, origin: &str) -> Result<Leaves, Problem> {
    let unknown = || {
        let names = PRESETS.map(|preset| preset.name);
        let problem =
            Problem::new(ProblemCode::InvalidSetting, format!("there is no preset {}", in_words(value)))
                .note(format!("it is set by {}", shown(origin)));
        match value.as_str().and_then(|name| closest(name, names)) {
            Some(close) => problem.hint(format!("did you mean `{close}`?")),
            None => problem.hint(format!("there are {}", names.join(", "))),
        }
    };
    let name = value.as_str().ok_or_else(unknown)?;
    let preset = PRESETS.iter().find(|preset| preset.name == name).ok_or_else(unknown)?;
    let mut leaves = Leaves::default();
    for (key, value) in set_by_code(&(preset.settings)()) {
        leaves.put(key, Leaf { value, origin: format!("preset {name}") });
    }
    Ok(leaves)
}

/// Removes the unreadable values of one layer, and reports them, even if a later layer sets the same: a wrong value would take effect
/// as soon as the other is left out.
fn refuse_wrong(leaves: &mut Leaves, problems: &mut Vec<Problem>) {
    leaves.0.retain(|key, leaf| {
        // If several leaves are read as one value, the others can be in another layer.
        if !matches!(known::look_up(key), Known::Unit(length, Some(_)) if length == key.len()) {
            return true;
        }
        let mut alone = Leaves::default();
        alone.put(key.clone(), leaf.clone());
        let before = problems.len();
        if key == &["preset"] {
            problems.extend(preset(&leaf.value, &leaf.origin).err());
        } else {
            refuse_unreadable(&mut alone, problems);
        }
        problems.len() == before
    });
}

/// Removes the unreadable values, one by one, and reports each.
fn refuse_unreadable(given: &mut Leaves, problems: &mut Vec<Problem>) {
    let unit = |key: &Key| match known::look_up(key) {
        Known::Unit(length, _) => Some(key[..length].to_vec()),
        _ => None,
    };
    let units: BTreeSet<Key> = given.0.keys().filter_map(unit).collect();
    for unit in units {
        if let Err(error) = serde_json::from_value::<Settings>(given.nested(&unit)) {
            problems.push(unreadable(given, &unit, &error.to_string()));
            given.0.retain(|key, _| !key.starts_with(&unit));
        }
    }
}

fn unreadable(given: &Leaves, unit: &Key, error: &str) -> Problem {
    let (key, origins) = (shown(&unit.join(".")), given.origins(unit));
    let origins = origins.iter().map(|origin| shown(origin)).collect::<Vec<_>>().join(" and ");
    let problem = if let Some(kind) = known::kind(unit) {
        is_not(unit, kind, &given.value(unit))
    } else {
        let message = format!("setting `{key}` cannot be read: {}", shown(error));
        Problem::new(ProblemCode::InvalidSetting, message).hint(FIX_IT)
    };
    problem.note(format!("`{key}` is set by {origins}"))
}

const FIX_IT: &str = "fix it, or leave it out for the default";

/// The problem of a value that is not what its setting takes.
pub(in crate::settings) fn is_not(key: &[String], kind: Kind, value: &Value) -> Problem {
    let (key, written) = (shown(&key.join(".")), in_words(value));
    let message = format!("setting `{key}` is {written}, but takes {}", kind.takes());
    let problem = Problem::new(ProblemCode::InvalidSetting, message);
    match value.as_u64().or_else(|| value.as_str()?.trim().parse().ok()) {
        Some(seconds @ 1..) if matches!(kind, Kind::Time | Kind::TimeOrZero) => {
            problem.hint(format!("did you mean `{seconds}s`?"))
        }
        _ => problem.hint(FIX_IT),
    }
}

fn in_words(value: &Value) -> String {
    match value {
        Value::Object(_) => "a table".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::String(text) => format!("`{}`", shown(text)),
        other => format!("`{other}`"),
    }
}
