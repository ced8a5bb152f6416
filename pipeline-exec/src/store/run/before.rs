//! Before the run: which steps are stored, which of these values the run will read, and reading these.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pipeline_core::frame::Given;
use pipeline_core::{BoundParams, Plan};

use super::keys::{self, BaseMaker, Known};
use super::tally::Tally;
use super::{Caching, Decision, Lifetime, Place, Resumed, StepState, unpoisoned};
use crate::settings::ResumeMode;
use crate::store::{Key, Record, Records, files};
use crate::stored::CachedFrom;
use crate::text::short_id;

/// Purposes of keys.
pub(super) const CACHE: &str = "cache";
const LINEAGE: &str = "checkpoint";

/// What a run asks of the store.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) place: Place,
    /// For each step, how long its stored output is good; `None` if it is not cached.
    pub(crate) cache: Vec<Option<Lifetime>>,
    /// The steps that are run even if they are stored, ascending.
    pub(crate) fresh: Vec<usize>,
    pub(crate) resume: ResumeMode,
    /// The run whose checkpoints are used.
    pub(crate) resume_from: Option<String>,
}

/// What is known of the run that asks.
pub(crate) struct OfRun<'a> {
    pub(crate) run: &'a str,
    pub(crate) program: &'a str,
    /// The steps that are disabled, each with the reason.
    pub(crate) disabled: &'a [(usize, String)],
}

/// What is known of a step before the run.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// It has to be run, or to be looked up during the run.
    Nothing,
    /// It has ended in the run that is resumed, and left no value.
    Done,
    Record(Box<Record>),
}

impl Asked {
    /// Whether the store is used even if the run succeeds.
    pub(crate) fn is_involved(&self) -> bool {
        !self.cache.is_empty() || self.resume == ResumeMode::Always || self.resume_from.is_some()
    }
}

impl Caching {
    /// Looks up every step whose key is known before the run, and reads the values that the run needs.
    pub(crate) fn new(plan: &Plan, params: &BoundParams, asked: Asked, of_run: &OfRun<'_>) -> Self {
        let is_involved = asked.is_involved();
        let resume_from = asked.resume_from.clone();
        let mut caching = Caching::asking(asked, of_run);
        if !is_involved {
            return caching;
        }
        let mut found = caching.find(plan, params, resume_from, of_run);
        let given = caching.read_needed(plan, &mut found);
        let done = found.iter().filter(|found| !matches!(found, Found::Nothing)).count();
        caching.resumed.iter_mut().for_each(|resumed| resumed.done = done);
        caching.decide(found, given);
        caching.carry_over(plan);
        caching.print_warnings();
        caching
    }

    /// Nothing is looked up yet.
    pub(super) fn asking(asked: Asked, of_run: &OfRun<'_>) -> Self {
        Caching {
            run: of_run.run.to_owned(),
            program: of_run.program.to_owned(),
            steps: OnceLock::new(),
            cache: asked.cache,
            fresh: asked.fresh,
            resume: asked.resume,
            resumed: None,
            tally: Tally::default(),
            has_checkpoints: AtomicBool::new(false),
            timings: OnceLock::new(),
            place: asked.place,
        }
    }

    /// Looks up every step whose key is known before the run.
    pub(super) fn find(
        &mut self,
        plan: &Plan,
        params: &BoundParams,
        resume_from: Option<String>,
        of_run: &OfRun<'_>,
    ) -> Vec<Found> {
        self.make_states(plan, params, resume_from.is_some());
        let mut found = vec![Found::Nothing; plan.len()];
        let disabled: BTreeSet<usize> = of_run.disabled.iter().map(|(step, _)| *step).collect();
        if let Some(from) = resume_from {
            let again = self.find_checkpoints(plan, &from, &disabled, &mut found);
            self.resumed = Some(Resumed { run: from, done: 0, again });
        }
        self.find_cached(plan, &disabled, &mut found);
        found
    }

    /// Whether steps are looked up or stored while the run succeeds. Otherwise it only stores what is left of it if it fails.
    pub(crate) fn is_involved(&self) -> bool {
        !self.cache.is_empty() || self.keeps_all() || self.resumed.is_some()
    }

    /// Makes what is known of each step: all keys, so it takes as long as hashing the program if a step has no version and no
    /// trace. Called when it is first needed.
    pub(super) fn make_states(&self, plan: &Plan, params: &BoundParams, resumes: bool) -> &[StepState] {
        let keeps = self.resume != ResumeMode::Off || resumes;
        self.steps.get_or_init(|| {
            let memo = self.store().memo();
            let maker = BaseMaker::new(plan, params, &memo);
            let mut states = Vec::with_capacity(plan.len());
            for step in 0..plan.len() {
                states.push(self.state_of(plan, step, keeps, &maker, &states));
            }
            states
        })
    }

    fn state_of(
        &self,
        plan: &Plan,
        step: usize,
        keeps: bool,
        maker: &BaseMaker<'_>,
        earlier: &[StepState],
    ) -> StepState {
        let is_given = plan.given().binary_search(&(step as u32)).is_ok();
        let wanted = self.cache.get(step).copied().flatten().filter(|_| !is_given);
        let base = ((wanted.is_some() || keeps) && !is_given).then(|| maker.base(step));
        let has_key = matches!(base, Some(Ok(_))) && keys::depends_on_time(plan, step).is_none();
        let lineage = match &base {
            Some(Ok(base)) if keeps && has_key => {
                let of = |source: usize| earlier.get(source).and_then(|state| state.lineage).map(Known::Key);
                keys::key(LINEAGE, plan, step, base, None, of)
            }
            _ => None,
        };
        StepState {
            base,
            cache: wanted.filter(|_| has_key),
            fresh: self.fresh.binary_search(&step).is_ok(),
            decision: Mutex::default(),
            key: OnceLock::new(),
            own_key: OnceLock::new(),
            known: OnceLock::new(),
            lineage,
            is_checkpoint: OnceLock::new(),
            from: OnceLock::new(),
            late: OnceLock::new(),
        }
    }

    /// Finds the steps that the resumed run has stored, or has marked as done. Returns those that have to run again
    /// although they had ended, with the reason.
    ///
    /// A step counts only if everything that it reads had ended with an output: what it made without one, it may make otherwise now.
    fn find_checkpoints(
        &self,
        plan: &Plan,
        from: &str,
        disabled: &BTreeSet<usize>,
        found: &mut [Found],
    ) -> Vec<(usize, String)> {
        let records = self.store().checkpoints(from);
        let marks: BTreeMap<String, Key> =
            records.marks().into_iter().map(|mark| (mark.step, mark.key)).collect();
        let mut again = Vec::new();
        let mut any = false;
        let mut has_ended = vec![false; plan.len()];
        for (step, found) in found.iter_mut().enumerate() {
            let state = self.state(step);
            let identity = plan.spec(step).identity();
            let record = records.find(&identity);
            let had = record.as_ref().map(|record| record.key).or_else(|| marks.get(&*identity).copied());
            let Some(had) = had else { continue };
            any = true;
            if state.lineage != Some(had) {
                again.push((step, self.why_again(plan, step, record.as_ref())));
                continue;
            }
            if disabled.contains(&step) {
                continue;
            }
            if !keys::sources(plan, step).all(|source| has_ended[source]) {
                again.push((step, "something that it reads had no output".to_owned()));
                continue;
            }
            has_ended[step] = true;
            *found = match record {
                Some(record) if record.content.is_none() => Found::Done,
                Some(record) if self.is_whole(&record) => Found::Record(Box::new(record)),
                _ if marks.contains_key(&*identity) => Found::Done,
                _ => Found::Nothing,
            };
        }
        if !any {
            let id = short_id(from);
            self.store().warn(format!(
                "run {id} has left nothing in the store {}: all steps run",
                self.store().location()
            ));
        }
        again
    }

    /// Looks up the cached steps all of whose inputs are known.
    fn find_cached(&self, plan: &Plan, disabled: &BTreeSet<usize>, found: &mut [Found]) {
        let cache = self.store().cache();
        for (step, found) in found.iter_mut().enumerate() {
            let state = self.state(step);
            if let Found::Record(record) = &*found {
                _ = state.known.set(record.content.map(Known::Content));
            }
            let can_ask = state.cache.is_some()
                && !state.fresh
                && matches!(found, Found::Nothing)
                && plan.given().binary_search(&(step as u32)).is_err()
                && !plan.spec(step).policy().has_key
                && !disabled.contains(&step);
            if !can_ask || !keys::sources(plan, step).all(|source| self.known(source).is_some()) {
                continue;
            }
            let Some(Ok(base)) = &state.base else { continue };
            let key = keys::key(CACHE, plan, step, base, None, |source| self.known(source));
            let Some(key) = *state.key.get_or_init(|| key) else { continue };
            if let Some(record) = self.find_in(&cache, step, key) {
                _ = state.known.set(record.content.map(Known::Content));
                *found = Found::Record(Box::new(record));
            }
        }
    }

    /// Finds a record that is still good and whose bytes are there.
    pub(super) fn find_in(&self, cache: &Records, step: usize, key: Key) -> Option<Record> {
        let record = cache.find(&key.to_string())?;
        let Lifetime(most) = self.state(step).cache?;
        let is_good = most.is_none_or(|most| age_of(&record) <= most);
        (is_good && record.content.is_some() && self.is_whole(&record)).then_some(record)
    }

    /// Reports whether the bytes of a value are there, and its files where the step placed them; these are put back.
    fn is_whole(&self, record: &Record) -> bool {
        self.store().holds(record) && self.store().restore(record)
    }

    pub(super) fn known(&self, step: usize) -> Option<Known> {
        self.state(step).known.get().copied().flatten()
    }

    /// Reads what steps that may run need of the store. What is damaged is no longer found, and its step has to run: then
    /// more may be needed.
    fn read_needed(&mut self, plan: &Plan, found: &mut [Found]) -> BTreeMap<usize, Given> {
        let mut given = BTreeMap::new();
        loop {
            let needed = needed(plan, found);
            given.retain(|step, _| needed.contains(step));
            let missing: Vec<usize> = needed.into_iter().filter(|step| !given.contains_key(step)).collect();
            if missing.is_empty() {
                return given;
            }
            for (step, read) in self.read_all(plan, found, &missing) {
                match read {
                    Some(read) => _ = given.insert(step, read),
                    None => self.demote(plan, step, found),
                }
            }
        }
    }

    /// Forgets what was found of a step, and of every step that was found by what its output was: other bytes may come of it
    /// now.
    fn demote(&mut self, plan: &Plan, step: usize, found: &mut [Found]) {
        found[step] = Found::Nothing;
        let states = self.states_mut();
        states[step].known = OnceLock::new();
        let mut is_demoted = vec![false; plan.len()];
        is_demoted[step] = true;
        for later in step + 1..plan.len() {
            let state = &mut states[later];
            if state.key.get().is_none() || !keys::sources(plan, later).any(|source| is_demoted[source]) {
                continue;
            }
            is_demoted[later] = true;
            found[later] = Found::Nothing;
            (state.key, state.known) = (OnceLock::new(), OnceLock::new());
        }
    }

    /// Reads stored values, several at once.
    fn read_all(&self, plan: &Plan, found: &[Found], steps: &[usize]) -> Vec<(usize, Option<Given>)> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(steps.len());
        let (next, read) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let work = || {
            while let Some(&step) = steps.get(next.fetch_add(1, Ordering::Relaxed)) {
                let Found::Record(record) = &found[step] else { continue };
                let value = self.read(plan, step, record);
                unpoisoned(read.lock()).push((step, value));
            }
        };
        thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            work();
            // A panic of a type's `Deserialize` is contained where it is called.
            others.into_iter().for_each(|thread| thread.join().expect("invariant: reading does not panic"));
        });
        read.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Reads a stored value; `None`, with a warning, if it is damaged or cannot be decoded.
    pub(super) fn read(&self, plan: &Plan, step: usize, record: &Record) -> Option<Given> {
        let bytes = self.store().load(record)?;
        let spec = plan.spec(step);
        let form = spec.def().codec.stored()?;
        let why = match files::reading_from(self.store(), || form.decode(step, &bytes)) {
            Ok(given) => return Some(given.from_store()),
            Err(why) => why,
        };
        let name = spec.name();
        self.store()
            .warn(format!("the stored output of step `{name}` cannot be read and is made again: {why}"));
        self.store().set_aside_value(record);
        None
    }

    fn decide(&mut self, found: Vec<Found>, mut given: BTreeMap<usize, Given>) {
        for (step, found) in found.into_iter().enumerate() {
            let state = &mut self.states_mut()[step];
            if let Found::Record(record) = &found {
                _ = state.from.set(from(record));
            }
            let decision = match (found, given.remove(&step)) {
                (Found::Record(_), Some(given)) => Decision::Read(Some(given)),
                (Found::Record(record), None) => Decision::Unread(Some(record)),
                (Found::Done, _) => Decision::Unread(None),
                (Found::Nothing, _) if state.cache.is_some() => Decision::Ask,
                (Found::Nothing, _) => Decision::Run,
            };
            if matches!(decision, Decision::Run | Decision::Ask) {
                // What was found is not used: other bytes may come of it, or none.
                (state.key, state.known) = (OnceLock::new(), OnceLock::new());
            }
            state.decision = Mutex::new(decision);
        }
    }
}

/// Returns the steps of which some step of the run may read the stored value. What has to run because its value is missing is
/// marked as such.
fn needed(plan: &Plan, found: &mut [Found]) -> Vec<usize> {
    let is_given = |step: usize| plan.given().binary_search(&(step as u32)).is_ok();
    let mut runs: Vec<bool> = found
        .iter()
        .enumerate()
        .map(|(step, found)| matches!(found, Found::Nothing) && !is_given(step))
        .collect();
    let has_value = |step: usize| matches!(found[step], Found::Record(_)) || is_given(step);
    let is_needed = needed_values(plan, &mut runs, has_value);
    for (found, _) in found.iter_mut().zip(&runs).filter(|(_, runs)| **runs) {
        *found = Found::Nothing;
    }
    (0..plan.len()).filter(|&step| is_needed[step] && matches!(found[step], Found::Record(_))).collect()
}

/// Returns, for each step, whether a step that runs reads its output. `runs` has the steps that run; what has to run because
/// its value is needed and not there is added.
pub(super) fn needed_values(plan: &Plan, runs: &mut [bool], has_value: impl Fn(usize) -> bool) -> Vec<bool> {
    let mut is_needed = vec![false; plan.len()];
    for step in (0..plan.len()).rev() {
        // The output of a switch decides which of its cases run.
        is_needed[step] |= !plan.spec(step).def().cases.is_empty();
        runs[step] |= is_needed[step] && !has_value(step);
        if runs[step] {
            keys::sources(plan, step).for_each(|source| is_needed[source] = true);
        }
    }
    is_needed
}

/// Says where a stored value comes from.
pub(super) fn from(record: &Record) -> CachedFrom {
    CachedFrom { run: record.run.clone(), made_unix_ms: record.made_unix_ms, took_ms: record.took_ms }
}

/// The age of a stored value. One that was made in the future has none.
pub(super) fn age_of(record: &Record) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.saturating_sub(Duration::from_millis(record.made_unix_ms))
}
