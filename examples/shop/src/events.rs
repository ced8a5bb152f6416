//! What users did in the shop.

use pipeline::step;
use pipeline::store::InputFile;
use serde::{Deserialize, Serialize};

use crate::input::{Expected, InputError, Names, csv};
use crate::values::Counts;

#[derive(Serialize, Deserialize)]
pub(crate) struct RawEvents {
    rows: Vec<RawEvent>,
    devices: Names<u16>,
}

#[derive(Serialize, Deserialize)]
struct RawEvent {
    ts_ms: i64,
    user: Option<u32>,
    product: u32,
    device: u16,
    kind: Kind,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Events {
    pub(crate) rows: Vec<Event>,
    /// The names behind [`Event::device`].
    pub(crate) devices: Names<u16>,
    pub(crate) counts: Counts,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) ts_ms: i64,
    pub(crate) user: u32,
    pub(crate) product: u32,
    pub(crate) device: u16,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    View,
    Cart,
    Buy,
    Bot,
}

#[step(cost = 29)]
pub(crate) fn load_events(#[param] events_csv: &InputFile) -> Result<RawEvents, InputError> {
    let mut devices = Names::new();
    let columns = ["ts_ms", "user_id", "product_id", "kind", "device"];
    let rows = csv::read(events_csv.path(), &columns, |row| {
        Ok(RawEvent {
            ts_ms: row.milliseconds()?,
            user: row.optional(|row| row.uint())?,
            product: row.uint()?,
            kind: Kind::parse(&row.text()?)?,
            device: row.code(&mut devices)?,
        })
    })?;
    Ok(RawEvents { rows, devices })
}

#[step(cost = 2)]
pub(crate) fn events(load_events: RawEvents) -> Events {
    let mut counts = Counts::new("events", &["rows_in", "anonymous", "bot"]);
    counts.add("rows_in", load_events.rows.len());
    let valid = |raw| Event::valid(raw).map_err(|reason| counts.add(reason, 1)).ok();
    let rows: Vec<Event> = load_events.rows.into_iter().filter_map(valid).collect();
    Events { rows, devices: load_events.devices, counts }
}

impl Event {
    /// Returns the event, or the first reason to refuse it.
    fn valid(raw: RawEvent) -> Result<Self, &'static str> {
        let user = raw.user.ok_or("anonymous")?;
        if raw.kind == Kind::Bot {
            return Err("bot");
        }
        Ok(Self { ts_ms: raw.ts_ms, user, product: raw.product, device: raw.device, kind: raw.kind })
    }
}

impl Kind {
    fn parse(name: &[u8]) -> Result<Self, Expected> {
        Ok(match name {
            b"view" => Self::View,
            b"cart" => Self::Cart,
            b"buy" => Self::Buy,
            b"bot" => Self::Bot,
            _ => return Err(Expected("view, cart, buy or bot")),
        })
    }
}
