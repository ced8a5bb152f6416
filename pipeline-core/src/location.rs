//! Locations in the user's source, and packages.

use std::fmt;

/// A location in the user's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// The file, as rustc names it.
    pub file: &'static str,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

impl Location {
    /// Returns the location of the caller.
    #[track_caller]
    pub fn caller() -> Self {
        let at = std::panic::Location::caller();
        Location { file: at.file(), line: at.line(), column: at.column() }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A package as cargo names it, for messages about types from two versions of one crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Package {
    /// `CARGO_PKG_NAME`, or empty if the build is not cargo's.
    pub name: &'static str,
    /// `CARGO_PKG_VERSION`, or empty.
    pub version: &'static str,
}

/// Returns the package that a step is compiled in, from what cargo says of it.
pub const fn package(name: Option<&'static str>, version: Option<&'static str>) -> Package {
    const fn or_empty(text: Option<&'static str>) -> &'static str {
        match text {
            Some(text) => text,
            None => "",
        }
    }
    Package { name: or_empty(name), version: or_empty(version) }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}
