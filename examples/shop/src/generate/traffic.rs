//! Events and reviews of users.

use std::io::{self, Write};

use super::Scale;
use super::line::{DAY, Line, SPAN, START};
use super::random::{Table, mix, pick, skew};

const DEVICES: [&str; 5] = ["web", "web", "ios", "android", "android"];
/// The number of sessions open at the same time: their events are mixed in the file.
const OPEN_SESSIONS: usize = 8192;
/// In JSON text: some with escapes, including surrogate pairs, and some without.
const WORDS: [&str; 16] = [
    "good",
    "bad",
    "café",
    "fast",
    r#"\"as seen\""#,
    r"\u00fcber",
    r"slow\n",
    "👍",
    r"\ud83d\udc4e",
    "solid",
    "broke",
    "again",
    r"tea\/coffee",
    r"\u65e5\u672c",
    "日",
    "ok",
];

#[derive(Clone, Default)]
struct Session {
    /// 0 for an anonymous one.
    user: u64,
    product: u64,
    ts_ms: u64,
    device: &'static str,
    events_left: u64,
    is_new: bool,
}

impl Session {
    fn open(number: u64, scale: Scale, event: u64) -> Self {
        let bits = Table::Events.bits(number, 0);
        let user = Table::Events.skewed(number + 1, 1, scale.users) + 1;
        Self {
            user: if bits % 100 < 8 { 0 } else { user },
            product: Table::Events.skewed(number + 1, 2, scale.products) + 1,
            ts_ms: (START + event * (SPAN - DAY) / scale.events) * 1000 + bits / 100 % 43_200_000,
            device: pick(&DEVICES, bits >> 50),
            events_left: 1 + bits / 4_320_000_000 % 9,
            is_new: true,
        }
    }
}

pub(super) fn events(scale: Scale, file: &mut dyn Write) -> io::Result<()> {
    let mut line = Line::new();
    line.text("ts_ms,user_id,product_id,kind,device").end(file)?;
    let mut sessions = vec![Session::default(); OPEN_SESSIONS];
    let mut opened = 0;
    let mut random = 88_172_645_463_325_252_u64;
    for event in 0..scale.events {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let session = &mut sessions[random as usize % OPEN_SESSIONS];
        if session.events_left == 0 {
            *session = Session::open(opened, scale, event);
            opened += 1;
        }
        let bits = Table::Events.bits(event, 3);
        let kind = match bits % 10 {
            _ if session.is_new => "view",
            6 | 7 => "cart",
            8 => "buy",
            9 if bits % 1000 < 10 => "bot",
            _ => "view",
        };
        if (bits / 1000).is_multiple_of(3) {
            session.product = skew(mix(bits), scale.products) + 1;
        }
        line.number(session.ts_ms).text(",");
        if session.user != 0 {
            line.number(session.user);
        }
        line.text(",")
            .number(session.product)
            .text(",")
            .text(kind)
            .text(",")
            .text(session.device)
            .end(file)?;
        let long_pause = (bits / 1_800_000_000).is_multiple_of(40);
        session.ts_ms += 2000 + bits / 3000 % 600_000 + if long_pause { 2_400_000 } else { 0 };
        session.events_left -= 1;
        session.is_new = false;
    }
    Ok(())
}

pub(super) fn reviews(scale: Scale, file: &mut dyn Write) -> io::Result<()> {
    let mut line = Line::new();
    for i in 0..scale.reviews {
        let bits = Table::Reviews.bits(i, 0);
        // Some come again from the same users for the same products.
        let (products, users) =
            if bits / 128 % 25 == 1 { (40, 40) } else { (scale.products, scale.users / 20 + 1) };
        let stars = match bits / 128 % 200 {
            0 if bits % 2 == 1 => 0, // 0.5 % are out of range.
            0 => 6,
            _ => 1 + bits % 5,
        };
        line.text("{\"review_id\":").number(i + 1);
        line.text(",\"product_id\":").number(Table::Reviews.skewed(i, 1, products) + 1);
        line.text(",\"user_id\":").number(Table::Reviews.skewed(i, 2, users) + 1);
        line.text(",\"stars\":").number(stars);
        line.text(",\"at\":\"").time(START + Table::Reviews.bits(i, 3) % SPAN).text("\",\"text\":\"");
        for k in 0..1 + bits / 8 % 12 {
            line.text(if k > 0 { " " } else { "" }).text(pick(&WORDS, mix(bits.wrapping_add(k))));
        }
        line.text(if bits.is_multiple_of(3) { "\",\"verified\":true}" } else { "\"}" }).end(file)?;
    }
    Ok(())
}
