//! Colours, few: green for what went well, red for what failed, yellow for what to look at, dim for what is beside the point.

use std::io;

use anstream::{AutoStream, ColorChoice};
use owo_colors::OwoColorize;

/// Whether and how text is coloured.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Paint {
    on: bool,
}

impl Paint {
    /// As standard error can take it: a terminal that knows colours, and nobody has said `NO_COLOR`; or `CLICOLOR_FORCE` was
    /// said.
    pub(super) fn of_stderr() -> Self {
        Paint { on: AutoStream::choice(&io::stderr()) != ColorChoice::Never }
    }

    pub(super) fn green(self, text: &str) -> String {
        if self.on { text.green().to_string() } else { text.to_owned() }
    }

    pub(super) fn red(self, text: &str) -> String {
        if self.on { text.red().to_string() } else { text.to_owned() }
    }

    pub(super) fn yellow(self, text: &str) -> String {
        if self.on { text.yellow().to_string() } else { text.to_owned() }
    }

    pub(super) fn dim(self, text: &str) -> String {
        if self.on { text.dimmed().to_string() } else { text.to_owned() }
    }
}
