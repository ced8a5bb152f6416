//! The known keys, and what each takes.

use std::collections::BTreeSet;

use super::leaf::Key;
use crate::settings::StepDefaults;
use crate::settings::row::{self, Kind};

const OF_LIMITS: [&str; 3] = ["capacity", "rate", "breaker"];
const OF_BREAKERS: [&str; 3] = ["failures", "cooldown", "probes"];
const OF_RATES: [&str; 3] = ["count", "per", "burst"];

/// What a key is.
#[derive(Debug, PartialEq)]
pub(super) enum Known {
    /// A value that is read as one: the number of parts of its key, and what it takes.
    Unit(usize, Option<Kind>),
    /// A run parameter.
    Param,
    /// The part at this position is unknown; these are known.
    Unknown(usize, BTreeSet<&'static str>),
}

/// Returns what a key is.
pub(super) fn look_up(key: &Key) -> Known {
    let part = |position: usize| key.get(position).map(String::as_str);
    let among = |position: usize, known: &[&'static str]| {
        part(position)
            .filter(|part| !known.contains(part))
            .map(|_| Known::Unknown(position, known.iter().copied().collect()))
    };
    let fields: Vec<&str> = StepDefaults::ROWS.iter().map(|row| row.key).collect();
    let of_field = |position: usize| {
        among(position, &fields).unwrap_or_else(|| {
            Known::Unit(
                (position + 1).min(key.len()),
                part(position).and_then(row::step_row).map(|row| row.kind),
            )
        })
    };
    match part(0).unwrap_or_default() {
        "defaults" if key.len() < 2 => Known::Unit(key.len(), Some(Kind::Table)),
        "groups" | "steps" | "tags" | "limits" if key.len() < 3 => Known::Unit(key.len(), Some(Kind::Table)),
        "defaults" => of_field(1),
        "groups" | "steps" => of_field(2),
        "tags" => among(2, &["enabled", "cache"]).unwrap_or_else(|| {
            let kind = if part(2) == Some("cache") { Kind::Lifetime } else { Kind::Switch };
            Known::Unit(3.min(key.len()), Some(kind))
        }),
        "limits" => {
            let deeper = match part(2) {
                Some("breaker") => among(3, &OF_BREAKERS),
                Some("rate") => among(3, &OF_RATES),
                _ => among(2, &OF_LIMITS),
            };
            deeper.unwrap_or(Known::Unit(3.min(key.len()), limit_kind(key)))
        }
        "params" => Known::Param,
        first => match row::kind_of(first) {
            Some(kind) => Known::Unit(1, Some(kind)),
            None => Known::Unknown(0, row::sections().collect()),
        },
    }
}

/// Returns what a key takes: text for it is read accordingly.
pub(super) fn kind(key: &Key) -> Option<Kind> {
    match look_up(key) {
        Known::Unit(_, kind) => kind,
        _ => None,
    }
}

fn limit_kind(key: &Key) -> Option<Kind> {
    Some(match (key.get(2)?.as_str(), key.get(3).map(String::as_str)) {
        ("rate", None) => Kind::Rate,
        (_, Some("cooldown" | "per")) => Kind::Time,
        ("breaker", None) => return None,
        _ => Kind::AtLeastOne,
    })
}
