//! The tokio runtime that a run uses: the caller's, or the framework's own.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::settings::{MOST_SLOTS, cores};

/// The runtime of the caller where there is one, the framework's own otherwise.
pub(crate) fn current() -> Handle {
    Handle::try_current().unwrap_or_else(|_| own())
}

/// Whether this thread belongs to a runtime: it may be one of its workers, and must not be counted on meanwhile.
pub(crate) fn is_entered() -> bool {
    Handle::try_current().is_ok()
}

/// The framework's own runtime: made when first needed, kept for the life of the process.
///
/// # Panics
/// Where the operating system gives no thread.
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

/// Drives a future to its end on a thread with a runtime of its own. For a caller that may be blocking a worker of the
/// framework's runtime: a run that waited for that worker would never end.
///
/// # Panics
/// If the operating system gives no thread.
pub(crate) fn on_a_thread_of_its_own<F: Future<Output: Send>>(
    start: impl FnOnce(Handle) -> F + Send,
) -> F::Output {
    let on_thread = || {
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(2 * MOST_SLOTS)
            .enable_all()
            .build()
            .expect("the operating system gives what a runtime needs");
        let future = start(runtime.handle().clone());
        runtime.block_on(future)
    };
    std::thread::scope(|scope| match scope.spawn(on_thread).join() {
        Ok(output) => output,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
