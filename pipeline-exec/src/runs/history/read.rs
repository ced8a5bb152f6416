//! Queries of the history.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Row, params};

use super::History;
use crate::report::Counts;
use crate::runs::scope::Scope;
use crate::runs::{RunEntry, RunState, StepTime, StoreError};

/// The durations of each step in the latest runs in which it succeeded, the latest first; by the identity of the step.
pub(in crate::runs) type StepTimes = BTreeMap<String, Timed>;

/// The durations of one step.
#[derive(Default)]
pub(in crate::runs) struct Timed {
    /// Its name in the latest run.
    pub(in crate::runs) name: String,
    pub(in crate::runs) times: Vec<StepTime>,
}

impl History {
    /// Returns the folders of its runs.
    pub(in crate::runs) fn dirs(&self) -> Result<HashSet<String>, StoreError> {
        let dirs = || -> rusqlite::Result<HashSet<String>> {
            self.db().prepare("SELECT dir FROM runs")?.query_map([], |row| row.get(0))?.collect()
        };
        dirs().map_err(|error| self.refused(&error))
    }

    /// Returns every run, the latest first. Leaves out rows whose folder is not one of `folder`: this program writes
    /// none.
    pub(in crate::runs) fn runs(&self, folder: &Path) -> Result<Vec<RunEntry>, StoreError> {
        let is_inside = |run: &rusqlite::Result<RunEntry>| {
            run.as_ref().map_or(true, |run| run.dir.parent() == Some(folder) && run.dir.file_name().is_some())
        };
        let runs = || -> rusqlite::Result<Vec<RunEntry>> {
            self.db()
                .prepare("SELECT * FROM runs ORDER BY started_unix_ms DESC, seq DESC")?
                .query_map([], |row| entry(row, folder))?
                .filter(is_inside)
                .collect()
        };
        runs().map_err(|error| self.refused(&error))
    }

    /// Returns the durations of each step in the latest `n` runs in which it succeeded; if `only_successful`, only of
    /// runs that succeeded.
    pub(in crate::runs) fn times(
        &self,
        n: usize,
        only_successful: bool,
        of: &Scope,
    ) -> Result<StepTimes, StoreError> {
        times(&self.db(), n, only_successful, of).map_err(|error| self.refused(&error))
    }
}

fn entry(row: &Row<'_>, folder: &Path) -> rusqlite::Result<RunEntry> {
    let count = |name: &str| row.get::<_, i64>(name).map(|count| count.max(0) as usize);
    let dir: String = row.get("dir")?;
    let wall: f64 = row.get("wall_seconds")?;
    Ok(RunEntry {
        run_id: row.get("run_id")?,
        program: row.get("program")?,
        pipeline: row.get("pipeline")?,
        state: RunState::named(&row.get::<_, String>("status")?),
        started_unix_ms: row.get::<_, i64>("started_unix_ms")?.max(0) as u64,
        wall: Duration::try_from_secs_f64(wall).unwrap_or_default(),
        counts: Counts {
            planned: count("planned")?,
            succeeded: count("succeeded")?,
            failed: count("failed")?,
            timed_out: count("timed_out")?,
            skipped: count("skipped")?,
            cancelled: count("cancelled")?,
            cached: count("cached")?,
            given: count("given")?,
            retried: count("retried")?,
        },
        graph_fingerprint: row.get("graph_fingerprint")?,
        params_fingerprint: row.get("params_fingerprint")?,
        dir: folder.join(dir),
    })
}

fn times(db: &Connection, n: usize, only_successful: bool, of: &Scope) -> rusqlite::Result<StepTimes> {
    let mut latest = db.prepare(
        "WITH timed AS (
             SELECT identity, name, seq, run_id, duration_seconds, started_unix_ms, params_fingerprint,
                    row_number() OVER (PARTITION BY identity ORDER BY started_unix_ms DESC, seq DESC) AS age
             FROM steps JOIN runs ON run = seq
             WHERE steps.status = 'succeeded' AND duration_seconds IS NOT NULL
                   AND (NOT ?2 OR runs.status = 'succeeded')
                   AND (?3 IS NULL OR program = ?3)
                   AND (NOT ?4 OR pipeline IS ?5)
         )
         SELECT identity, name, run_id, duration_seconds, started_unix_ms, params_fingerprint
         FROM timed WHERE age <= ?1 ORDER BY identity, started_unix_ms DESC, seq DESC",
    )?;
    let (is_of_one, pipeline) = (of.pipeline.is_some(), of.pipeline.as_ref().and_then(Option::as_ref));
    let most = i64::try_from(n).unwrap_or(i64::MAX);
    let mut rows = latest.query(params![most, only_successful, of.program, is_of_one, pipeline])?;
    let mut times = StepTimes::new();
    while let Some(row) = rows.next()? {
        let step = times.entry(row.get(0)?).or_default();
        if step.times.is_empty() {
            step.name = row.get(1)?;
        }
        step.times.push(StepTime {
            run_id: row.get(2)?,
            duration: Duration::try_from_secs_f64(row.get(3)?).unwrap_or_default(),
            started_unix_ms: row.get::<_, i64>(4)?.max(0) as u64,
            params_fingerprint: row.get(5)?,
        });
    }
    Ok(times)
}
