//! Tells, once, that panics cannot be contained in this program.

/// Warns on standard error, once for the process, where it is built with `panic = "abort"`.
pub(super) fn warn() {
    #[cfg(panic = "abort")]
    {
        use std::io::{Write, stderr};
        use std::sync::Once;

        static ONCE: Once = Once::new();
        // Who has closed standard error has not asked.
        ONCE.call_once(|| drop(stderr().write_all(WARNING.as_bytes())));
    }
}

#[cfg(panic = "abort")]
const WARNING: &str = "\
warning: this program is built with `panic = \"abort\"`: a step that panics ends the whole process, with no report; remove \
that line from the profile in Cargo.toml to have panics fail their steps only
";
