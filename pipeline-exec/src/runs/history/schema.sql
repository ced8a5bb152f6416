-- The history of runs. Rows are added and never changed. Times are milliseconds since 1970, durations are seconds.

CREATE TABLE runs (
    seq                INTEGER PRIMARY KEY,  -- in order of insertion
    run_id             TEXT NOT NULL,        -- as in report, events and trace; deterministic runs can share it
    dir                TEXT NOT NULL UNIQUE, -- its folder in `runs/`
    program            TEXT NOT NULL,        -- the name of the program's file
    pipeline           TEXT,                 -- the name of the pipeline, in a program of several
    status             TEXT NOT NULL,        -- succeeded, failed, cancelled, interrupted
    started_unix_ms    INTEGER NOT NULL,
    wall_seconds       REAL NOT NULL,
    planned            INTEGER NOT NULL,     -- number of steps, of these:
    succeeded          INTEGER NOT NULL,
    failed             INTEGER NOT NULL,
    timed_out          INTEGER NOT NULL,
    skipped            INTEGER NOT NULL,
    cancelled          INTEGER NOT NULL,
    cached             INTEGER NOT NULL,
    given              INTEGER NOT NULL,
    retried            INTEGER NOT NULL,     -- steps with more than one attempt
    stopped_because    TEXT,
    seed               TEXT NOT NULL,        -- decimal, up to 2^64 - 1
    graph_fingerprint  TEXT NOT NULL,
    config_fingerprint TEXT NOT NULL,
    params_fingerprint TEXT NOT NULL,        -- of the values of run parameters that are not secret
    framework          TEXT NOT NULL
);

CREATE TABLE steps (
    run              INTEGER NOT NULL REFERENCES runs (seq),
    position         INTEGER NOT NULL,       -- in plan order
    identity         TEXT NOT NULL,          -- module::name of its function, or the name of an instance or a closure
    name             TEXT NOT NULL,          -- as shown by the run
    lane             TEXT NOT NULL,          -- io, cpu, blocking
    group_name       TEXT,
    status           TEXT NOT NULL,          -- succeeded, failed, skipped, cancelled, cached, given, timed-out
    attempts         INTEGER NOT NULL,
    start_seconds    REAL,                   -- since the run began
    wait_seconds     REAL,                   -- from its last input to its start
    duration_seconds REAL,
    error_kind       TEXT,
    error            TEXT,
    because          TEXT,                   -- the step that caused the skip
    PRIMARY KEY (run, position)
) WITHOUT ROWID;

CREATE INDEX steps_by_identity ON steps (identity, run);

CREATE TABLE attempts (                      -- failed attempts that were followed by another
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
    value    NOT NULL,                    -- integer; as text from 2^63
    PRIMARY KEY (run, position, name)
) WITHOUT ROWID;

CREATE TABLE words (                         -- the command line of a run, if it had one
    run      INTEGER NOT NULL REFERENCES runs (seq),
    position INTEGER NOT NULL,
    kind     TEXT NOT NULL,                  -- verb, term, option, param
    word     TEXT NOT NULL,                  -- the verb, a term, an option's long name, the name of a run parameter
    value    TEXT,                           -- of an option that takes one
    PRIMARY KEY (run, position)
) WITHOUT ROWID;

CREATE TABLE params (                        -- fingerprints of run parameters that are not secret
    run         INTEGER NOT NULL REFERENCES runs (seq),
    name        TEXT NOT NULL,               -- name, or step.name
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (run, name)
) WITHOUT ROWID;

CREATE INDEX runs_by_start ON runs (started_unix_ms, seq);
