-- What the history has had since later than its first version: made wherever it is not there yet.

CREATE TABLE IF NOT EXISTS words (           -- how a run was started on the command line, if it was
    run      INTEGER NOT NULL REFERENCES runs (seq),
    position INTEGER NOT NULL,
    kind     TEXT NOT NULL,                  -- verb, term, option, param
    word     TEXT NOT NULL,                  -- the verb, a term, an option's long name, the name of a run parameter
    value    TEXT,                           -- of an option that takes one
    PRIMARY KEY (run, position)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS params (          -- what was given for run parameters, but for secret ones
    run         INTEGER NOT NULL REFERENCES runs (seq),
    name        TEXT NOT NULL,               -- name, or step.name
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (run, name)
) WITHOUT ROWID;
