//! The steps that one problem keeps from running.

use crate::problem::Problem;

/// Maximum number of names in a note.
const MOST_NAMED: usize = 8;

/// The steps that read what is missing or wrong. A problem is reported once, at the first of them.
#[derive(Default)]
pub(super) struct Readers<'a> {
    /// The first few, each once.
    named: Vec<&'a str>,
    more: usize,
}

impl<'a> Readers<'a> {
    pub(super) fn of(step: &'a str) -> Self {
        Readers { named: vec![step], more: 0 }
    }

    pub(super) fn add(&mut self, step: &'a str) {
        if self.named.last() == Some(&step) {
            return;
        }
        if self.named.len() < MOST_NAMED {
            self.named.push(step);
        } else {
            self.more += 1;
        }
    }

    /// Names the steps in a note, if there are several.
    pub(super) fn note(&self, problem: Problem) -> Problem {
        if self.named.len() < 2 {
            return problem;
        }
        let named = self.named.join("`, `");
        problem.note(match self.more {
            0 => format!("read by `{named}`"),
            more => format!("read by `{named}` and {more} more"),
        })
    }
}
