//! Write plain Rust functions. The parameters are the edges. rustc proves the graph. The executor runs every step the
//! moment its inputs are there.
#![doc = ""]
pub use pipeline_core::*;
#[cfg(feature = "exec")]
pub use pipeline_exec::*;
pub use pipeline_macros::step;

#[doc(hidden)]
pub use pipeline_core::private as __private;

pub mod prelude;
