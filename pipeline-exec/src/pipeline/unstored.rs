//! Without the feature `store`, no run can use one.

use pipeline_core::{Plan, Problem, ProblemCode, Problems};

use super::Pipeline;
use crate::store::Asked;

impl Pipeline {
    pub(super) fn asked(&self, _: &Plan) -> Result<Option<Asked>, Problems> {
        if self.settings.store.is_none() {
            return Ok(None);
        }
        let message = "the settings have a `store`, and this program is built without the feature `store`";
        Err(Problem::new(ProblemCode::InvalidSetting, message)
            .hint("enable the feature, or remove the setting")
            .into())
    }
}
