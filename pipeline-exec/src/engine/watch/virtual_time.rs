//! Deadlines while the time of the runtime is paused, as in tests with virtual time: exact, and in that time.
//!
//! The watchdog knows real time only. So a step that waits has a timer of the runtime instead, and so has the run. Steps that
//! keep a thread are watched as usual: virtual time stands still as long as they do.

use std::sync::Arc;
use std::time::Duration;

use pipeline_core::frame::GivenUp;
use tokio::time::Instant;

use super::{Waiter, Watch};
use crate::engine::permits::now;
use crate::engine::{Engine, later};
use crate::record::History;
use crate::runtime;

/// When a step that waits is overdue, in virtual time, and why it is given up then.
#[derive(Debug)]
pub(super) struct VirtualDue {
    at: Instant,
    why: GivenUp,
}

/// The virtual time, and when the first attempt of a step started; `None` while time is not paused. Time stands still while
/// a step runs, so the first question about an attempt is as good as its start.
pub(in crate::engine) fn first_start(history: &History, step: usize) -> Option<(Duration, Duration)> {
    if !runtime::is_time_paused() {
        return None;
    }
    let now = now();
    Some((now, history.note(step, |past| *past.first_virtual.get_or_insert(now))))
}

impl Watch {
    /// When an attempt that begins to wait now is overdue, if time is paused and the step has a limit.
    pub(super) fn virtual_due(&self, step: usize) -> Option<VirtualDue> {
        let rule = self.rules.as_ref()?.of(step);
        rule.due(Duration::ZERO, Duration::ZERO)?;
        let (now, first) = first_start(&self.history, step)?;
        let due = rule.due(now, first)?;
        let is_timeout = rule.timeout.is_some_and(|timeout| due == now + timeout);
        let why = super::late(rule.timeout.filter(|_| is_timeout), rule.deadline);
        Some(VirtualDue { at: Instant::now() + due.saturating_sub(now), why })
    }

    /// Ends the run at its deadline in virtual time, if time is paused.
    pub(super) fn begin_in_virtual_time(self: &Arc<Self>, engine: &Engine) {
        let Some(deadline) = self.deadline.filter(|_| runtime::is_time_paused()) else { return };
        let watch = Arc::downgrade(self);
        later::after(engine, deadline, move |stopped, _| {
            if let Some(watch) = watch.upgrade().filter(|_| !stopped) {
                watch.run_is_late(deadline);
            }
        });
    }
}

impl Waiter {
    /// Waits until the step is overdue in virtual time; for ever if time is not paused.
    pub(super) async fn overdue_in_virtual_time(&self) -> GivenUp {
        let Some(due) = &self.virtual_due else { return std::future::pending().await };
        tokio::time::sleep_until(due.at).await;
        due.why.clone()
    }
}
