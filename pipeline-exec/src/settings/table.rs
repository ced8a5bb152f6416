//! Every setting as data: for files, variables and flags that name one, for `info`, and for the documentation.

use std::fmt::Write;

use super::{MOST_SLOTS, PRESETS};

/// One setting: how it is called, what it takes, and what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettingKey {
    /// The key, with dots between its parts; `NAME` stands for a name of the user's.
    pub key: &'static str,
    /// What it takes, with its range.
    pub takes: String,
    /// What holds where nothing is said.
    pub default: &'static str,
    /// The flag of the command line that sets it, beside `--set`.
    pub flag: &'static str,
    /// What it does.
    pub about: &'static str,
    pub(crate) kind: Kind,
}

/// What a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Slots,
    Count,
    AtLeastOne,
    Flag,
    Duration,
    /// A time that may be zero.
    Time,
    Backoff,
    Part,
    Memory,
    Rate,
    Path,
    Preset,
}

impl Kind {
    /// Whether text is read as it is, rather than as a number or `true`.
    pub(super) const fn is_text(self) -> bool {
        matches!(
            self,
            Kind::Duration
                | Kind::Time
                | Kind::Backoff
                | Kind::Memory
                | Kind::Rate
                | Kind::Path
                | Kind::Preset
        )
    }

    /// Whether it can be turned off with `"none"`.
    pub(super) const fn can_be_none(self) -> bool {
        matches!(self, Kind::Duration | Kind::Time | Kind::Backoff | Kind::Memory | Kind::Path)
    }

    /// In words.
    pub(super) fn takes(self) -> String {
        match self {
            Kind::Slots => format!("a whole number from 1 to {MOST_SLOTS}"),
            Kind::Count => "a whole number, 0 or more".to_owned(),
            Kind::AtLeastOne => "a whole number, at least 1".to_owned(),
            Kind::Flag => "`true` or `false`".to_owned(),
            Kind::Duration => "a time above zero, such as `\"30s\"` or `\"1m 30s\"`".to_owned(),
            Kind::Time => "a time, such as `\"30s\"`".to_owned(),
            Kind::Backoff => "a time, such as `\"100ms\"`, or two, such as `\"100ms..10s\"`".to_owned(),
            Kind::Part => "a number from 0 to 1".to_owned(),
            Kind::Memory => "a number of bytes above zero, or a text such as `\"4 GiB\"`".to_owned(),
            Kind::Rate => "a rate, such as `\"10/s\"` or `\"5/200ms\"`".to_owned(),
            Kind::Path => "a folder".to_owned(),
            Kind::Preset => {
                let names: Vec<String> =
                    PRESETS.iter().map(|preset| format!("`\"{}\"`", preset.name)).collect();
                names.join(", ")
            }
        }
    }
}

type Row = (&'static str, Kind, &'static str, &'static str, &'static str);

/// The settings of a run.
#[rustfmt::skip]
const ROWS: [Row; 29] = [
    ("preset", Kind::Preset, "`\"default\"`", "--preset", "the values to start from; everything else wins over them"),
    ("workers", Kind::Slots, "no limit", "--workers, --sequential", "steps at once over all lanes; lanes with fewer slots are opened that far, unless they are set by the same or a later source"),
    ("io", Kind::Slots, "256", "--io", "async steps under way at once, waiting ones included"),
    ("cpu", Kind::Slots, "the cores of the process", "--cpu", "CPU steps at once"),
    ("blocking", Kind::Slots, "64", "--blocking", "steps of the blocking lane at once"),
    ("conditional", Kind::Flag, "true", "", "whether steps with `parallel_if` may run beside others; otherwise they run alone"),
    ("no_write", Kind::Flag, "false", "--no-write", "whether steps that write (`#[step(writes)]`) are skipped, and with them what requires their outputs"),
    ("fail_fast", Kind::Flag, "false", "--fail-fast", "whether the first failure of a step that is not optional stops the run"),
    ("fallback", Kind::Flag, "true", "", "whether fallbacks of steps, and fewer slots near `memory_limit`, stand in for what goes wrong"),
    ("deadline", Kind::Duration, "none", "--deadline", "how long the whole run may take"),
    ("grace", Kind::Time, "none; 10s on the command line", "--grace", "how long a run that is stopped waits for steps on threads"),
    ("retry_budget", Kind::Count, "no limit", "", "retries of all steps of the run together"),
    ("max_detached", Kind::Count, "as many as CPU slots", "", "attempts left behind on their threads at once, before the run is stopped"),
    ("slow_poll", Kind::Duration, "200ms", "", "an async step that keeps its thread this long is named in a warning; `\"none\"` for never"),
    ("memory_limit", Kind::Memory, "none", "--memory-limit", "what steps declare with `memory` counts against it; slots shrink while the process comes near it"),
    ("sample_every", Kind::Duration, "none", "", "how often memory and processor are sampled for the report"),
    ("timings", Kind::Flag, "true", "", "whether starts and ends are timed"),
    ("seed", Kind::Count, "another for each run", "--seed", "where the random numbers of steps come from"),
    ("deterministic", Kind::Flag, "false", "", "whether the report is the same, to the byte, for the same graph, parameters and seed"),
    ("shuffle", Kind::Count, "none", "", "for tests: picks among ready steps by this seed"),
    ("runs_dir", Kind::Path, "none; `.pipeline` on the command line", "", "where report files and the history of runs go"),
    ("keep_runs", Kind::AtLeastOne, "all", "", "how many runs to keep there"),
    ("tags.NAME.enabled", Kind::Flag, "true", "", "whether the steps of a tag run"),
    ("limits.NAME.capacity", Kind::AtLeastOne, "1", "", "how much of a named limit there is"),
    ("limits.NAME.rate", Kind::Rate, "none", "", "how often steps may be admitted (feature `rate`); also a table of `count`, `per`, `burst`"),
    ("limits.NAME.breaker.failures", Kind::AtLeastOne, "no breaker", "", "after how many failures in a row no step is admitted"),
    ("limits.NAME.breaker.cooldown", Kind::Duration, "no breaker", "", "for how long"),
    ("limits.NAME.breaker.probes", Kind::AtLeastOne, "1", "", "how many probes then have to succeed"),
    ("params.NAME", Kind::Path, "the step's own", "--param", "a run parameter, of whatever type its steps take; `params.STEP.NAME` for one step; in the variable, the name as it is"),
];

/// What can be said of steps, below each of [`OF_STEPS`].
#[rustfmt::skip]
const STEP_ROWS: [Row; 6] = [
    ("timeout", Kind::Duration, "none", "--timeout", "how long one attempt may take"),
    ("deadline", Kind::Duration, "none", "", "how long all attempts may take together"),
    ("retries", Kind::Count, "0", "--retries", "how many more times to try after a failed attempt"),
    ("backoff", Kind::Backoff, "none", "", "how long to wait before each further attempt"),
    ("jitter", Kind::Part, "0", "", "the part of each such wait that is left to chance"),
    ("enabled", Kind::Flag, "true", "", "whether the steps run; what requires the output of one that does not is skipped"),
];

/// Where something can be said of steps.
pub(super) const OF_STEPS: [&str; 3] = ["defaults", "groups", "steps"];

/// What `kind` is at the end of a key, where it is one of what can be said of steps.
pub(super) fn step_field(field: &str) -> Option<Kind> {
    STEP_ROWS.iter().find(|row| row.0 == field).map(|row| row.1)
}

pub(super) fn step_fields() -> impl Iterator<Item = &'static str> {
    STEP_ROWS.iter().map(|row| row.0)
}

/// The kind of a key as written in the table.
pub(super) fn kind_of(key: &str) -> Option<Kind> {
    ROWS.iter().find(|row| row.0 == key).map(|row| row.1)
}

/// The first parts of all keys.
pub(super) fn sections() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.0.split('.').next().unwrap_or(row.0)).chain(OF_STEPS)
}

impl SettingKey {
    /// Every setting, in the order of the documentation.
    pub fn all() -> Vec<SettingKey> {
        let make = |(key, kind, default, flag, about): Row| {
            // Whatever its steps take, in the words of the row.
            let takes = if key == "params.NAME" { "any value".to_owned() } else { kind.takes() };
            SettingKey { key, takes, default, flag, about, kind }
        };
        let of_steps = STEP_ROWS.map(|(field, kind, default, flag, about)| {
            let key = match field {
                "timeout" => "defaults.timeout",
                "deadline" => "defaults.deadline",
                "retries" => "defaults.retries",
                "backoff" => "defaults.backoff",
                "jitter" => "defaults.jitter",
                _ => "defaults.enabled",
            };
            make((key, kind, default, flag, about))
        });
        let (of_run, of_names) =
            ROWS.split_at(ROWS.iter().position(|row| row.0.contains('.')).unwrap_or(ROWS.len()));
        of_run.iter().copied().map(make).chain(of_steps).chain(of_names.iter().copied().map(make)).collect()
    }

    /// The variable of the environment that sets it: the key in capitals; of a run parameter, its name as it is.
    pub fn variable(&self) -> String {
        match self.key {
            "params.NAME" => "PIPELINE_PARAM_name".to_owned(),
            key => format!("PIPELINE_{}", key.replace('.', "__").to_uppercase()),
        }
    }

    /// The table of all settings, as Markdown: `docs/settings.md` has it.
    pub fn table() -> String {
        let mut text =
            String::from("| key | takes | default | variable | flag | |\n|---|---|---|---|---|---|\n");
        for key in SettingKey::all() {
            let flags: Vec<String> = key
                .flag
                .split(", ")
                .filter(|flag| !flag.is_empty())
                .map(|flag| format!("`{flag}`"))
                .collect();
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | `{}` | {} | {} |",
                key.key,
                key.takes,
                key.default,
                key.variable(),
                flags.join(", "),
                key.about,
            );
        }
        text
    }
}
