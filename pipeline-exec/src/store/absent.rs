//! Without the feature `store`, nothing is stored.

use pipeline_core::frame::{Finished, Frame, Ready};
use pipeline_core::{BoundParams, Plan};

use crate::stored::{CachedFrom, ResumeReport, StoreReport};
use crate::timing::Timings;

/// A type without values.
#[derive(Clone, Copy, Debug)]
enum Never {}

/// No run asks for a store.
#[derive(Debug)]
pub(crate) struct Asked(Never);

/// What is known of a run.
#[allow(dead_code, reason = "the same as with the feature `store`")]
pub(crate) struct OfRun<'a> {
    pub(crate) run: &'a str,
    pub(crate) program: &'a str,
    pub(crate) disabled: &'a [(usize, String)],
}

/// No store in any run.
#[derive(Debug)]
pub(crate) struct Caching(Never);

/// No run leaves anything.
#[derive(Clone, Debug)]
pub(crate) struct Left(#[allow(dead_code, reason = "there is no value of it")] Never);

#[allow(clippy::unused_self, reason = "the same as with the feature `store`")]
impl Caching {
    pub(crate) fn new(_: &Plan, _: &BoundParams, asked: Asked, of_run: &OfRun<'_>) -> Self {
        _ = of_run;
        match asked.0 {}
    }

    pub(crate) fn begin(&self, _: &Frame, _: Ready) -> Result<Finished, Ready> {
        match self.0 {}
    }

    pub(crate) fn timed_by(&self, _: &Timings) {
        match self.0 {}
    }

    pub(crate) fn is_involved(&self) -> bool {
        match self.0 {}
    }

    pub(crate) fn succeeded(&self, _: &Frame, _: &Finished, _: bool) {
        match self.0 {}
    }

    pub(crate) fn keep_inputs(&self, _: &Frame, _: &Finished) {
        match self.0 {}
    }

    pub(crate) fn forget(&self, _: &Plan) {
        match self.0 {}
    }

    pub(crate) fn keep_rest(&self, _: &mut Frame) {
        match self.0 {}
    }

    pub(crate) fn leave(&self, _: &Frame) -> Option<Left> {
        match self.0 {}
    }

    pub(crate) fn print_warnings(&self) {
        match self.0 {}
    }

    pub(crate) fn report(&self, _: &Plan) -> StoreReport {
        match self.0 {}
    }

    pub(crate) fn resumes(&self, _: &Plan) -> Option<ResumeReport> {
        match self.0 {}
    }

    pub(crate) fn cached_from(&self, _: usize) -> Option<&CachedFrom> {
        match self.0 {}
    }

    pub(crate) fn late_output<T: 'static>(&self, _: &Plan, _: usize) -> Option<&T> {
        match self.0 {}
    }

    pub(crate) fn take_late_output<T: 'static>(&mut self, _: &Plan, _: usize) -> Option<T> {
        match self.0 {}
    }

    pub(crate) fn has_late_output(&self, _: usize) -> bool {
        match self.0 {}
    }
}
