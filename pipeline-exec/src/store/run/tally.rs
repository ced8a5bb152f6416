//! The figures of a store in a run under way.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::stored::StoreReport;

#[derive(Debug, Default)]
pub(super) struct Tally {
    hits: AtomicU64,
    misses: AtomicU64,
    stored: AtomicU64,
    bytes: AtomicU64,
    stored_bytes: AtomicU64,
}

impl Tally {
    pub(super) fn hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn miss(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn stored(&self, bytes: u64, stored_bytes: u64) {
        self.stored.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.stored_bytes.fetch_add(stored_bytes, Ordering::Relaxed);
    }

    pub(super) fn report(&self) -> StoreReport {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        StoreReport {
            hits: load(&self.hits),
            misses: load(&self.misses),
            stored: load(&self.stored),
            bytes: load(&self.bytes),
            stored_bytes: load(&self.stored_bytes),
            resumed: None,
        }
    }
}
