//! The engine of a run that has ended: the run's alone, unless a thread that was left behind still holds it.

use std::ops::Deref;
use std::sync::Arc;

use pipeline_core::frame::Frame;

use crate::engine::Engine;

/// The engine of a run that has ended. One of the two is there.
#[derive(Debug)]
pub(super) struct Held {
    alone: Option<Box<Engine>>,
    shared: Option<Arc<Engine>>,
}

impl Held {
    pub(super) fn new(engine: Arc<Engine>) -> Self {
        let mut held = Held { alone: None, shared: Some(engine) };
        held.settle();
        held
    }

    /// Makes the engine the run's alone, if no attempt that was given up still runs.
    fn settle(&mut self) {
        while let Some(engine) = self.shared.take() {
            let is_detached = engine.history.any_detached();
            match Arc::try_unwrap(engine) {
                Ok(engine) => self.alone = Some(Box::new(engine)),
                Err(engine) => {
                    self.shared = Some(engine);
                    if is_detached {
                        return;
                    }
                    // The watchdog, or a thread on its way out, looks at the run for another moment.
                    std::thread::yield_now();
                }
            }
        }
    }

    /// The frame, if nobody else can reach it.
    pub(super) fn frame_alone(&mut self) -> Option<&mut Frame> {
        self.settle();
        Arc::get_mut(&mut self.alone.as_mut()?.frame)
    }
}

impl Deref for Held {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        let shared = self.shared.as_deref();
        self.alone.as_deref().or(shared).expect("invariant: the engine is the run's alone, or shared")
    }
}
