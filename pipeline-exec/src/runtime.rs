//! The tokio runtime that a run uses: the caller's, or the framework's own.

use std::sync::OnceLock;

use pipeline_core::Problems;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::run::{Run, RunHandle};
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

/// Runs a pipeline on a runtime that is made for it, and waits. For a caller that may be blocking a worker of the
/// framework's own runtime: a run that waited for that worker would wait for ever.
///
/// # Errors
/// What waiting for the run says.
///
/// # Panics
/// Where the operating system gives no thread.
pub(crate) fn on_a_thread_of_its_own(
    start: impl FnOnce(Handle) -> RunHandle + Send,
) -> Result<Run, Problems> {
    let on_thread = || {
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(2 * MOST_SLOTS)
            .enable_all()
            .build()
            .expect("the operating system gives what a runtime needs");
        let handle = start(runtime.handle().clone());
        runtime.block_on(handle.wait())
    };
    std::thread::scope(|scope| match scope.spawn(on_thread).join() {
        Ok(run) => run,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
