-- The history of runs. Rows are added and never changed. Times of day are milliseconds since 1970, durations seconds.

CREATE TABLE runs (
    seq                INTEGER PRIMARY KEY,  -- in the order in which they were noted
    run_id             TEXT NOT NULL,        -- as in report, events and trace; deterministic runs can share one
    dir                TEXT NOT NULL UNIQUE, -- its folder in `runs/`
    status             TEXT NOT NULL,        -- succeeded, failed, cancelled, interrupted
    started_unix_ms    INTEGER NOT NULL,
    wall_seconds       REAL NOT NULL,
    planned            INTEGER NOT NULL,     -- how many steps, and of these:
    succeeded          INTEGER NOT NULL,
    failed             INTEGER NOT NULL,
    timed_out          INTEGER NOT NULL,
    skipped            INTEGER NOT NULL,
    cancelled          INTEGER NOT NULL,
    cached             INTEGER NOT NULL,
    given              INTEGER NOT NULL,
    retried            INTEGER NOT NULL,     -- how many were tried more than once
    stopped_because    TEXT,
    seed               TEXT NOT NULL,        -- decimal, up to 2^64 - 1
    graph_fingerprint  TEXT NOT NULL,
    config_fingerprint TEXT NOT NULL,
    framework          TEXT NOT NULL
);

CREATE TABLE steps (
    run              INTEGER NOT NULL REFERENCES runs (seq),
    position         INTEGER NOT NULL,       -- in plan order
    name             TEXT NOT NULL,
    lane             TEXT NOT NULL,          -- io, cpu, blocking
    group_name       TEXT,
    status           TEXT NOT NULL,          -- succeeded, failed, skipped, cancelled, cached, given, timed-out
    attempts         INTEGER NOT NULL,
    start_seconds    REAL,                   -- since the run began
    wait_seconds     REAL,                   -- from its last input to its start
    duration_seconds REAL,
    error_kind       TEXT,
    error            TEXT,
    because          TEXT,                   -- the step because of which it was skipped
    PRIMARY KEY (run, position)
) WITHOUT ROWID;

CREATE INDEX steps_by_name ON steps (name, run);

CREATE TABLE attempts (                      -- those that failed and were followed by another
    run                   INTEGER NOT NULL REFERENCES runs (seq),
    position              INTEGER NOT NULL,
    attempt               INTEGER NOT NULL,  -- from 1
    error_kind            TEXT NOT NULL,
    error                 TEXT NOT NULL,
    retried_after_seconds REAL NOT NULL,
    PRIMARY KEY (run, position, attempt)
) WITHOUT ROWID;

CREATE TABLE counters (                      -- what steps counted: ctx.count("rows", n)
    run      INTEGER NOT NULL REFERENCES runs (seq),
    position INTEGER NOT NULL,
    name     TEXT NOT NULL,
    value    INTEGER NOT NULL,
    PRIMARY KEY (run, position, name)
) WITHOUT ROWID;

CREATE INDEX runs_by_start ON runs (started_unix_ms, seq);
