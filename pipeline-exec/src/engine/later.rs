//! What a run does after a while: another attempt of a step, another look at a rate.
//!
//! No task of the caller's runtime waits for it: that runtime may have no timer, and all its threads may be blocked. Only
//! if its time is paused, it waits there, so that a test in virtual time is exact.

use std::time::Duration;

use futures::future::{Either, select};

use super::{Engine, spawn};
use crate::runtime;
use crate::settings::in_reach;
use crate::timing::Place;

/// Calls `then` after a while, or as soon as the run is stopped; it is told whether the run was stopped. If the runtime shuts
/// down before, `then` is dropped.
pub(super) fn after(engine: &Engine, wait: Duration, then: impl FnOnce(bool, Place) + Send + 'static) {
    let (stop, runtime) = (engine.stop.clone(), engine.runtime.clone());
    let entered = runtime.enter();
    let (paused, at) = (runtime::is_time_paused(), tokio::time::Instant::now() + in_reach(wait));
    drop(entered);
    let waited = async move {
        let time = std::pin::pin!(tokio::time::sleep_until(at));
        matches!(select(std::pin::pin!(stop.cancelled()), time).await, Either::Left(_))
    };
    if paused {
        spawn::task(&runtime, Box::pin(async move { then(waited.await, Place::task()) }));
        return;
    }
    let task = async move {
        let stopped = waited.await;
        // It may call the user's code.
        spawn::thread(&runtime::own(), move || {
            let _entered = runtime.enter();
            then(stopped, Place::blocking_thread());
        });
    };
    spawn::task(&runtime::timer(), Box::pin(task));
}
