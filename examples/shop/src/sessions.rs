//! Sessions: events of one user without a long pause between them, and their results.

use std::borrow::Cow;

use pipeline::step;
use serde::{Deserialize, Serialize};

use crate::events::{Events, Kind, events};
use crate::input::Names;
use crate::users::{Region, Users, users};
use crate::values::{Counts, sorted_by_id};

/// A longer pause between two events starts a new session.
const PAUSE_MS: i64 = 30 * 60 * 1000;

#[derive(Serialize, Deserialize)]
pub(crate) struct Sessions {
    pub(crate) rows: Vec<Session>,
    devices: Names<u16>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Session {
    duration_ms: i64,
    user: u32,
    /// Of its first event.
    device: u16,
    kinds: Kinds,
}

/// A set of [`Kind`]s.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Kinds(u8);

#[derive(Serialize, Deserialize)]
pub(crate) struct UserSessions {
    rows: Vec<UserSession>,
    devices: Names<u16>,
    pub(crate) counts: Counts,
}

#[derive(Serialize, Deserialize)]
struct UserSession {
    duration_ms: i64,
    device: u16,
    kinds: Kinds,
    region: Region,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Funnel {
    pub(crate) region: Cow<'static, str>,
    pub(crate) device: String,
    pub(crate) sessions: u64,
    pub(crate) with_view: u64,
    pub(crate) with_cart: u64,
    pub(crate) with_buy: u64,
    pub(crate) duration_ms: i64,
}

/// The facts of an event that a session needs.
#[derive(Clone, Copy, Default)]
struct Visit {
    ts_ms: i64,
    user: u32,
    device: u16,
    kinds: Kinds,
}

#[step(cost = 20)]
pub(crate) fn sessions(events: &Events) -> Sessions {
    let visits = events.rows.iter().map(|event| Visit {
        ts_ms: event.ts_ms,
        user: event.user,
        device: event.device,
        kinds: Kinds::of(event.kind),
    });
    let mut visits = sorted_by_id(visits.collect(), |visit| visit.user);
    let mut rows = Vec::new();
    for visits in visits.chunk_by_mut(|a, b| a.user == b.user) {
        visits.sort_by_key(|visit| visit.ts_ms); // Both sorts are stable: ties stay in row order.
        rows.extend(visits.chunk_by(|a, b| b.ts_ms - a.ts_ms <= PAUSE_MS).map(Session::of));
    }
    Sessions { rows, devices: events.devices.clone() }
}

#[step]
pub(crate) fn user_sessions(sessions: &Sessions, users: &Users) -> UserSessions {
    let mut counts = Counts::new("sessions", &["unknown_user"]);
    let with_region = |session: &Session| {
        let user = &users.rows[users.by_id.row(session.user)?];
        let Session { duration_ms, device, kinds, .. } = *session;
        Some(UserSession { duration_ms, device, kinds, region: user.region })
    };
    let rows: Vec<UserSession> = sessions.rows.iter().filter_map(with_region).collect();
    counts.add("unknown_user", sessions.rows.len() - rows.len());
    UserSessions { rows, devices: sessions.devices.clone(), counts }
}

#[step]
pub(crate) fn funnel(user_sessions: &UserSessions) -> Vec<Funnel> {
    let devices = &user_sessions.devices;
    let mut report = Vec::new();
    for (_, region) in Region::ALL {
        for device in 0..devices.len() {
            let device = devices.name(device).to_owned();
            let (sessions, with_view, with_cart, with_buy, duration_ms) = (0, 0, 0, 0, 0);
            report.push(Funnel {
                region: Cow::Borrowed(region),
                device,
                sessions,
                with_view,
                with_cart,
                with_buy,
                duration_ms,
            });
        }
    }
    for session in &user_sessions.rows {
        let line = &mut report[session.region as usize * devices.len() + usize::from(session.device)];
        line.sessions += 1;
        line.with_view += u64::from(session.kinds.contains(Kind::View));
        line.with_cart += u64::from(session.kinds.contains(Kind::Cart));
        line.with_buy += u64::from(session.kinds.contains(Kind::Buy));
        line.duration_ms += session.duration_ms;
    }
    report.retain(|line| line.sessions > 0);
    report.sort_by(|a, b| (&a.region, &a.device).cmp(&(&b.region, &b.device)));
    report
}

impl Session {
    /// The session of these visits, of which there is at least one.
    fn of(visits: &[Visit]) -> Self {
        let (first, last) = (visits[0], visits[visits.len() - 1]);
        let kinds = visits.iter().fold(Kinds::default(), |kinds, visit| kinds.and(visit.kinds));
        Self { duration_ms: last.ts_ms - first.ts_ms, user: first.user, device: first.device, kinds }
    }
}

impl Kinds {
    fn of(kind: Kind) -> Self {
        Self(1 << kind as u8)
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn contains(self, kind: Kind) -> bool {
        self.0 & Self::of(kind).0 != 0
    }
}
