//! Needs of several limits: all or nothing, in any order and capacity, without a deadlock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pipeline::limits::LimitSettings;
use pipeline::prelude::*;
use pipeline::*;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::support::run_in_time;

/// The use and the capacity of three limits.
struct Book {
    in_use: [AtomicU64; 3],
    capacity: [u64; 3],
    broken: AtomicU64,
}

impl Book {
    /// Records what a step uses while it runs.
    fn hold(self: &Arc<Self>, amounts: [u64; 3]) -> Held {
        let amounts = [0, 1, 2].map(|name| amounts[name].min(self.capacity[name]));
        for (name, amount) in amounts.into_iter().enumerate() {
            let now = self.in_use[name].fetch_add(amount, Ordering::SeqCst) + amount;
            if now > self.capacity[name] {
                self.broken.fetch_add(1, Ordering::SeqCst);
            }
        }
        std::thread::yield_now();
        Held(Arc::clone(self), amounts)
    }
}

struct Held(Arc<Book>, [u64; 3]);

impl Drop for Held {
    fn drop(&mut self) {
        for (name, amount) in self.1.into_iter().enumerate() {
            self.0.in_use[name].fetch_sub(amount, Ordering::SeqCst);
        }
    }
}

#[step(limit("nd-a"))]
fn nd_a(#[resource] book: &Arc<Book>) {
    let _held = book.hold([1, 0, 0]);
}
#[step(limit("nd-b" = 2))]
async fn nd_b(#[resource] book: &Arc<Book>) {
    let _held = book.hold([0, 2, 0]);
    tokio::task::yield_now().await;
}
#[step(blocking, limit("nd-c" = 3))]
fn nd_c(#[resource] book: &Arc<Book>) {
    let _held = book.hold([0, 0, 3]);
}
#[step(limit("nd-a", "nd-b"))]
fn nd_ab(#[resource] book: &Arc<Book>) {
    let _held = book.hold([1, 1, 0]);
}
#[step(blocking, limit("nd-c" = 2, "nd-b" = 2))]
fn nd_cb(#[resource] book: &Arc<Book>) {
    let _held = book.hold([0, 2, 2]);
}
#[step(limit("nd-c", "nd-a" = 3))]
async fn nd_ca(#[resource] book: &Arc<Book>) {
    let _held = book.hold([3, 0, 1]);
    tokio::task::yield_now().await;
}
#[step(limit("nd-b" = 3, "nd-c" = 2, "nd-a" = 2))]
fn nd_all(#[resource] book: &Arc<Book>) {
    let _held = book.hold([2, 3, 2]);
}
#[step(exclusive, limit("nd-a"))]
fn nd_alone(#[resource] book: &Arc<Book>) {
    let _held = book.hold([1, 0, 0]);
}

/// Adds this many steps, of kinds that the numbers choose.
fn graph(kinds: &[u8]) -> Dag {
    let mut dag = DagBuilder::new();
    for (n, kind) in kinds.iter().enumerate() {
        let step = match kind {
            0 => dag.add::<nd_a>(),
            1 => dag.add::<nd_b>(),
            2 => dag.add::<nd_c>(),
            3 => dag.add::<nd_ab>(),
            4 => dag.add::<nd_cb>(),
            5 => dag.add::<nd_ca>(),
            6 => dag.add::<nd_all>(),
            _ => dag.add::<nd_alone>(),
        };
        let _ = step.named(format!("s{n}"));
    }
    dag.build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// C16, P6: with any needs and capacities all steps end, never use more than there is, and leave nothing in use.
    #[test]
    fn any_needs_end_and_never_exceed_the_capacity(
        kinds in proptest::collection::vec(0_u8..8, 200),
        capacity in proptest::array::uniform3(1_u64..5),
        workers in 1_usize..6,
        shared in any::<bool>(),
    ) {
        let names = ["nd-a", "nd-b", "nd-c"];
        let named = || names.into_iter().zip(capacity);
        let limits =
            named().fold(Limits::new(), |limits, (name, amount)| limits.limit(name, LimitSettings::new(amount)));
        let settings = Settings::default().cpu(workers).blocking(workers).io(workers);
        let book = Arc::new(Book { in_use: Default::default(), capacity, broken: AtomicU64::new(0) });
        let pipeline = Pipeline::new(graph(&kinds)).resource(Arc::clone(&book));
        let pipeline = if shared {
            pipeline.settings(settings).limits(&limits)
        } else {
            let with = |settings: Settings, (name, amount)| settings.limit(name, LimitSettings::new(amount));
            pipeline.settings(named().fold(settings, with))
        };
        let run = run_in_time(pipeline);
        prop_assert!(run.succeeded());
        prop_assert_eq!(book.broken.load(Ordering::SeqCst), 0);
        for limit in &run.report().limits {
            let at = names.iter().position(|name| *name == limit.name);
            let at = at.ok_or_else(|| TestCaseError::fail(format!("no step needs `{}`", limit.name)))?;
            prop_assert_eq!((limit.in_use, limit.waiting, limit.capacity), (0, 0, capacity[at]));
            prop_assert!(limit.peak <= limit.capacity);
        }
        prop_assert!(limits.snapshot().iter().all(|limit| (limit.in_use, limit.waiting) == (0, 0)));
    }
}
