//! How many rows a stage read, refused and passed on: the content of `quality.csv`.

/// The rows counted by one stage, by reason.
#[derive(Debug, Clone)]
pub(crate) struct Counts {
    pub(crate) stage: &'static str,
    pub(crate) rows: Vec<(&'static str, usize)>,
}

impl Counts {
    /// Starts at zero for each reason, so that unused reasons are reported too.
    pub(crate) fn new(stage: &'static str, reasons: &[&'static str]) -> Self {
        Self { stage, rows: reasons.iter().map(|reason| (*reason, 0)).collect() }
    }

    pub(crate) fn add(&mut self, reason: &'static str, rows: usize) {
        let count = self.rows.iter_mut().find(|(known, _)| *known == reason);
        count.expect("a reason the stage began with").1 += rows;
    }
}
