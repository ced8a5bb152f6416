//! A warning that panics cannot be contained in this program.

/// Warns on standard error, once for the process, if it is built with `panic = "abort"`.
pub(super) fn warn() {
    #[cfg(panic = "abort")]
    {
        use std::io::{Write, stderr};
        use std::sync::Once;

        static ONCE: Once = Once::new();
        // If standard error is closed, there is no one to warn.
        ONCE.call_once(|| drop(stderr().write_all(WARNING.as_bytes())));
    }
}

#[cfg(panic = "abort")]
const WARNING: &str = "\
warning: this program is built with `panic = \"abort\"`: a step that panics ends the whole process, with no report; remove \
that line from the profile in Cargo.toml to have panics fail their steps only
";
