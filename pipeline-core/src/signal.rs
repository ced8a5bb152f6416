//! A flag that is raised once, and wakes the tasks that await it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::contain;

/// A flag that is raised once, and wakes the tasks that await it.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    raised: AtomicBool,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    wakers: BTreeMap<u64, Waker>,
}

impl Signal {
    /// Raises the flag. Returns true to the first caller.
    pub(crate) fn raise(&self) -> bool {
        if self.raised.swap(true, Ordering::SeqCst) {
            return false;
        }
        let wakers = std::mem::take(&mut self.waiting().wakers);
        for waker in wakers.into_values() {
            // A waker is an executor's code: if one panics, the others are still woken.
            let _ = contain::guard(|| waker.wake());
        }
        true
    }

    /// Reports whether the flag was raised.
    #[inline]
    pub(crate) fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Relaxed)
    }

    /// Reports whether the flag was raised. If not, `waker` is woken when it is. `place` is the caller's entry in the list;
    /// the waker replaces an earlier one there.
    ///
    /// The flag is raised before the lock is taken to empty the list, and read here while the lock is held. So a waker is
    /// added before the list is emptied, or the raised flag is seen.
    pub(crate) fn wait(&self, place: &mut Option<u64>, waker: &Waker) -> bool {
        // Cloning or dropping a waker runs an executor's code, so not while the lock is held.
        let waker = waker.clone();
        let mut waiting = self.waiting();
        if self.is_raised() {
            return true;
        }
        let number = *place.get_or_insert_with(|| {
            waiting.next += 1;
            waiting.next
        });
        let earlier = waiting.wakers.insert(number, waker);
        drop(waiting);
        drop(earlier);
        false
    }

    /// Takes a waker out of the list.
    pub(crate) fn leave(&self, place: Option<u64>) {
        let left = place.and_then(|place| self.waiting().wakers.remove(&place));
        drop(left);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::{Arc, Barrier};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("planted: a waker that panics");
        }
    }

    fn counted() -> (Arc<Woken>, Waker) {
        let woken = Arc::new(Woken::default());
        (Arc::clone(&woken), Waker::from(woken))
    }

    #[test]
    fn whoever_waits_is_woken_once() {
        let (signal, (woken, waker)) = (Signal::default(), counted());
        let mut place = None;
        assert!(!signal.wait(&mut place, &waker) && !signal.wait(&mut place, &waker));
        assert!(signal.raise() && !signal.raise());
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
        assert!(signal.wait(&mut place, &waker), "it is raised");
        assert!(signal.waiting().wakers.is_empty());
    }

    #[test]
    fn whoever_leaves_is_forgotten() {
        let (signal, (woken, waker)) = (Signal::default(), counted());
        let mut place = None;
        signal.wait(&mut place, &waker);
        drop(waker);
        assert_eq!(Arc::strong_count(&woken), 2);
        signal.leave(place);
        assert_eq!(Arc::strong_count(&woken), 1);
        signal.raise();
        assert_eq!(woken.0.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn a_waker_that_panics_keeps_nobody_asleep() {
        let (signal, (woken, waker)) = (Signal::default(), counted());
        signal.wait(&mut None, &Waker::from(Arc::new(Panics)));
        signal.wait(&mut None, &waker);
        assert!(signal.raise());
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_waker_that_comes_while_the_flag_is_raised_is_not_lost() {
        for _ in 0..if cfg!(miri) { 20 } else { 2_000 } {
            let (signal, barrier) = (Signal::default(), Barrier::new(2));
            let (woken, waker) = counted();
            let seen = std::thread::scope(|threads| {
                threads.spawn(|| {
                    barrier.wait();
                    signal.raise();
                });
                barrier.wait();
                signal.wait(&mut None, &waker)
            });
            assert_eq!(woken.0.load(Ordering::SeqCst), usize::from(!seen), "woken, or seen, and not both");
        }
    }
}
