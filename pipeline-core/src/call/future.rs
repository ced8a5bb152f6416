//! The future of an async step, type-erased, in memory that is reused.
//!
//! Most step futures are ready at their first poll. A box would be allocated and freed around that one poll, which
//! measured a third of the cost of an async no-op step. So a fresh future is written into a spare block that the thread
//! keeps, polled there, and leaves the block when it is ready. A future that waits takes the block with it.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::{MaybeUninit, align_of, size_of};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};

use super::Failure;

/// Result of starting a call.
pub enum Started<'a> {
    /// It ended.
    Done(Result<(), Failure>),
    /// It waits; poll the future to continue.
    Pending(StepFuture<'a>),
}

impl fmt::Debug for Started<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Started::Done(_) => "Done",
            Started::Pending(_) => "Pending",
        })
    }
}

/// Result of a step's future; the output is then in the slot.
type Output = Result<(), Failure>;

/// Memory for a future of the usual size.
type Block = MaybeUninit<[u128; 32]>;

thread_local! {
    static SPARE: Cell<Option<Spare>> = const { Cell::new(None) };
}

/// An unused block.
struct Spare(NonNull<Block>);

impl Spare {
    /// Returns the thread's spare block, or a new one.
    #[inline]
    fn take() -> Self {
        SPARE
            .try_with(Cell::take)
            .ok()
            .flatten()
            .unwrap_or_else(|| Spare(NonNull::from(Box::leak(Box::new(Block::uninit())))))
    }

    /// Keeps the block for the thread's next future. One is enough: a second is freed.
    #[inline]
    fn give_back(self) {
        let _ = SPARE.try_with(|spare| spare.set(Some(self)));
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        // SAFETY: the pointer is from `Box::leak` in `take`, and only this `Spare` has it.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// The future of an async step that waits; what it borrows lives for `'a`.
pub struct StepFuture<'a> {
    /// `None` only while it is being dropped.
    block: Option<Spare>,
    poll: unsafe fn(NonNull<Block>, &mut Context<'_>) -> Poll<Output>,
    drop: unsafe fn(NonNull<Block>),
    borrows: PhantomData<Pin<Box<dyn Future<Output = Output> + Send + 'a>>>,
}

// SAFETY: `StepFuture::new` takes `Send` futures only, and the block is memory like any other.
unsafe impl Send for StepFuture<'_> {}

impl<'a> StepFuture<'a> {
    #[inline]
    fn new<F: Future<Output = Output> + Send + 'a>(future: F) -> Self {
        if size_of::<F>() > size_of::<Block>() || align_of::<F>() > align_of::<Block>() {
            // A pinned box fits.
            return StepFuture::placed(Box::pin(future));
        }
        StepFuture::placed(future)
    }

    /// Writes a future that fits into a block.
    #[inline]
    fn placed<F: Future<Output = Output> + Send + 'a>(future: F) -> Self {
        const { assert!(align_of::<Pin<Box<u8>>>() <= align_of::<Block>()) };
        debug_assert!(size_of::<F>() <= size_of::<Block>() && align_of::<F>() <= align_of::<Block>());
        let block = Spare::take();
        // SAFETY: size and alignment were compared, and the block is unused.
        unsafe { block.0.cast::<F>().write(future) };
        StepFuture { block: Some(block), poll: poll::<F>, drop: drop_in_place::<F>, borrows: PhantomData }
    }

    #[inline]
    fn poll_once(&mut self, cx: &mut Context<'_>) -> Poll<Output> {
        match &self.block {
            // SAFETY: `poll` is the one for the type of the future in the block, which never moves out of it.
            Some(block) => unsafe { (self.poll)(block.0, cx) },
            None => Poll::Pending,
        }
    }

    /// Forgets the lifetime of what the future borrows.
    ///
    /// # Safety
    /// The result is dropped before anything that the future borrows.
    pub(crate) unsafe fn unbounded(mut self) -> StepFuture<'static> {
        let block = self.block.take();
        StepFuture { block, poll: self.poll, drop: self.drop, borrows: PhantomData }
    }
}

/// # Safety
/// The block holds an `F`, pinned there.
unsafe fn poll<F: Future<Output = Output>>(block: NonNull<Block>, cx: &mut Context<'_>) -> Poll<Output> {
    // SAFETY: by the caller's promise; the future stays in the block until it is dropped there.
    unsafe { Pin::new_unchecked(block.cast::<F>().as_mut()) }.poll(cx)
}

/// # Safety
/// The block holds an `F`, which is not used afterwards.
unsafe fn drop_in_place<F>(block: NonNull<Block>) {
    // SAFETY: the caller's promise is the same.
    unsafe { block.cast::<F>().drop_in_place() };
}

impl Future for StepFuture<'_> {
    type Output = Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Output> {
        self.poll_once(cx)
    }
}

impl Drop for StepFuture<'_> {
    fn drop(&mut self) {
        let Some(block) = self.block.take() else { return };
        // SAFETY: the block holds the future; this is its end. If its drop panics, the block is freed as a `Spare`.
        unsafe { (self.drop)(block.0) };
        block.give_back();
    }
}

impl fmt::Debug for StepFuture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StepFuture")
    }
}

/// Polls a fresh step future for the first time. The waker does nothing: on `Pending`, the caller polls again at once
/// with a real one.
#[inline]
pub(crate) fn poll_once<'a>(future: impl Future<Output = Output> + Send + 'a) -> Started<'a> {
    let mut future = StepFuture::new(future);
    match future.poll_once(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Started::Done(result),
        Poll::Pending => Started::Pending(future),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Yields once, holding its argument across the wait.
    async fn yields<T>(held: T) -> Output {
        let mut yielded = false;
        std::future::poll_fn(|_| {
            if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        drop(held);
        Ok(())
    }

    #[test]
    fn a_ready_future_is_dropped_and_its_block_used_again() {
        let drops = Arc::new(AtomicUsize::new(0));
        for _ in 0..3 {
            let held = Counted(Arc::clone(&drops));
            let started = poll_once(async move {
                let _held = held;
                Ok(())
            });
            assert!(matches!(started, Started::Done(Ok(()))));
        }
        assert_eq!(drops.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn waiting_futures_keep_their_blocks_apart_whatever_their_size() {
        let drops = Arc::new(AtomicUsize::new(0));
        let mut waiting = Vec::new();
        for _ in 0..4 {
            waiting.push(poll_once(yields((Counted(Arc::clone(&drops)), [7_u8; 16]))));
            waiting.push(poll_once(yields((Counted(Arc::clone(&drops)), [7_u8; 4096]))));
        }
        let handed_over = std::thread::spawn(move || {
            for started in waiting.drain(..4) {
                let Started::Pending(mut future) = started else { panic!("the future waits once") };
                let polled = future.poll_once(&mut Context::from_waker(Waker::noop()));
                assert!(matches!(polled, Poll::Ready(Ok(()))));
            }
            waiting
        });
        let dropped_while_waiting = handed_over.join().expect("no panic");
        assert_eq!(drops.load(Ordering::Relaxed), 4);
        drop(dropped_while_waiting);
        assert_eq!(drops.load(Ordering::Relaxed), 8);
    }

    #[test]
    fn a_panic_in_the_first_poll_drops_what_the_future_held() {
        let drops = Arc::new(AtomicUsize::new(0));
        let held = Counted(Arc::clone(&drops));
        let panicked = crate::contain::guard(|| {
            poll_once(async move {
                let _held = held;
                panic!("planted")
            })
        });
        assert!(panicked.is_err());
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    }
}
