//! Tracked outputs: each has a number, and the world records whether it is alive.

use super::world::world;

/// An output. The world complains if it is not dropped exactly once.
#[derive(Debug)]
pub(super) struct Payload {
    /// Its number in the world.
    id: usize,
}

/// The state of one output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    /// The step that made it.
    pub(super) maker: usize,
    /// The attempt that made it; 0 for a fallback or a given output.
    pub(super) attempt: u32,
    pub(super) lives: bool,
}

impl Payload {
    pub(super) fn new(maker: usize, attempt: u32) -> Self {
        let world = world();
        let mut lives = world.values.borrow_mut();
        lives.push(Life { maker, attempt, lives: true });
        Payload { id: lives.len() - 1 }
    }

    /// Returns the step that made it; the world complains if it is gone.
    pub(super) fn look(&self, reader: &str) -> Life {
        let world = world();
        let life = world.values.borrow().get(self.id).copied();
        match life {
            Some(life) if life.lives => life,
            _ => {
                world.complain(format!("{reader} sees a value that is gone: {life:?}"));
                Life { maker: usize::MAX, attempt: 0, lives: false }
            }
        }
    }
}

impl Clone for Payload {
    fn clone(&self) -> Self {
        let life = self.look("a clone");
        Payload::new(life.maker, life.attempt)
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        let world = world();
        let was =
            world.values.borrow_mut().get_mut(self.id).map(|life| std::mem::replace(&mut life.lives, false));
        if was != Some(true) {
            world.complain(format!("value {} is dropped, and was not alive", self.id));
        }
    }
}
