//! What a step results in: its status, the storage of its output, and the type of the output.

mod given;
mod output;
mod slot;
mod status;
mod ty;

pub use self::given::Given;
pub use self::output::StepOutput;
pub(crate) use self::output::WriteFn;
pub(crate) use self::slot::{DropFn, Slot, Value};
pub use self::status::Status;
pub(crate) use self::status::{STOPPED_CODE, code_of, holds_error, status_of};
pub use self::ty::TypeDef;
