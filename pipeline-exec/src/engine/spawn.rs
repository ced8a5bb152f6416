//! The only file that spawns tasks and threads of a run.

use std::pin::Pin;

use tokio::runtime::Handle;

/// A task of a run.
pub(super) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Starts a task.
pub(super) fn task(runtime: &Handle, task: Task) {
    drop(runtime.spawn(task));
}

/// Runs something on a thread that may block.
pub(super) fn thread(runtime: &Handle, work: impl FnOnce() + Send + 'static) {
    drop(runtime.spawn_blocking(work));
}
