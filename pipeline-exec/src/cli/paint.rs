//! Colours, few: green for what went well, red for what failed, yellow for what to look at, dim for what is beside the point.

use std::ffi::OsStr;
use std::{env, io};

use anstream::{AutoStream, ColorChoice};
use owo_colors::OwoColorize;

/// Before anything is printed: a terminal that says it is dumb gets no colours, unless `CLICOLOR_FORCE` asks for them. Left to
/// itself, `anstream` colours on a build server (`CI`) whatever its terminal says.
pub(super) fn no_colours_on_a_dumb_terminal() {
    let is = |name: &str, wanted: fn(&OsStr) -> bool| env::var_os(name).is_some_and(|value| wanted(&value));
    if is("TERM", |term| term == "dumb") && !is("CLICOLOR_FORCE", |value| !value.is_empty()) {
        ColorChoice::Never.write_global();
    }
}

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

    /// Whether anything is coloured.
    pub(super) fn is_on(self) -> bool {
        self.on
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
