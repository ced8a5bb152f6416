//! The tokio runtime that a run uses: the caller's, or the framework's own.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::settings::{MOST_SLOTS, cores};

/// The runtime of the caller where there is one, the framework's own otherwise.
pub(crate) fn current() -> Handle {
    Handle::try_current().unwrap_or_else(|_| own())
}

/// Whether this thread belongs to a runtime, and so must neither block on one nor run a driver: it may be in a step.
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
