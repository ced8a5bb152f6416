//! The keys of the steps of one run.

use pipeline_core::{BoundParams, InputKind, Mode, Plan, Quorum};

use crate::store::code::code_of;
use crate::store::files::{Memo, ParamFiles};
use crate::store::record::{RecordedCode, RecordedInput, RecordedParam, RecordedSource, RecordedType};
use crate::store::{Content, Key};

/// Version of what keys are made of. Another one gives other keys.
const FORMAT: &str = "pipeline key 1";

/// Purpose of the hash of a run parameter.
const PARAM: &str = "parameter";

/// Why a closure has no key.
pub(super) const CLOSURE: &str = "it is a closure: what it captures cannot be seen";

/// What an input is known by: the bytes of the value, or what made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Content(Content),
    Key(Key),
}

/// What the keys of a step begin with, which is known before the run.
#[derive(Debug)]
pub(crate) struct Base {
    hash: blake3::Hash,
    pub(crate) code: RecordedCode,
    pub(crate) output: RecordedType,
    pub(crate) params: Vec<RecordedParam>,
    /// The inputs of the step that are files.
    pub(crate) files: Vec<usize>,
}

/// Makes the bases of the steps of a plan.
pub(crate) struct BaseMaker<'a> {
    plan: &'a Plan,
    params: &'a BoundParams,
    memo: &'a Memo,
}

impl<'a> BaseMaker<'a> {
    pub(crate) fn new(plan: &'a Plan, params: &'a BoundParams, memo: &'a Memo) -> Self {
        BaseMaker { plan, params, memo }
    }

    /// Makes the base of a step.
    ///
    /// # Errors
    /// Why the step has no key.
    pub(crate) fn base(&self, step: usize) -> Result<Base, String> {
        let (plan, spec) = (self.plan, self.plan.spec(step));
        let def = spec.def();
        if def.module.is_empty() {
            return Err(CLOSURE.to_owned());
        }
        let code = code_of(plan, step, self.memo)?;
        let shape = def.codec.stored().map_or_else(String::new, |form| form.shape().to_string());
        let output = RecordedType { name: def.output.name().to_owned(), shape };
        let mut params = Vec::new();
        let mut files = Vec::new();
        for param in plan.params_of(self.params, step) {
            let mut hash = Hash::new(PARAM);
            let named = ParamFiles::of(plan, self.params, step, param.input);
            if let Some(named) = &named {
                let content = named.content(self.memo);
                let content = content.map_err(|error| format!("parameter `{}`: {error}", param.def.name))?;
                hash.bytes(content.bytes());
                files.push(param.input);
            }
            // A path to a file does not count: its content does.
            if !named.is_some_and(|named| named.is_all()) {
                hash.option(param.given, |hash, given| hash.bytes(&given.to_bits().to_le_bytes()));
            }
            params.push(RecordedParam { name: param.def.name.to_string(), digest: hash.end().into() });
        }
        let mut hash = Hash::new(FORMAT);
        hash.text(&spec.identity());
        hash.text(&def.id());
        hash.text(&format!("{:?}", code.by));
        hash.text(&code.hash);
        hash.text(&output.name);
        hash.text(&output.shape);
        hash.number(params.len());
        for param in &params {
            hash.text(&param.name);
            hash.bytes(param.digest.bytes());
        }
        Ok(Base { hash: hash.end(), code, output, params, files })
    }
}

/// Returns what is recorded of a run parameter that is one file of this content.
#[cfg(feature = "cli")]
pub(crate) fn param_digest_of_file(content: Content) -> Content {
    let mut hash = Hash::new(PARAM);
    hash.bytes(content.bytes());
    hash.end().into()
}

/// Why the result of a step may depend on which of its upstream steps ends first.
pub(crate) fn depends_on_time(plan: &Plan, step: usize) -> Option<String> {
    let early = plan.spec(step).def().inputs.iter().find(|input| {
        matches!(input.kind, InputKind::Upstream { quorum, .. } if quorum != Quorum::All && quorum != Quorum::Priority)
    });
    early.map(|input| format!("what its input `{}` gets depends on which steps end in time", input.name))
}

/// Makes a key of a step's base and of its inputs; `None` if `known` does not know one of them.
///
/// `purpose` keeps the keys of checkpoints apart from those of the cache.
pub(crate) fn key(
    purpose: &str,
    plan: &Plan,
    step: usize,
    base: &Base,
    own: Option<Content>,
    mut known: impl FnMut(usize) -> Option<Known>,
) -> Option<Key> {
    let mut hash = Hash::new(purpose);
    hash.bytes(base.hash.as_bytes());
    hash.option(own, |hash, own| hash.bytes(own.bytes()));
    for (input, sources) in inputs(plan, step) {
        hash.text(&plan.spec(step).def().inputs[input].name);
        hash.number(mode_of(plan, step, input) as usize);
        hash.number(sources.len());
        for source in sources {
            match known(source)? {
                Known::Content(content) => {
                    hash.number(1);
                    hash.bytes(content.bytes());
                }
                Known::Key(key) => {
                    hash.number(2);
                    hash.bytes(key.bytes());
                }
            }
        }
    }
    Some(hash.end().into())
}

/// Returns what is recorded of the inputs of a step.
pub(crate) fn recorded(
    plan: &Plan,
    step: usize,
    known: impl Fn(usize) -> Option<Known>,
) -> Vec<RecordedInput> {
    let source = |source: usize| {
        let (content, key) = match known(source) {
            Some(Known::Content(content)) => (Some(content), None),
            Some(Known::Key(key)) => (None, Some(key)),
            None => (None, None),
        };
        RecordedSource { step: plan.spec(source).identity().into_owned(), content, key }
    };
    let input = |(input, sources): (usize, Vec<usize>)| RecordedInput {
        name: plan.spec(step).def().inputs[input].name.to_string(),
        steps: sources.into_iter().map(source).collect(),
    };
    inputs(plan, step).map(input).collect()
}

/// Returns the inputs of a step that read steps, each with these steps.
pub(crate) fn inputs(plan: &Plan, step: usize) -> impl Iterator<Item = (usize, Vec<usize>)> {
    let inputs = plan.spec(step).def().inputs.iter().enumerate();
    let upstream = inputs.filter(|(_, input)| matches!(input.kind, InputKind::Upstream { .. }));
    upstream.map(move |(input, _)| (input, plan.input_steps(step, input)))
}

/// Returns the steps that a step reads, perhaps several times.
pub(crate) fn sources(plan: &Plan, step: usize) -> impl Iterator<Item = usize> {
    inputs(plan, step).flat_map(|(_, sources)| sources)
}

fn mode_of(plan: &Plan, step: usize, input: usize) -> u8 {
    match plan.spec(step).def().inputs[input].kind {
        // A value that is moved is the same as one that is borrowed.
        InputKind::Upstream { mode: Mode::Borrow | Mode::Take, .. } => 1,
        InputKind::Upstream { mode: Mode::Branch, .. } => 2,
        _ => 3,
    }
}

/// A hash of a sequence of parts. No other sequence of parts gives the same bytes.
pub(crate) struct Hash(blake3::Hasher);

impl Hash {
    /// An empty one. The purpose is hashed first.
    pub(crate) fn new(purpose: &str) -> Self {
        let mut hash = Hash(blake3::Hasher::new());
        hash.text(purpose);
        hash
    }

    pub(crate) fn number(&mut self, number: usize) {
        self.0.update(&(number as u64).to_le_bytes());
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.0.update(bytes);
    }

    pub(crate) fn option<T>(&mut self, option: Option<T>, some: impl FnOnce(&mut Self, T)) {
        self.number(usize::from(option.is_some()));
        if let Some(value) = option {
            some(self, value);
        }
    }

    pub(crate) fn end(self) -> blake3::Hash {
        self.0.finalize()
    }
}
