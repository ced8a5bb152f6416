//! Without the feature `store`, no run asks for one.

use pipeline_core::{Plan, Problems};

use super::Pipeline;
use crate::store::Asked;

impl Pipeline {
    #[allow(clippy::unnecessary_wraps, clippy::unused_self, reason = "the same as with the feature `store`")]
    pub(super) fn asked(&self, _: &Plan) -> Result<Option<Asked>, Problems> {
        Ok(None)
    }
}
