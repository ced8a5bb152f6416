//! Settings of the store that take one of a few words.

use serde::{Deserialize, Serialize};

/// Declares a setting that takes one of a few words, and how each is written.
macro_rules! words {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[$meta:meta])+ $variant:ident = $word:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$meta])+ #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// The words, in order.
            pub(crate) const WORDS: &[&str] = &[$($word),+];
        }
    };
}

words! {
    /// Which steps use the store of a run.
    CacheMode {
        /// None: nothing is looked up or stored.
        Off = "off",
        /// Those that are marked: `#[step(cache)]`, or [`StepDefaults::cache`](crate::StepDefaults).
        #[default]
        Marked = "marked",
        /// All whose outputs can be stored.
        All = "all",
    }
}

words! {
    /// What a run leaves in its store, so that another can go on where it ended.
    ResumeMode {
        /// Nothing.
        #[default]
        Off = "off",
        /// If it does not succeed: the outputs that the rest of it needs. A run that succeeds writes nothing.
        OnFailure = "on-failure",
        /// Every output that can be stored, when it is made: a run that was killed can be resumed too.
        Always = "always",
    }
}

words! {
    /// What stored values survive.
    Durability {
        /// The end of the process, also by `kill -9`.
        #[default]
        Process = "process",
        /// Also a power failure: every file and folder is written through to the disk, which takes longer.
        Power = "power",
    }
}
