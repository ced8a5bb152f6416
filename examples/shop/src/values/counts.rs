//! How many rows a stage read, refused and passed on: the content of `quality.csv`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The rows counted by one stage, by reason.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) stage: Cow<'static, str>,
    pub(crate) rows: Vec<(Cow<'static, str>, usize)>,
}

impl Counts {
    /// Starts at zero for each reason, so that unused reasons are reported too.
    pub(crate) fn new(stage: &'static str, reasons: &[&'static str]) -> Self {
        let rows = reasons.iter().map(|reason| (Cow::Borrowed(*reason), 0)).collect();
        Self { stage: Cow::Borrowed(stage), rows }
    }

    pub(crate) fn add(&mut self, reason: &'static str, rows: usize) {
        let count = self.rows.iter_mut().find(|(known, _)| *known == reason);
        count.expect("a reason the stage began with").1 += rows;
    }
}
