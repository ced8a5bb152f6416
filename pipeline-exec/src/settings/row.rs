//! The table of settings. Each row of [`settings!`](settings) declares one, for all sources, `info` and the documentation.

use std::path::PathBuf;
use std::time::Duration;

use super::presets::PRESETS;
use super::{CacheMode, Durability, MOST_SLOTS, ResumeMode, Settings, StepCache, StepDefaults};

/// Declares a struct with one setting per row, and the table of its rows:
///
/// ```text
/// /// What the setting does: field and method documentation, `--help` (first sentence), docs/settings.md (first paragraph).
/// #[serde(…)]?
/// field: Type = default, Kind(example argument of the method)?, default "in words"?, flag "-f, --flag <VALUE>"?;
/// ```
///
/// The key in files, in the environment and after `--set` is the field's name. A row without an example gets no method. Fields
/// of another form stand after the rows, in braces.
macro_rules! settings {
    (
        $(#[$attr:meta])*
        pub struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $(#[serde($($serde:tt)*)])?
                $field:ident: $ty:ident $(<$inner:ty>)? = $default:expr,
                $kind:ident $(($example:expr))? $(, default $words:literal)? $(, flag $flag:literal)?;
            )*
        }
        { $($(#[$other_attr:meta])* $vis:vis $other:ident: $other_ty:ty,)* }
    ) => {
        $(#[$attr])*
        pub struct $name {
            $($(#[doc = $doc])+ $(#[serde($($serde)*)])? pub $field: $ty $(<$inner>)?,)*
            $($(#[$other_attr])* $vis $other: $other_ty,)*
        }

        impl Default for $name {
            fn default() -> Self {
                $name { $($field: $default,)* $($other: Default::default(),)* }
            }
        }

        impl $name {
            /// The settings of this struct, in the order of the documentation.
            pub(crate) const ROWS: &[$crate::settings::row::Row] = &[$($crate::settings::row::Row {
                key: stringify!($field),
                kind: $crate::settings::row::Kind::$kind,
                default: concat!($($words)?),
                flag: concat!($($flag)?),
                doc: concat!($($doc, "\n"),+),
            }),*];

            $(settings! { @method $name, $field, ($ty $(<$inner>)?) $(, $example)?; $($doc)+ })*

            /// Lays over each setting the one of `later`, if that is explicit or not the default.
            pub(in crate::settings) fn lay(&mut self, later: &Self) {
                use $crate::settings::explicit::Remember as _;
                let default = Self::default();
                $(if later.is_explicit(stringify!($field)) || later.$field != default.$field {
                    self.$field.clone_from(&later.$field);
                })*
            }

            /// The settings that are out of their range.
            pub(in crate::settings) fn out_of_range(&self) -> impl Iterator<Item = &'static $crate::settings::row::Row> {
                use $crate::settings::row::Checked as _;
                let is_in_range = [$(self.$field.is_in_range($crate::settings::row::Kind::$kind)),*];
                Self::ROWS.iter().zip(is_in_range).filter(|(_, is_in_range)| !is_in_range).map(|(row, _)| row)
            }
        }
    };
    (@argument (Option<$inner:ty>)) => { $inner };
    (@argument ($ty:ident)) => { $ty };
    (@method $name:ident, $field:ident, $ty:tt; $($doc:literal)+) => {};
    (@method $name:ident, $field:ident, $ty:tt, $example:expr; $($doc:literal)+) => {
        $(#[doc = $doc])+
        ///
        /// # Examples
        /// ```
        /// # #![allow(unused_imports)]
        /// # use std::time::Duration;
        /// # use pipeline_core::Backoff;
        /// # use pipeline_exec::{CacheMode, Durability, ResumeMode, StepCache};
        #[doc = concat!("# use pipeline_exec::", stringify!($name), ";")]
        #[doc = concat!("let settings = ", stringify!($name), "::default().", stringify!($field), "(", stringify!($example), ");")]
        /// ```
        #[must_use]
        pub fn $field(mut self, $field: settings!(@argument $ty)) -> Self {
            $crate::settings::explicit::Remember::mark(&mut self, stringify!($field));
            self.$field = From::from($field);
            self
        }
    };
}
pub(super) use settings;

/// One setting as data.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "the command line and the documentation read the texts")]
pub(crate) struct Row {
    /// The key below its section; `NAME` stands for a name of the user's.
    pub(crate) key: &'static str,
    pub(crate) kind: Kind,
    /// The default in words, if its value does not say enough.
    pub(super) default: &'static str,
    /// The flag of the command line as `--help` shows it; empty if only `--set` sets it.
    pub(super) flag: &'static str,
    /// Its documentation: what it does.
    pub(super) doc: &'static str,
}

/// The flag of a setting.
#[cfg(feature = "cli")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flag {
    pub(crate) short: Option<char>,
    /// The long form, without its dashes.
    pub(crate) long: &'static str,
    /// The name of its value; a switch has none.
    pub(crate) value: Option<&'static str>,
}

impl Row {
    /// The first paragraph of the documentation.
    #[cfg(any(test, feature = "cli"))]
    pub(crate) fn about(&self) -> String {
        let lines = self.doc.lines().map(str::trim).skip_while(|line| line.is_empty());
        let paragraph: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
        paragraph.join(" ")
    }

    /// The first sentence of the documentation, without its period.
    #[cfg(feature = "cli")]
    pub(crate) fn help(&self) -> String {
        let about = self.about();
        let sentence = about.split_once(". ").map_or(about.as_str(), |(sentence, _)| sentence);
        sentence.trim_end_matches('.').to_owned()
    }

    /// The flag, if the setting has one.
    #[cfg(feature = "cli")]
    pub(crate) fn flag(&self) -> Option<Flag> {
        let (short, long) = self.flag.split_once("--")?;
        let (long, value) = match long.split_once(" <") {
            Some((long, value)) => (long, Some(value.trim_end_matches('>'))),
            None => (long, None),
        };
        Some(Flag { short: short.chars().nth(1), long, value })
    }
}

/// What a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Slots,
    Count,
    AtLeastOne,
    Switch,
    /// A time above zero.
    Time,
    /// A time that may be zero.
    TimeOrZero,
    Backoff,
    Part,
    Memory,
    Rate,
    Path,
    Preset,
    Cache,
    Resume,
    Durability,
    /// How long a stored output is good, or whether it is used at all.
    Lifetime,
    /// A section of a file, or a part of one.
    Table,
    /// A value of whatever type its steps take.
    Any,
}

impl Kind {
    /// Whether text is read as it is, rather than as a number or `true`.
    pub(super) const fn is_text(self) -> bool {
        use Kind::{
            Any, Backoff, Cache, Durability, Lifetime, Memory, Path, Preset, Rate, Resume, Time, TimeOrZero,
        };
        matches!(self, Time | TimeOrZero | Backoff | Memory | Rate | Path | Preset | Any)
            || matches!(self, Cache | Resume | Durability | Lifetime)
    }

    /// Whether `"none"` disables it.
    pub(super) const fn can_be_none(self) -> bool {
        matches!(self, Kind::Time | Kind::TimeOrZero | Kind::Backoff | Kind::Memory | Kind::Path)
    }

    /// What it takes, in words.
    pub(super) fn takes(self) -> String {
        match self {
            Kind::Slots => format!("a whole number from 1 to {MOST_SLOTS}"),
            Kind::Count => "a whole number, 0 or more".to_owned(),
            Kind::AtLeastOne => "a whole number, at least 1".to_owned(),
            Kind::Switch => "`true` or `false`".to_owned(),
            Kind::Time => "a time above zero, such as `\"30s\"` or `\"1m 30s\"`".to_owned(),
            Kind::TimeOrZero => "a time, such as `\"30s\"`".to_owned(),
            Kind::Backoff => "a time, such as `\"100ms\"`, or two, such as `\"100ms..10s\"`".to_owned(),
            Kind::Part => "a number from 0 to 1".to_owned(),
            Kind::Memory => "a number of bytes above zero, or a text such as `\"4 GiB\"`".to_owned(),
            Kind::Rate => "a rate, such as `\"10/s\"` or `\"5/200ms\"`".to_owned(),
            Kind::Path => "a folder".to_owned(),
            Kind::Preset => PRESETS.map(|preset| format!("`\"{}\"`", preset.name)).join(", "),
            Kind::Cache => words(CacheMode::WORDS),
            Kind::Resume => words(ResumeMode::WORDS),
            Kind::Durability => words(Durability::WORDS),
            Kind::Lifetime => "`true`, `false`, or a time above zero, such as `\"30d\"`".to_owned(),
            Kind::Table => "a table of settings".to_owned(),
            Kind::Any => "any value".to_owned(),
        }
    }
}

/// Words, as they are written in a file.
fn words(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
    quoted.join(", ")
}

/// A value that can be compared with what its setting takes.
pub(super) trait Checked {
    fn is_in_range(&self, kind: Kind) -> bool;
}

macro_rules! checked_numbers {
    ($($ty:ty),*) => {
        $(impl Checked for $ty {
            fn is_in_range(&self, kind: Kind) -> bool {
                match kind {
                    Kind::Slots => (1..=MOST_SLOTS as $ty).contains(self),
                    Kind::AtLeastOne | Kind::Memory => *self > 0,
                    _ => true,
                }
            }
        })*
    };
}
checked_numbers!(usize, u32, u64);

impl Checked for f64 {
    fn is_in_range(&self, kind: Kind) -> bool {
        kind != Kind::Part || (0.0..=1.0).contains(self)
    }
}

impl Checked for Duration {
    fn is_in_range(&self, kind: Kind) -> bool {
        kind != Kind::Time || !self.is_zero()
    }
}

impl<T: Checked> Checked for Option<T> {
    fn is_in_range(&self, kind: Kind) -> bool {
        self.as_ref().is_none_or(|value| value.is_in_range(kind))
    }
}

macro_rules! unchecked {
    ($($ty:ty),*) => {
        $(impl Checked for $ty {
            fn is_in_range(&self, _: Kind) -> bool {
                true
            }
        })*
    };
}
unchecked!(bool, CacheMode, ResumeMode, Durability, StepCache);

impl Checked for PathBuf {
    fn is_in_range(&self, _: Kind) -> bool {
        !self.as_os_str().is_empty()
    }
}

impl Checked for pipeline_core::Backoff {
    fn is_in_range(&self, _: Kind) -> bool {
        self.problem().is_none()
    }
}

/// A setting with a name of the user's in its key, or one that is no field.
const fn row(key: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Row {
    Row { key, kind, default, flag: "", doc }
}

const PRESET: Row = Row {
    flag: "--preset <PRESET>",
    ..row("preset", Kind::Preset, "`\"default\"`", "Values to start from. Every other source wins over them.")
};

#[rustfmt::skip]
pub(super) const NAMED: [Row; 8] = [
    row("tags.NAME.enabled", Kind::Switch, "true", "Whether the steps of a tag run."),
    row("tags.NAME.cache", Kind::Lifetime, "false", "Whether the outputs of the steps of a tag are stored and used, and for how long one is good."),
    row("limits.NAME.capacity", Kind::AtLeastOne, "1", "Capacity of a named limit."),
    row("limits.NAME.rate", Kind::Rate, "none", "Maximum rate of admissions (feature `rate`). Also a table of `count`, `per` and `burst`."),
    row("limits.NAME.breaker.failures", Kind::AtLeastOne, "no breaker", "Failures in a row after which no step is admitted."),
    row("limits.NAME.breaker.cooldown", Kind::Time, "no breaker", "Time after which a step is admitted again, to probe."),
    row("limits.NAME.breaker.probes", Kind::AtLeastOne, "1", "Probes that then have to succeed."),
    row("params.NAME", Kind::Any, "the step's own", "A run parameter, of whatever type its steps take (flag `--param`). `params.STEP.NAME` sets it for one step; in the variable, the name is not folded to capitals."),
];

/// The sections in which settings of steps stand.
const OF_STEPS: [&str; 3] = ["defaults", "groups", "steps"];

/// The row of a setting of steps.
pub(super) fn step_row(field: &str) -> Option<&'static Row> {
    StepDefaults::ROWS.iter().find(|row| row.key == field)
}

/// The rows of a run: those that are a key of one part.
pub(crate) fn run_rows() -> impl Iterator<Item = &'static Row> {
    std::iter::once(&PRESET).chain(Settings::ROWS)
}

/// What a key of one part takes.
pub(super) fn kind_of(key: &str) -> Option<Kind> {
    run_rows().find(|row| row.key == key).map(|row| row.kind)
}

/// The first parts of all keys.
pub(super) fn sections() -> impl Iterator<Item = &'static str> {
    run_rows().chain(&NAMED).map(|row| row.key.split('.').next().unwrap_or(row.key)).chain(OF_STEPS)
}

/// The flags of settings, each with its key.
#[cfg(feature = "cli")]
pub(crate) fn flags() -> impl Iterator<Item = (Flag, String, &'static Row)> {
    let of_run = Settings::ROWS.iter().map(|row| (row.key.to_owned(), row));
    let of_steps = StepDefaults::ROWS.iter().map(|row| (format!("defaults.{}", row.key), row));
    of_run.chain(of_steps).filter_map(|(key, row)| Some((row.flag()?, key, row)))
}
