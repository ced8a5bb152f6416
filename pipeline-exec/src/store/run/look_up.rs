//! During the run: a step that is ready is looked up by what its inputs are, and its output is stored when it succeeded.

use std::io::{self, Write};
use std::path::PathBuf;

use pipeline_core::frame::{Finished, Frame, Ready, StepOutput};
use pipeline_core::{Plan, StoredForm};

use super::before::{self, CACHE};
use super::keys::{self, Known};
use super::{Caching, Decision, unpoisoned};
use crate::store::files::{self, ParamFiles, ValueFiles};
use crate::store::record::CodeBy;
use crate::store::{Content, Key, Record, ValueStore, ValueStoreError};

impl Caching {
    /// Ends a step that is ready with what is stored.
    ///
    /// # Errors
    /// Returns the step if it has to be run.
    pub(crate) fn begin(&self, frame: &Frame, ready: Ready) -> Result<Finished, Ready> {
        let step = ready.step();
        if frame.will_skip(&ready) {
            return Err(ready);
        }
        files::near(self.store());
        let decision = {
            let mut decision = unpoisoned(self.state(step).decision.lock());
            match &mut *decision {
                Decision::Run => Decision::Run,
                Decision::Ask => Decision::Ask,
                // The record stays, for whoever reads the output after the run.
                Decision::Unread(_) => Decision::Unread(None),
                Decision::Read(given) => Decision::Read(given.take()),
            }
        };
        match decision {
            Decision::Unread(_) => {
                self.tally.hit();
                Ok(frame.finish_unread(ready))
            }
            Decision::Read(Some(given)) => {
                self.tally.hit();
                Ok(frame.finish_with(ready, given))
            }
            Decision::Ask => self.ask(frame, ready),
            Decision::Run | Decision::Read(None) => Err(ready),
        }
    }

    fn ask(&self, frame: &Frame, ready: Ready) -> Result<Finished, Ready> {
        let step = ready.step();
        // Also of a step that is run in any case: its output is stored under the key.
        let key = self.key_of(frame, &ready).filter(|_| !self.state(step).fresh);
        let found = key.and_then(|key| self.find_in(&self.store().cache(), step, key));
        let read = found.and_then(|record| Some((self.read(frame.plan(), step, &record)?, record)));
        match read {
            Some((given, record)) => {
                _ = self.state(step).known.set(record.content.map(Known::Content));
                _ = self.state(step).from.set(before::from(&record));
                self.tally.hit();
                Ok(frame.finish_with(ready, given))
            }
            None => Err(ready),
        }
    }

    /// The key of a step that is ready; `None` if it has none.
    fn key_of(&self, frame: &Frame, ready: &Ready) -> Option<Key> {
        let (step, plan) = (ready.step(), frame.plan());
        let state = self.state(step);
        *state.key.get_or_init(|| {
            let Some(Ok(base)) = &state.base else { return None };
            let own = match frame.key_of(ready) {
                Ok(own) => own.map(|own| *state.own_key.get_or_init(|| Content::of(own.as_bytes()))),
                Err(panic) => {
                    let name = plan.spec(step).name();
                    self.store().warn(format!(
                        "step `{name}` is not cached in this run: its `key` panicked: {panic}"
                    ));
                    return None;
                }
            };
            keys::key(CACHE, plan, step, base, own, |source| self.known_of(frame, ready, source))
        })
    }

    /// What the output of a step that feeds a ready one is known by.
    fn known_of(&self, frame: &Frame, ready: &Ready, source: usize) -> Option<Known> {
        // It may have been found before the run, and was skipped.
        if !frame.status(source).has_output() {
            return None;
        }
        *self.state(source).known.get_or_init(|| {
            let output = frame.input_of(ready, source)?;
            let form = frame.plan().spec(source).def().codec.stored();
            match form.and_then(|form| content_of(form, output)) {
                Some(content) => Some(Known::Content(content)),
                // What cannot be encoded is known by what made it, if that is known.
                None => self.state(source).key.get().copied().flatten().map(Known::Key),
            }
        })
    }

    /// Stores what is to be stored of a step that has succeeded, before any other step reads or drops it.
    pub(crate) fn succeeded(&self, frame: &Frame, finished: &Finished, used_fallback: bool) {
        files::far();
        let step = finished.step();
        let state = self.state(step);
        let key = state.key.get().copied().flatten().filter(|_| state.cache.is_some() && !used_fallback);
        if state.cache.is_some() {
            self.tally.miss();
        }
        let always = self.keeps_all() && !used_fallback && state.lineage.is_some();
        if key.is_none() && !always {
            return;
        }
        if let Some(file) = self.changed_file(frame, step) {
            let (name, file) = (frame.plan().spec(step).name(), file.display());
            self.store()
                .warn(format!("the output of step `{name}` is not stored: {file} changed during the run"));
            return;
        }
        let Some(output) = frame.output_of(finished) else { return };
        let Some(output) = self.encode(frame.plan(), step, output) else { return };
        if let Some(key) = key {
            // Another run may have stored another value under the key: readers of this run see the one of this run.
            let content = Content::of(&output.bytes);
            _ = state.known.set(Some(Known::Content(content)));
            self.commit(frame.plan(), step, key, &output, content);
        }
        if always {
            self.checkpoint(frame.plan(), step, &output);
        }
    }

    /// Encodes an output; `None`, with a warning, if that fails or if its type cannot be stored.
    pub(super) fn encode(&self, plan: &Plan, step: usize, output: StepOutput<'_>) -> Option<Encoded> {
        let spec = plan.spec(step);
        let form = spec.def().codec.stored()?;
        let mut bytes = Vec::new();
        match files::encoded(|| form.encode(output, &mut bytes)) {
            Ok(((), files)) => Some(Encoded { bytes, files }),
            Err(why) => {
                self.store().warn(format!("the output of step `{}` cannot be stored: {why}", spec.name()));
                None
            }
        }
    }

    /// Writes an output to the cache. Of two runs that write under one key, the first wins.
    fn commit(&self, plan: &Plan, step: usize, key: Key, output: &Encoded, content: Content) {
        let Some(mut record) = self.record(plan, step, key) else { return };
        // Hashed once.
        record.content = Some(content);
        let cache = self.store().cache();
        let is_replaced = self.state(step).fresh || cache.find(&key.to_string()).is_some();
        let name = key.to_string();
        let committed = output.store_files(self.store(), record).and_then(|record| {
            if is_replaced {
                cache.replace(&name, record, &output.bytes)
            } else {
                cache.commit(&name, record, &output.bytes)
            }
        });
        self.stored(plan, step, committed);
    }

    /// Counts what was stored, or warns that it was not.
    pub(super) fn stored(
        &self,
        plan: &Plan,
        step: usize,
        committed: Result<Record, ValueStoreError>,
    ) -> Option<Record> {
        match committed {
            Ok(record) => {
                self.tally.stored(record.bytes, record.stored_bytes);
                Some(record)
            }
            Err(error) => {
                let name = plan.spec(step).name();
                self.store().warn(format!("the output of step `{name}` could not be stored: {error}"));
                None
            }
        }
    }

    /// The record of an output, without what its bytes are.
    pub(super) fn record(&self, plan: &Plan, step: usize, key: Key) -> Option<Record> {
        let state = self.state(step);
        let Some(Ok(base)) = &state.base else { return None };
        let spec = plan.spec(step);
        let known = |source: usize| self.state(source).known.get().copied().flatten();
        let mut record = Record::new(key, spec.identity().into_owned(), self.run.clone());
        record.program.clone_from(&self.program);
        record.code = base.code.clone();
        record.output = base.output.clone();
        record.codec = spec.def().codec.stored().map_or_else(String::new, |form| form.name().to_owned());
        record.inputs = keys::recorded(plan, step, known);
        record.params.clone_from(&base.params);
        record.own_key = state.own_key.get().copied();
        record.took_ms = self.took(step);
        if record.code.by == CodeBy::Trace {
            self.store().keep_trace(spec.def(), &record.code.hash);
        }
        Some(record)
    }

    /// How long a step took, or has taken so far, in milliseconds; 0 if nothing is timed.
    fn took(&self, step: usize) -> u64 {
        let Some(timings) = self.timings.get() else { return 0 };
        let span = timings.span(step).or_else(|| Some((timings.started(step)?, timings.now())));
        span.map_or(0, |(start, end)| end.saturating_sub(start) / 1_000_000)
    }

    /// An input file of a step that has changed since it was hashed.
    fn changed_file(&self, frame: &Frame, step: usize) -> Option<PathBuf> {
        let Some(Ok(base)) = &self.state(step).base else { return None };
        let named = base.files.iter();
        let mut named = named.filter_map(|&input| ParamFiles::of(frame.plan(), frame.params(), step, input));
        named.find_map(|files| files.changed())
    }
}

/// An encoded output, and the files that it names.
pub(super) struct Encoded {
    pub(super) bytes: Vec<u8>,
    files: ValueFiles,
}

impl Encoded {
    /// Stores the files, and names them in the record.
    pub(super) fn store_files(
        &self,
        store: &ValueStore,
        mut record: Record,
    ) -> Result<Record, ValueStoreError> {
        self.files.store(store, &mut record)?;
        Ok(record)
    }
}

/// Returns the content of an output; `None` if it cannot be encoded.
fn content_of(form: &StoredForm, output: StepOutput<'_>) -> Option<Content> {
    struct Hashing(blake3::Hasher);

    impl Write for Hashing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mut out = io::BufWriter::with_capacity(1 << 16, Hashing(blake3::Hasher::new()));
    let encoded = form.encode(output, &mut out);
    match (encoded, out.into_inner()) {
        (Ok(()), Ok(Hashing(hash))) => Some(hash.finalize().into()),
        _ => None,
    }
}
