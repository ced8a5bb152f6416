//! What is known before a run of steps that ask for a cache and cannot have one.

use pipeline_core::Plan;

use super::keys::{self, CLOSURE};

/// Says why a step runs each time although it asks for a cache, if its definition shows that; `None` if it is looked up.
pub(crate) fn why_not_cached(plan: &Plan, step: usize) -> Option<String> {
    let def = plan.spec(step).def();
    if def.module.is_empty() {
        return Some(CLOSURE.to_owned());
    }
    let Some(form) = def.codec.stored() else {
        return Some(format!(
            "its output `{}` is not `Serialize` and `Deserialize`: derive both, or name a codec (`codec = …`)",
            def.output.name()
        ));
    };
    if let Some(why) = form.refused() {
        return Some(format!("its output cannot be stored: {why}"));
    }
    keys::depends_on_time(plan, step)
}
