//! Why a step is run although a value of it is stored: what differs from when that was made.

use pipeline_core::Plan;

use super::Caching;
use crate::store::Record;
use crate::store::record::CodeBy;

impl Caching {
    /// Says why a step of a resumed run is run again. `record` is what that run has stored of it, if it has.
    pub(super) fn why_again(&self, plan: &Plan, step: usize, record: Option<&Record>) -> String {
        let base = match &self.state(step).base {
            Some(Ok(base)) => base,
            Some(Err(why)) => return format!("it has no key: {why}"),
            None => return "it is not stored".to_owned(),
        };
        let Some(record) = record else {
            return "its code, its parameters or something before it changed".to_owned();
        };
        if record.code != base.code {
            return match (record.code.by, base.code.by) {
                (CodeBy::Program, CodeBy::Program) => "the program changed".to_owned(),
                (CodeBy::Version, CodeBy::Version) => {
                    format!("its version was {}, and is {} now", record.code.hash, base.code.hash)
                }
                _ => "its code changed".to_owned(),
            };
        }
        if record.output != base.output {
            return "the type of its output changed".to_owned();
        }
        let is_new = |name: &str, digest| {
            !record.params.iter().any(|param| param.name == name && param.digest == digest)
        };
        if let Some(param) = base.params.iter().find(|param| is_new(&param.name, param.digest)) {
            return format!("its parameter `{}` changed", param.name);
        }
        let names: Vec<String> = super::keys::inputs(plan, step)
            .map(|(input, _)| plan.spec(step).def().inputs[input].name.to_string())
            .collect();
        if names != record.inputs.iter().map(|input| input.name.clone()).collect::<Vec<_>>() {
            return "its inputs changed".to_owned();
        }
        "something before it changed".to_owned()
    }
}
