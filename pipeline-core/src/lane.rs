//! The lanes in which steps run, one row each.

use std::fmt;

/// The properties of a lane.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LaneSpec {
    /// Name in `#[step(…)]`, in settings and in reports.
    pub name: &'static str,
    /// Whether its steps are futures that run as tasks. Otherwise they are functions that run on threads.
    pub is_async: bool,
    /// Whether more slots than cores are of no use.
    pub per_core: bool,
    /// Shape of its steps in drawings.
    pub(crate) shape: Shape,
}

/// A shape in drawings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Pill,
    Box,
    Hexagon,
}

macro_rules! lanes {
    ($($(#[$doc:meta])* $lane:ident = $spec:expr;)*) => {
        /// Where a step runs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum Lane {
            $($(#[$doc])* $lane,)*
        }

        impl Lane {
            /// Every lane, in the order of [`Lane::index`].
            pub const ALL: [Lane; [$(stringify!($lane)),*].len()] = [$(Lane::$lane),*];

            /// Returns the properties of the lane.
            #[inline]
            pub const fn spec(self) -> LaneSpec {
                match self {
                    $(Lane::$lane => $spec,)*
                }
            }
        }
    };
}

lanes! {
    /// A tokio task: the default of `async fn`.
    Io = LaneSpec { name: "io", is_async: true, per_core: false, shape: Shape::Pill };
    /// A bounded pool, by default with as many slots as there are cores: the default of `fn`.
    Cpu = LaneSpec { name: "cpu", is_async: false, per_core: true, shape: Shape::Box };
    /// An elastic, capped pool for code that waits rather than computes.
    Blocking = LaneSpec { name: "blocking", is_async: false, per_core: false, shape: Shape::Hexagon };
}

impl Lane {
    /// Returns a dense index, 0 for IO.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Returns the name in `#[step(…)]`, in settings and in reports.
    pub const fn name(self) -> &'static str {
        self.spec().name
    }

    /// Whether its steps are futures.
    #[inline]
    pub const fn is_async(self) -> bool {
        self.spec().is_async
    }

    /// Every lane, those with threads first.
    pub fn threads_first() -> [Lane; Lane::ALL.len()] {
        let mut lanes = Lane::ALL;
        lanes.sort_by_key(|lane| lane.is_async());
        lanes
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
