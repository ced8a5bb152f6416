//! Encoding and decoding a million plain structs.

use std::hint::black_box;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pipeline::__private::{StoredForm, ToStore};
use pipeline::Event;
use pipeline::prelude::*;
use pipeline::store::StoreAs;
use serde::{Deserialize, Serialize};

const COUNT: u64 = 1_000_000;

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Trade {
    id: u64,
    account: u64,
    price: f64,
    volume: f64,
    shop: u32,
    day: u32,
}

/// Numbers as they come: counted up, of some digits, small.
#[step]
fn trades() -> Vec<Trade> {
    let mut random = xorshift();
    (0..COUNT)
        .map(|id| Trade {
            id,
            account: random() % 5_000_000,
            price: (random() % 100_000) as f64 / 100.0,
            volume: random() as f64,
            shop: random() as u32 % 1000,
            day: random() as u32 % 3650,
        })
        .collect()
}

/// Numbers that use all their bits.
#[step]
fn hashes() -> Vec<[u64; 6]> {
    let mut random = xorshift();
    (0..COUNT).map(|_| std::array::from_fn(|_| random())).collect()
}

fn xorshift() -> impl FnMut() -> u64 {
    let mut state = 0x0139_408d_cbbf_7a44_u64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

/// The same trades in 40 bytes each.
struct FixedWidth;

impl StoreAs<Vec<Trade>> for FixedWidth {
    const NAME: &'static str = "trades, 40 bytes each";

    fn encode(trades: &Vec<Trade>, out: &mut dyn Write) -> io::Result<()> {
        let mut buffer = Vec::with_capacity(40 * 1024);
        for trades in trades.chunks(1024) {
            buffer.clear();
            for trade in trades {
                buffer.extend_from_slice(&trade.id.to_le_bytes());
                buffer.extend_from_slice(&trade.account.to_le_bytes());
                buffer.extend_from_slice(&trade.price.to_le_bytes());
                buffer.extend_from_slice(&trade.volume.to_le_bytes());
                buffer.extend_from_slice(&trade.shop.to_le_bytes());
                buffer.extend_from_slice(&trade.day.to_le_bytes());
            }
            out.write_all(&buffer)?;
        }
        Ok(())
    }

    fn decode(bytes: &[u8]) -> io::Result<Vec<Trade>> {
        let (trades, []) = bytes.as_chunks::<40>() else { return Err(io::ErrorKind::InvalidData.into()) };
        let field = |bytes: &[u8; 40], at: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        Ok(trades
            .iter()
            .map(|bytes| Trade {
                id: field(bytes, 0),
                account: field(bytes, 8),
                price: f64::from_bits(field(bytes, 16)),
                volume: f64::from_bits(field(bytes, 24)),
                shop: field(bytes, 32) as u32,
                day: (field(bytes, 32) >> 32) as u32,
            })
            .collect())
    }
}

/// Returns the shortest time to encode the output of a step, and its bytes.
fn encode<S: pipeline::Step>(form: &'static StoredForm) -> (Duration, Vec<u8>) {
    let encoded = Arc::new(Mutex::new((Duration::MAX, Vec::new())));
    let result = Arc::clone(&encoded);
    let observer = move |event: &Event<'_>| {
        let Event::StepFinished { output: Some(output), .. } = event else { return };
        let mut bytes = Vec::new();
        let took = best(|| {
            bytes.clear();
            form.encode(*output, &mut bytes).expect("it can be stored");
        });
        *result.lock().expect("nobody else writes") = (took, bytes);
    };
    Pipeline::to::<S>().observe(observer).run_blocking().expect("it succeeds");
    std::mem::take(&mut *encoded.lock().expect("the run has ended"))
}

fn row<S: pipeline::Step>(name: &str, form: &'static StoredForm) {
    let (encoded, bytes) = encode::<S>(form);
    let decoded = best(|| drop(black_box(form.decode(0, &bytes).expect("it was encoded"))));
    let copied = best(|| drop(black_box(bytes.clone())));
    let speed = |took: Duration| bytes.len() as f64 / took.as_secs_f64() / 1e9;
    println!(
        "{name:<28} {:>6.1} MB   encode {:>6.1} ms {:>5.2} GB/s   decode {:>6.1} ms {:>5.2} GB/s   copy {:>5.2} GB/s",
        bytes.len() as f64 / 1e6,
        encoded.as_secs_f64() * 1e3,
        speed(encoded),
        decoded.as_secs_f64() * 1e3,
        speed(decoded),
        speed(copied),
    );
}

fn best(mut of: impl FnMut()) -> Duration {
    let times = (0..9).map(|_| {
        let start = Instant::now();
        of();
        start.elapsed()
    });
    times.min().unwrap_or_default()
}

pub(super) fn show() {
    println!("a million structs of six numbers; GB/s of encoded bytes");
    let form = |form: Option<&'static StoredForm>| form.expect("it has `Serialize` and `Deserialize`");
    row::<trades>("trades, postcard", form(<ToStore<Vec<Trade>>>::__PIPELINE_STORE));
    row::<trades>("trades, fixed width", StoredForm::by::<FixedWidth, Vec<Trade>>());
    row::<hashes>("six random u64, postcard", form(<ToStore<Vec<[u64; 6]>>>::__PIPELINE_STORE));
}
