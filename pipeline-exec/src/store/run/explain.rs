//! What a run would find of one step, and what differs from what is stored of it: for `cache why`.

use pipeline_core::{BoundParams, Plan};
use serde::Serialize;

use super::before::{Found, age_of};
use super::keys::{self, Base};
use super::refused::why_not_cached;
use super::{Asked, Caching, Lifetime, OfRun};
use crate::store::record::{CodeBy, RecordedCode, RecordedInput};
use crate::store::trace::{PartChange, TraceParts, changed};
use crate::store::{Record, ValueStore};

/// More parts of a trace are counted, not named.
const MOST_PARTS: usize = 5;

/// What a run would find of a step.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outlook {
    /// Its stored value.
    Hit,
    /// Nothing.
    Miss,
    /// It is looked up during the run, for this reason.
    Later(String),
    /// It is not looked up, for this reason.
    NotCached(String),
}

/// What differs from the newest stored value of a step.
#[derive(Debug, Serialize)]
pub(crate) struct Difference {
    /// `code`, `type`, `parameter`, `input`, `age` or `value`.
    pub(crate) of: &'static str,
    pub(crate) text: String,
}

/// What a run would find of a step, and why.
#[derive(Debug, Serialize)]
pub(crate) struct Explained {
    pub(crate) outlook: Outlook,
    /// The stored value that would be found, or that was compared: the newest.
    pub(crate) record: Option<Record>,
    pub(crate) differences: Vec<Difference>,
}

/// Says what a run would find of a step. `newest` is the newest stored value of it.
pub(crate) fn explain(
    plan: &Plan,
    params: &BoundParams,
    asked: Asked,
    of_run: &OfRun<'_>,
    step: usize,
    newest: Option<Record>,
) -> Explained {
    let mut caching = Caching::asking(asked, of_run);
    let found = caching.find(plan, params, None, of_run);
    if let Some(why) = caching.not_cached(plan, step) {
        return Explained { outlook: Outlook::NotCached(why), record: newest, differences: Vec::new() };
    }
    if let Found::Record(record) = &found[step] {
        let record = Some(record.as_ref().clone());
        return Explained { outlook: Outlook::Hit, record, differences: Vec::new() };
    }
    let outlook = match caching.later(plan, step) {
        Some(why) => Outlook::Later(why),
        None => Outlook::Miss,
    };
    let differences =
        newest.as_ref().map(|newest| caching.differences(plan, step, newest)).unwrap_or_default();
    Explained { outlook, record: newest, differences }
}

impl Caching {
    /// Why a step is not looked up and not stored.
    pub(crate) fn not_cached(&self, plan: &Plan, step: usize) -> Option<String> {
        let (spec, state) = (plan.spec(step), self.state(step));
        if plan.given().binary_search(&(step as u32)).is_ok() {
            return Some("its output is given".to_owned());
        }
        if self.cache.get(step).copied().flatten().is_none() {
            return Some(if spec.policy().writes {
                "it writes (`writes`), so it runs each time".to_owned()
            } else {
                "nothing asks for it: write `#[step(cache)]`, or run with `--cache`".to_owned()
            });
        }
        if let Some(Err(why)) = &state.base {
            return Some(why.clone());
        }
        why_not_cached(plan, step)
    }

    /// Why the key of a step is not known before the run.
    fn later(&self, plan: &Plan, step: usize) -> Option<String> {
        let unknown = keys::sources(plan, step).find(|&source| self.known(source).is_none());
        if let Some(source) = unknown {
            let name = plan.spec(source).name();
            return Some(format!(
                "it reads the output of `{name}`, which runs before; an equal output is a hit"
            ));
        }
        let has_key = plan.spec(step).policy().has_key;
        has_key.then(|| "its own key (`key = …`) is read when its inputs are there".to_owned())
    }

    fn differences(&self, plan: &Plan, step: usize, old: &Record) -> Vec<Difference> {
        let state = self.state(step);
        let Some(Ok(base)) = &state.base else { return Vec::new() };
        let mut all = Vec::new();
        let mut add = |of: &'static str, text: String| all.push(Difference { of, text });
        if old.code != base.code {
            let def = plan.spec(step).def();
            let of_trace = def
                .trace_details
                .and_then(|details| TraceParts::read_once(details, &def.id(), &base.code.hash));
            for text in code_differences(self.store(), &old.code, &base.code, of_trace.as_ref()) {
                add("code", text);
            }
        }
        if old.output.name != base.output.name {
            add("type", format!("its output was `{}`, and is `{}` now", old.output.name, base.output.name));
        } else if old.output != base.output {
            add("type", format!("the fields of its output `{}` changed", base.output.name));
        }
        of_params(old, base, &mut add);
        let now = keys::recorded(plan, step, |source| self.known(source));
        of_inputs(&old.inputs, &now, &mut add);
        let is_same = all.is_empty() && state.key.get().copied().flatten() == Some(old.key);
        if is_same {
            let of = |of, text| Difference { of, text };
            let age = age_of(old);
            match self.cache[step] {
                Some(Lifetime(Some(most))) if age > most => all.push(of(
                    "age",
                    format!(
                        "it is {} old, and good for {}",
                        humantime::format_duration(std::time::Duration::from_secs(age.as_secs())),
                        humantime::format_duration(most)
                    ),
                )),
                _ if !self.store().holds(old) => {
                    all.push(of("value", "its bytes are gone".to_owned()));
                }
                _ => {}
            }
        }
        all
    }
}

fn of_params(old: &Record, base: &Base, add: &mut impl FnMut(&'static str, String)) {
    for param in &base.params {
        match old.params.iter().find(|known| known.name == param.name) {
            Some(known) if known.digest == param.digest => {}
            Some(_) => add("parameter", format!("its parameter `{}` changed", param.name)),
            None => add("parameter", format!("its parameter `{}` is new", param.name)),
        }
    }
    for gone in old.params.iter().filter(|old| !base.params.iter().any(|param| param.name == old.name)) {
        add("parameter", format!("its parameter `{}` is gone", gone.name));
    }
}

fn of_inputs(old: &[RecordedInput], now: &[RecordedInput], add: &mut impl FnMut(&'static str, String)) {
    let names = |inputs: &[RecordedInput]| {
        inputs.iter().map(|input| format!("`{}`", input.name)).collect::<Vec<_>>().join(", ")
    };
    if names(old) != names(now) {
        let none = |names: String| if names.is_empty() { "none".to_owned() } else { names };
        add("input", format!("its inputs were {}, and are {} now", none(names(old)), none(names(now))));
        return;
    }
    for (old, now) in old.iter().zip(now) {
        let steps =
            |input: &RecordedInput| input.steps.iter().map(|source| source.step.clone()).collect::<Vec<_>>();
        if steps(old) != steps(now) {
            let of = |steps: Vec<String>| steps.join(", ");
            add(
                "input",
                format!(
                    "its input `{}` came from {}, and comes from {} now",
                    now.name,
                    of(steps(old)),
                    of(steps(now))
                ),
            );
            continue;
        }
        for (old, new) in old.steps.iter().zip(&now.steps) {
            let is_known = new.content.is_some() || new.key.is_some();
            if is_known && (old.content, old.key) != (new.content, new.key) {
                add("input", format!("its input `{}` changed: `{}` has another output", now.name, new.step));
            }
        }
    }
}

/// Says what differs between two codes of a step. `now` is what the trace of the present one is made of, if that is known.
fn code_differences(
    store: &ValueStore,
    old: &RecordedCode,
    new: &RecordedCode,
    now: Option<&TraceParts>,
) -> Vec<String> {
    match (old.by, new.by) {
        (CodeBy::Program, CodeBy::Program) => vec![
            "the program changed; which of its code the step can reach is not known: let its build script trace it \
             (`pipeline-build`), or give the step a version (`version = …`)"
                .to_owned(),
        ],
        (CodeBy::Version, CodeBy::Version) => {
            vec![format!("its version was {}, and is {} now", old.hash, new.hash)]
        }
        (CodeBy::Trace, CodeBy::Trace) => match (store.kept_trace(&old.hash), now) {
            (Some(then), Some(now)) => named(&then, now),
            _ => vec!["the code that it can reach changed; what was there before is not known any more".to_owned()],
        },
        (then, now) => vec![format!("its code was known by {}, and is by {} now", in_words(then), in_words(now))],
    }
}

fn in_words(by: CodeBy) -> &'static str {
    match by {
        CodeBy::Program => "the whole program",
        CodeBy::Trace => "what it can reach",
        CodeBy::Version => "its version",
    }
}

/// Names the parts of a trace that differ, each with its file.
fn named(then: &TraceParts, now: &TraceParts) -> Vec<String> {
    let differences = changed(then, now);
    let mut texts: Vec<String> = differences
        .iter()
        .take(MOST_PARTS)
        .map(|(change, part)| {
            let what = match change {
                PartChange::Changed => "changed",
                PartChange::Added => "was not reached before",
                PartChange::Removed => "is not reached any more",
            };
            let place =
                if part.file.is_empty() { String::new() } else { format!(" ({}:{})", part.file, part.line) };
            format!("`{}` {what}{place}", part.name)
        })
        .collect();
    if let Some(more) = differences.len().checked_sub(MOST_PARTS).filter(|more| *more > 0) {
        texts.push(format!("and {more} more items"));
    }
    texts
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic fails the test")]

    use super::*;
    use crate::settings::Durability;
    use crate::store::framed::framed;
    use crate::store::trace::TracePart;

    fn parts(trace: &str, parts: &[(&str, &str)]) -> TraceParts {
        let part = |(name, hash): &(&str, &str)| TracePart {
            name: (*name).to_owned(),
            file: if *name == "Cargo.lock" { String::new() } else { "src/csv.rs".to_owned() },
            line: 7,
            hash: (*hash).to_owned(),
        };
        TraceParts { trace: trace.to_owned(), parts: parts.iter().map(part).collect() }
    }

    #[test]
    fn items_that_changed_are_named_with_their_files() {
        let dir = std::env::temp_dir().join(format!("pipeline-explain-{}", std::process::id()));
        let store = ValueStore::open(&dir).unwrap();
        let old = parts("aa", &[("Cargo.lock", "1"), ("csv::fields", "1"), ("csv::gone", "1")]);
        let new = parts("bb", &[("Cargo.lock", "2"), ("csv::fields", "2"), ("csv::new", "1")]);
        let code = |parts: &TraceParts| RecordedCode { by: CodeBy::Trace, hash: parts.trace.clone() };
        let said = || code_differences(&store, &code(&old), &code(&new), Some(&new));
        assert!(said()[0].contains("not known any more"), "the old one was not kept");
        store.storage().put_new("traces/aa", &framed(&old), Durability::Process).unwrap();
        assert_eq!(
            said(),
            [
                "`Cargo.lock` changed",
                "`csv::fields` changed (src/csv.rs:7)",
                "`csv::new` was not reached before (src/csv.rs:7)",
                "`csv::gone` is not reached any more (src/csv.rs:7)",
            ]
        );
        let many: Vec<String> = (0..9).map(|number| format!("item{number}")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "1")).collect();
        let texts = named(&parts("cc", &[]), &parts("dd", &many));
        assert_eq!((texts.len(), texts[5].as_str()), (6, "and 4 more items"));
        // A collection leaves what is not old.
        store.gc(crate::store::GcRules::default()).unwrap();
        let store = ValueStore::open(&dir).unwrap();
        assert_eq!(store.kept_trace("aa"), Some(old));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
