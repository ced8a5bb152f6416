//! Colours: green for success, red for failure, yellow for attention, dim for details.

use std::ffi::OsStr;
use std::{env, io};

use anstream::{AutoStream, ColorChoice};
use owo_colors::OwoColorize;

/// Turns colours off on a dumb terminal, unless `CLICOLOR_FORCE` is set. By itself, `anstream` uses colours on a build
/// server (`CI`) even on a dumb terminal. Called before anything is printed.
pub(super) fn no_colours_on_a_dumb_terminal() {
    let is = |name: &str, wanted: fn(&OsStr) -> bool| env::var_os(name).is_some_and(|value| wanted(&value));
    if is("TERM", |term| term == "dumb") && !is("CLICOLOR_FORCE", |value| !value.is_empty()) {
        ColorChoice::Never.write_global();
    }
}

/// Colours text, or leaves it as it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Paint {
    on: bool,
}

impl Paint {
    /// Uses colours if standard error is a terminal with colours and `NO_COLOR` is not set, or if `CLICOLOR_FORCE` is
    /// set.
    pub(super) fn of_stderr() -> Self {
        Paint { on: AutoStream::choice(&io::stderr()) != ColorChoice::Never }
    }

    /// Reports whether text is coloured.
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
