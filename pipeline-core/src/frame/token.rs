//! Tokens: the rights and duties that an executor holds. Only the frame makes them, each once.

use std::num::NonZeroU64;

use crate::error::StepError;
use crate::lane::Lane;
use crate::value::{Status, status_of};

/// The right to start one step of one frame.
#[derive(Debug)]
#[must_use = "a step that is ready and not started never ends"]
pub struct Ready(
    /// The frame's number above the step's position: one word, so that an `Option<Ready>` moves in a register.
    pub(super) NonZeroU64,
);

impl Ready {
    /// Returns the step, by position in the plan.
    #[inline]
    pub fn step(&self) -> usize {
        self.index() as usize
    }

    #[inline]
    pub(super) fn index(&self) -> u32 {
        self.0.get() as u32
    }

    #[inline]
    pub(super) fn frame(&self) -> u32 {
        (self.0.get() >> 32) as u32
    }
}

/// A step whose code has ended; the duty to hand it to [`Frame::finish`](super::Frame::finish).
#[derive(Debug)]
#[must_use = "dependents of a step that is not finished never start"]
pub struct Finished {
    pub(super) step: u32,
    pub(super) frame: u32,
    /// `Ok` if the code of the step succeeded. It has no payload: a step that succeeds compares and loads no status.
    pub(super) result: Result<(), Ended>,
}

/// An output that no step will read any more; the duty to hand it to [`Frame::drop_unread`](super::Frame::drop_unread). If it is
/// lost, the output stays until the frame is dropped.
#[derive(Debug)]
#[must_use = "the output stays until the frame is dropped"]
pub struct Unread {
    pub(super) step: u32,
    pub(super) frame: u32,
}

/// How a step ended if its code did not succeed.
#[derive(Debug)]
pub(super) enum Ended {
    Failed(Box<StepError>),
    /// Another step failed.
    Skipped(u32),
    /// Its code did not run: its output comes from elsewhere, and gives the step this status.
    Elsewhere(Status),
    /// Its code did not run: its output is in a store, and no step of the run reads it.
    Unread,
}

impl Ended {
    #[cold]
    fn status(&self) -> Status {
        match self {
            Ended::Skipped(_) => Status::Skipped,
            Ended::Failed(error) => status_of(error.kind()),
            Ended::Elsewhere(status) => *status,
            Ended::Unread => Status::Cached,
        }
    }
}

impl Finished {
    /// Returns the step, by position in the plan.
    #[inline]
    pub fn step(&self) -> usize {
        self.step as usize
    }

    /// Reports whether its code has run, and succeeded.
    #[inline]
    pub fn has_succeeded(&self) -> bool {
        self.result.is_ok()
    }

    /// Returns the status that it will have.
    #[inline]
    pub fn status(&self) -> Status {
        match &self.result {
            Ok(()) => Status::Succeeded,
            Err(ended) => ended.status(),
        }
    }

    /// Returns the error, if the step failed.
    pub fn error(&self) -> Option<&StepError> {
        match &self.result {
            Err(Ended::Failed(error)) => Some(error),
            _ => None,
        }
    }

    /// Adds to the error of a step that failed what went wrong afterwards, as in a hook.
    pub fn add_note(&mut self, note: &str) {
        if let Err(Ended::Failed(error)) = &mut self.result {
            error.add_note(note);
        }
    }

    /// Returns the step whose failure causes the skip, by position in the plan, if another step causes it.
    pub fn skipped_because(&self) -> Option<usize> {
        match self.result {
            Err(Ended::Skipped(cause)) if cause != self.step => Some(cause as usize),
            _ => None,
        }
    }
}

/// Steps that wait for no other; see [`Frame::next_root`](super::Frame::next_root).
#[derive(Debug)]
pub struct Roots {
    pub(super) lane: Lane,
    pub(super) frame: u32,
    pub(super) left: std::ops::Range<usize>,
}

impl Roots {
    /// Reports whether no root is left.
    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }
}
