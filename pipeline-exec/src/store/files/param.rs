//! The files of a run parameter, for the engine.

use std::collections::HashSet;
use std::io;
#[cfg(feature = "cli")]
use std::path::Path;
use std::path::PathBuf;
use std::ptr;
#[cfg(feature = "cli")]
use std::sync::Arc;

use pipeline_core::{BoundParams, InputKind, Plan, Problem, ProblemCode, TypeDef};

use super::{Files, InputDir, InputFile, InputGlob, Memo};
use crate::store::key::Content;

/// The files that the value of a run parameter names.
#[derive(Debug)]
pub(crate) struct ParamFiles<'a> {
    files: Vec<&'a Files>,
    is_all: bool,
}

impl<'a> ParamFiles<'a> {
    /// Returns the files of an input of a step; `None` if it is no run parameter, or names no files.
    ///
    /// # Panics
    /// If the step has no such input, or its output is given.
    pub(crate) fn of(plan: &Plan, params: &'a BoundParams, step: usize, input: usize) -> Option<Self> {
        let InputKind::Param(param) = &plan.spec(step).def().inputs[input].kind else { return None };
        let files = named(plan, params, step, input);
        let is_all = is_input(param.ty);
        (is_all || !files.is_empty()).then_some(ParamFiles { files, is_all })
    }

    /// Reports whether the content is all that counts. Otherwise the value has more than files, and its JSON counts too.
    pub(crate) fn is_all(&self) -> bool {
        self.is_all
    }

    /// Returns the content of all files. Hashes each once per run; later calls return the same.
    ///
    /// # Errors
    /// The error names the file.
    pub(crate) fn content(&self, memo: &Memo) -> io::Result<Content> {
        if let [files] = self.files[..] {
            return files.content(memo);
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"pipeline parameter 1\n");
        for files in &self.files {
            hasher.update(&[files.kind as u8]).update(files.content(memo)?.bytes());
        }
        Ok(hasher.finalize().into())
    }

    /// Returns the path of a file that has changed since it was hashed, came or went; `None` if all are the same.
    pub(crate) fn changed(&self) -> Option<PathBuf> {
        self.files.iter().find_map(|files| files.changed())
    }
}

/// Returns the problem of each value that names what cannot be read. `runs` reports whether a step of the plan runs.
pub(crate) fn unreadable(plan: &Plan, params: &BoundParams, runs: impl Fn(usize) -> bool) -> Vec<Problem> {
    let mut checked = HashSet::new();
    let mut problems = Vec::new();
    let is_given = |step: usize| plan.given().binary_search(&(step as u32)).is_ok();
    for step in (0..plan.len()).filter(|&step| runs(step) && !is_given(step)) {
        let spec = plan.spec(step);
        for (index, input) in spec.def().inputs.iter().enumerate() {
            let InputKind::Param(param) = &input.kind else { continue };
            let files = named(plan, params, step, index).into_iter();
            // Steps share values.
            let errors = files.filter(|&files| checked.insert(ptr::from_ref(files))).map(Files::check);
            for error in errors.filter_map(Result::err) {
                let message = format!("run parameter `{}` names what cannot be read", param.name);
                let origin = plan.param_origin(params, step, index).unwrap_or("the run");
                problems.push(
                    Problem::new(ProblemCode::InvalidParam, message)
                        .step(spec.name(), spec.location())
                        .parameter(input.name.as_ref(), input.location)
                        .note(error.to_string())
                        .note(format!("given by {origin}"))
                        .hint(
                            "give a path that exists before the run; a relative path starts at the working directory \
                             of the process",
                        ),
                );
            }
        }
    }
    problems
}

/// Returns the files that the value of an input names, each once.
fn named<'a>(plan: &Plan, params: &'a BoundParams, step: usize, input: usize) -> Vec<&'a Files> {
    let mut files: Vec<&Files> = Vec::new();
    for named in plan.param_notes(params, step, input).iter().filter_map(|note| note.downcast_ref::<Files>())
    {
        // A value may have been cloned while it was read.
        if !files.iter().any(|known| known.kind == named.kind && known.text == named.text) {
            files.push(named);
        }
    }
    files
}

/// Reports whether values of a type are paths whose content does not count: a cached step that reads one would not see
/// that the file has changed.
#[cfg(feature = "cli")]
pub(crate) fn is_plain_path(ty: TypeDef) -> bool {
    is_one_of::<PathBuf>(ty) || is_one_of::<Box<Path>>(ty) || is_one_of::<Arc<Path>>(ty)
}

/// Reports whether values of a type are files and nothing else.
fn is_input(ty: TypeDef) -> bool {
    is_one_of::<InputFile>(ty) || is_one_of::<InputDir>(ty) || is_one_of::<InputGlob>(ty)
}

/// Reports whether a type is `T`, `Option<T>` or `Vec<T>`.
fn is_one_of<T: Send + Sync + 'static>(ty: TypeDef) -> bool {
    [TypeDef::of::<T>(), TypeDef::of::<Option<T>>(), TypeDef::of::<Vec<T>>()].contains(&ty)
}
