//! What a step leaves behind: the place of its output, the output's type, and the status that says what is there.

mod given;
mod output;
mod slot;
mod status;
mod ty;

pub use self::given::Given;
pub use self::output::StepOutput;
pub(crate) use self::output::WriteFn;
pub(crate) use self::slot::{Slot, Value};
pub use self::status::Status;
pub(crate) use self::status::{STOPPED_CODE, code_of, holds_error, status_of};
pub use self::ty::TypeDef;
