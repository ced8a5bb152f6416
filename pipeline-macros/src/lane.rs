//! The lanes as written in `#[step(…)]`. A test of the workspace compares them with those of the core.

use proc_macro2::Ident;

/// One lane.
#[derive(Debug)]
pub(crate) struct Lane {
    /// The option of the attribute.
    pub(crate) name: &'static str,
    /// The variant of `pipeline::Lane`.
    pub(crate) variant: &'static str,
    /// Whether its steps are futures.
    pub(crate) is_async: bool,
}

/// What the option of a lane sets.
pub(crate) const SUBJECT: &str = "the lane";

const fn lane(name: &'static str, variant: &'static str, is_async: bool) -> Lane {
    Lane { name, variant, is_async }
}

impl Lane {
    /// Every lane. The first of its kind is the default of `async fn`, and of `fn`.
    pub(crate) const ALL: [Lane; 3] =
        [lane("io", "Io", true), lane("cpu", "Cpu", false), lane("blocking", "Blocking", false)];

    /// Returns the lane of an option.
    pub(crate) fn named(option: &Ident) -> Option<&'static Lane> {
        const { &Lane::ALL }.iter().find(|lane| option == lane.name)
    }

    /// Returns the lane of a function that names none.
    pub(crate) fn default_of(is_async: bool) -> &'static Lane {
        let mut lanes = const { &Lane::ALL }.iter();
        lanes.find(|lane| lane.is_async == is_async).expect("invariant: both kinds of functions have a lane")
    }
}
