//! The tokio runtime that a run uses: the caller's, or the framework's own.

use std::sync::OnceLock;
use std::time::Instant;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::settings::{MOST_SLOTS, cores};

/// Returns the caller's runtime if there is one, or else the framework's.
pub(crate) fn current() -> Handle {
    Handle::try_current().unwrap_or_else(|_| own())
}

/// Reports whether this thread belongs to a runtime. It may be one of its workers, which a run must not block.
pub(crate) fn is_entered() -> bool {
    Handle::try_current().is_ok()
}

/// Returns the framework's runtime, which is made when first needed and kept for the life of the process.
///
/// # Panics
/// If the operating system refuses a thread.
pub(crate) fn own() -> Handle {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(cores())
            .max_blocking_threads(2 * MOST_SLOTS)
            .thread_name("pipeline")
            .enable_all()
            .build()
            .expect("the operating system gives the threads of the runtime")
    });
    runtime.handle().clone()
}

/// Blocks until a future is ready, on the framework's runtime; on another thread if this one belongs to a runtime.
///
/// # Panics
/// If the operating system refuses a thread.
#[cfg(feature = "cli")]
pub(crate) fn block_on_own<F: Future<Output: Send>>(start: impl FnOnce() -> F + Send) -> F::Output {
    if !is_entered() {
        return own().block_on(start());
    }
    std::thread::scope(|scope| match scope.spawn(|| own().block_on(start())).join() {
        Ok(output) => output,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

/// Returns a runtime of one thread, with a timer, on which nothing runs that could block it: no step and no other code of the
/// user. It is made when first needed and kept for the life of the process.
///
/// # Panics
/// If the operating system refuses a thread.
pub(crate) fn timer() -> Handle {
    static TIMER: OnceLock<Handle> = OnceLock::new();
    let timer = TIMER.get_or_init(|| {
        let timer = Builder::new_current_thread().enable_time().build();
        let timer = timer.expect("the operating system gives what a runtime needs");
        let handle = timer.handle().clone();
        let thread = std::thread::Builder::new().name("pipeline-timer".to_owned());
        let run = move || timer.block_on(std::future::pending::<()>());
        thread.spawn(run).expect("the operating system gives one more thread");
        handle
    });
    timer.clone()
}

/// Calls `work` where code may block, and waits for it: on another thread if this one belongs to a runtime. Returns `None` if the
/// operating system refuses a thread.
pub(crate) fn where_code_may_block<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    let Ok(runtime) = Handle::try_current() else { return Some(work()) };
    std::thread::scope(|scope| {
        let on_thread = || {
            let _entered = runtime.enter();
            work()
        };
        let thread = std::thread::Builder::new().spawn_scoped(scope, on_thread).ok()?;
        thread.join().ok()
    })
}

/// Reports whether the time of the current runtime is paused, as in tests with virtual time.
pub(crate) fn is_time_paused() -> bool {
    let (virtual_time, real_time) = (tokio::time::Instant::now(), Instant::now());
    while Instant::now() == real_time {
        std::hint::spin_loop();
    }
    tokio::time::Instant::now() == virtual_time
}

/// Blocks until a future is ready, on a new thread with a new runtime. For a caller that may block a worker of the framework's
/// runtime: a run that needs this worker would never end.
///
/// # Panics
/// If the operating system refuses a thread.
pub(crate) fn block_on_new_thread<F: Future<Output: Send>>(
    start: impl FnOnce(Handle) -> F + Send,
) -> F::Output {
    let on_thread = || {
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(2 * MOST_SLOTS)
            .enable_all()
            .build()
            .expect("the operating system gives what a runtime needs");
        runtime.block_on(start(runtime.handle().clone()))
    };
    std::thread::scope(|scope| match scope.spawn(on_thread).join() {
        Ok(output) => output,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
