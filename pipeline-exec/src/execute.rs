//! Other executors of a plan than that of this crate.

use std::sync::Arc;

use pipeline_core::frame::Frame;

/// An executor of the steps of a run: on one thread, under a debugger, on another thread pool.
///
/// The frame decides what may run. It hands out a [`Ready`](pipeline_core::frame::Ready) for each step, and takes back a
/// [`Finished`](pipeline_core::frame::Finished). Both are tokens that cannot be made or copied, so no implementation can start
/// a step early or twice, or read an output before it exists. Steps not started when it returns are cancelled.
///
/// ```
/// # use std::sync::Arc;
/// # use pipeline_core::{DagBuilder, Lane};
/// # use pipeline_core::frame::{Frame, Progress, Ready};
/// # use pipeline_exec::{Execute, Pipeline};
/// /// One step after another, on the calling thread.
/// struct Inline;
///
/// impl Execute for Inline {
///     fn execute(&self, frame: &Arc<Frame>) {
///         let mut ready: Vec<Ready> = Vec::new();
///         for lane in Lane::ALL {
///             let mut roots = frame.take_roots(lane, usize::MAX, 1);
///             ready.extend(std::iter::from_fn(|| frame.next_root(&mut roots)));
///         }
///         while let Some(next) = ready.pop() {
///             let finished = match frame.start(next) {
///                 Progress::Finished(finished) => Some(finished),
///                 Progress::Suspended(waits) => futures::executor::block_on(waits),
///                 Progress::Late => None,
///             };
///             if let Some(finished) = finished {
///                 frame.finish(finished, |next| ready.push(next));
///             }
///         }
///     }
/// }
///
/// let mut dag = DagBuilder::new();
/// let one = dag.cpu("one", (), |()| 1_u64);
/// dag.cpu("two", (one,), |(one,)| one + 1);
/// let run = Pipeline::new(dag.build()?).run_with(&Inline)?;
/// assert_eq!(run.output_named::<u64>("two"), Ok(&2));
/// # Ok::<(), pipeline_core::Problems>(())
/// ```
///
/// An executor that honours policies (retries, timeouts, limits) reads them from
/// [`Plan::policy`](pipeline_core::Plan::policy); the frame has methods for attempts
/// ([`Frame::start_attempt`], [`Frame::retry`], [`Frame::give_up`], [`Frame::fall_back`]).
pub trait Execute {
    /// Runs the steps of a frame, and returns when none is running any more.
    fn execute(&self, frame: &Arc<Frame>);
}
