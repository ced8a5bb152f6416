//! Many threads at once, with a gauge for each limit.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, mpsc};

use super::*;

const LIMITS: [(&str, u64); 3] = [("a", 3), ("b", 2), ("c", 1)];
const THREADS: u64 = 4;
const EACH: u64 = 3000;

/// The amount of each limit held, as counted by its holders.
#[derive(Default)]
struct Gauges([AtomicU64; 3], AtomicU64);

impl Gauges {
    fn enter(&self, amounts: [u64; 3]) {
        for (limit, amount) in amounts.into_iter().enumerate() {
            let held = self.0[limit].fetch_add(amount, Ordering::SeqCst) + amount;
            assert!(held <= LIMITS[limit].1, "{held} of limit {limit} are held");
        }
    }

    fn leave(&self, amounts: [u64; 3]) {
        (0..3).for_each(|limit| {
            self.0[limit].fetch_sub(amounts[limit], Ordering::SeqCst);
        });
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

/// A permit on its way to the thread that gives it back.
type Granted = (Permit, [u64; 3]);

/// Asks for pseudo-random amounts. Every other permit is given back by the waiter itself, on any thread;
/// the others by the next thread.
fn work(
    seed: u64,
    limits: &Limits,
    gauges: &Arc<Gauges>,
    to: &mpsc::Sender<Granted>,
    from: &mpsc::Receiver<Granted>,
) {
    let mut state = seed;
    for turn in 0..EACH {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let amounts = [(state >> 33) % 4, (state >> 40) % 3, (state >> 47) % 2];
        let needed: Vec<_> = LIMITS.iter().zip(amounts).map(|((name, _), amount)| (*name, amount)).collect();
        let need = limits.need(&needed, (state >> 50) % 3);
        let (gauges_then, to) = (gauges.clone(), to.clone());
        let request = need.request(seed, ZERO, move |granted| {
            let permit = permit(granted);
            gauges_then.enter(amounts);
            if turn % 2 == 0 {
                gauges_then.leave(amounts);
            } else {
                // A send fails only if the receiver has received all and ended.
                to.send((permit, amounts)).expect("the next thread still listens");
            }
        });
        note(request);
        give_back(gauges, from.try_iter());
    }
}

fn give_back(gauges: &Gauges, granted: impl Iterator<Item = Granted>) {
    for (permit, amounts) in granted {
        gauges.leave(amounts);
        drop(permit);
    }
}

#[test]
fn threads_never_hold_more_than_the_capacity_and_all_are_admitted() {
    let limits = capacities(LIMITS);
    let gauges = Arc::new(Gauges::default());
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..THREADS).map(|_| mpsc::channel()).unzip();
    let start = Arc::new(Barrier::new(THREADS as usize));
    let threads = receivers.into_iter().enumerate().map(|(index, from)| {
        let (limits, gauges, start) = (limits.clone(), gauges.clone(), start.clone());
        let to = senders[(index + 1) % senders.len()].clone();
        std::thread::spawn(move || {
            start.wait();
            work(index as u64 + 1, &limits, &gauges, &to, &from);
            from
        })
    });
    let threads: Vec<_> = threads.collect();
    let receivers: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    // The remaining permits are passed on from waiter to waiter, on this thread.
    while receivers
        .iter()
        .any(|from| from.try_recv().map(|left| give_back(&gauges, [left].into_iter())).is_ok())
    {}
    assert_eq!(gauges.1.load(Ordering::SeqCst), THREADS * EACH);
    assert!(limits.snapshot().iter().all(|limit| limit.in_use == 0 && limit.waiting == 0), "{limits:?}");
}
