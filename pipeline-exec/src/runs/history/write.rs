//! Adds runs to the history.

use std::time::Duration;

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, Statement, Transaction, TransactionBehavior, params};

use super::History;
use crate::report::{CommandLine, RunReport, StepReport};
use crate::runs::{RunState, StoreError};

/// A run to add.
pub(in crate::runs) struct Noted<'a> {
    /// The folder of the run.
    pub(in crate::runs) dir: &'a str,
    /// How it ended.
    pub(in crate::runs) state: RunState,
    /// When it began, even if the report does not have that.
    pub(in crate::runs) started_unix_ms: u64,
    pub(in crate::runs) report: &'a RunReport,
}

impl History {
    /// Adds a run. A run that is there already stays as it is.
    pub(in crate::runs) fn note(&self, noted: &Noted<'_>) -> Result<(), StoreError> {
        add(&mut self.db(), noted).map_err(|error| self.refused(&error))
    }
}

fn add(db: &mut Connection, noted: &Noted<'_>) -> rusqlite::Result<()> {
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (report, counts) = (noted.report, &noted.report.counts);
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let added = change.execute(
        "INSERT OR IGNORE INTO runs VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            report.run_id,
            noted.dir,
            report.program,
            report.pipeline,
            noted.state.name(),
            noted.started_unix_ms.cast_signed(),
            report.wall.as_secs_f64(),
            count(counts.planned),
            count(counts.succeeded),
            count(counts.failed),
            count(counts.timed_out),
            count(counts.skipped),
            count(counts.cancelled),
            count(counts.cached),
            count(counts.given),
            count(counts.retried),
            report.stopped_because,
            report.provenance.seed.to_string(),
            report.provenance.graph_fingerprint,
            report.provenance.config_fingerprint,
            report.provenance.params_fingerprint(),
            report.provenance.framework,
        ],
    )?;
    if added == 1 {
        let mut rows = Rows::new(&change, change.last_insert_rowid())?;
        for (position, step) in (0..).zip(&report.steps) {
            rows.add(position, step)?;
        }
        add_words(&change, rows.run, report.command_line.as_ref())?;
        let mut params = change.prepare("INSERT INTO params VALUES (?, ?, ?)")?;
        for (name, fingerprint) in &report.provenance.params {
            params.execute(params![rows.run, name, fingerprint])?;
        }
    }
    change.commit()
}

/// Adds the command line of a run.
fn add_words(change: &Transaction<'_>, run: i64, line: Option<&CommandLine>) -> rusqlite::Result<()> {
    let Some(line) = line else { return Ok(()) };
    let options = line.options.iter().flat_map(|(name, values)| {
        let with_each = values.iter().map(move |value| ("option", name, Some(value)));
        with_each.chain(values.is_empty().then_some(("option", name, None)))
    });
    let words = std::iter::once(("verb", &line.verb, None))
        .chain(line.terms.iter().map(|term| ("term", term, None)))
        .chain(options)
        .chain(line.params.iter().map(|name| ("param", name, None)));
    let mut add = change.prepare("INSERT INTO words VALUES (?, ?, ?, ?, ?)")?;
    for (position, (kind, word, value)) in (0_i64..).zip(words) {
        add.execute(params![run, position, kind, word, value])?;
    }
    Ok(())
}

/// Prepared statements that add the rows of one run.
struct Rows<'a> {
    run: i64,
    steps: Statement<'a>,
    attempts: Statement<'a>,
    counters: Statement<'a>,
}

impl<'a> Rows<'a> {
    fn new(change: &'a Transaction<'_>, run: i64) -> rusqlite::Result<Self> {
        Ok(Rows {
            run,
            steps: change.prepare("INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?,
            attempts: change.prepare("INSERT OR IGNORE INTO attempts VALUES (?, ?, ?, ?, ?, ?)")?,
            counters: change.prepare("INSERT INTO counters VALUES (?, ?, ?, ?)")?,
        })
    }

    fn add(&mut self, position: i64, step: &StepReport) -> rusqlite::Result<()> {
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
        let error = step.error.as_ref();
        self.steps.execute(params![
            self.run,
            position,
            step.identity(),
            step.name,
            step.lane.name(),
            step.group,
            step.status.name(),
            step.attempts,
            seconds(step.start),
            seconds(step.wait),
            seconds(step.duration),
            error.map(|error| error.kind.name()),
            error.map(|error| error.message.as_str()),
            step.because,
        ])?;
        for failed in &step.failed_attempts {
            let (error, after) = (&failed.error, failed.retried_after.as_secs_f64());
            let row = params![self.run, position, failed.attempt, error.kind.name(), error.message, after];
            self.attempts.execute(row)?;
        }
        for (name, value) in &step.activity.counters {
            // SQLite has no larger integers, and would make an inexact number of them.
            let value = i64::try_from(*value).map_or_else(|_| Sql::Text(value.to_string()), Sql::Integer);
            self.counters.execute(params![self.run, position, name, value])?;
        }
        Ok(())
    }
}
