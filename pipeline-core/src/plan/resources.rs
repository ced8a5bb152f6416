//! Binds resources to the steps of a plan: each missing one is one problem.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

use super::Plan;
use super::readers::Readers;
use crate::problem::{Problem, ProblemCode};
use crate::resources::Resources;
use crate::short_type::short_type;
use crate::step::InputKind;
use crate::value::TypeDef;

impl Plan {
    /// Finds every resource of the plan. `is_needed` is asked about each that was not given, with the position of its step:
    /// a disabled step, which never reads it, does not need it.
    ///
    /// # Errors
    /// Returns every missing resource.
    pub fn bind_resources(
        &self,
        given: &Resources,
        is_needed: impl Fn(usize) -> bool,
    ) -> Result<Vec<Arc<dyn Any + Send + Sync>>, Vec<Problem>> {
        let mut missing: Vec<(Problem, Readers<'_>)> = Vec::new();
        let mut reported: HashMap<(TypeId, Option<&str>), usize> = HashMap::new();
        let mut bound = Vec::with_capacity(self.resources.len());
        for &(step, parameter) in &self.resources {
            let spec = self.spec(step as usize);
            let input = &spec.def().inputs[parameter as usize];
            let InputKind::Resource { name, ty, holders } = &input.kind else {
                unreachable!("invariant: the plan lists resources only")
            };
            let ids = std::iter::once(ty).chain(*holders).map(TypeDef::id);
            if let Some(value) = given.find(ids.clone(), name.as_deref()) {
                bound.push(Arc::clone(value));
                continue;
            }
            if !is_needed(step as usize) {
                bound.push(Arc::new(()));
                continue;
            }
            if let Some(&reported) = reported.get(&(ty.id(), name.as_deref())) {
                missing[reported].1.add(spec.name());
                continue;
            }
            reported.insert((ty.id(), name.as_deref()), missing.len());
            let names = given.names(ids);
            let named = name.as_ref().map_or(String::new(), |name| format!(" named `{name}`"));
            let (ty, held, value) = match input.kind.object() {
                None => (ty.name(), String::new(), "value".to_owned()),
                Some(full) => {
                    let object = short_type(full);
                    // An `Arc` of the type behind it is not found.
                    let value = format!("Arc::new(value) as Arc<{object}>");
                    (full, format!(" (a `Box<{object}>` or an `Arc<{object}>`)"), value)
                }
            };
            let message =
                format!("step `{}` needs a resource `{ty}`{held}{named}, which was not given", spec.name());
            let mut problem = Problem::new(ProblemCode::MissingResource, message)
                .step(spec.name(), spec.location())
                .parameter(input.name.as_ref(), input.location)
                .hint(match name {
                    Some(name) => format!("give it with `.resource_named({name:?}, {value})`"),
                    None => format!(
                        "give it with `.resource({value})`; for the command line, with \
                         `pipeline::main_with(async |pipeline| Ok(pipeline.resource({value})))`"
                    ),
                });
            if !names.is_empty() {
                problem = problem.note(format!("given of these types, by name: {}", names.join(", ")));
            }
            missing.push((problem, Readers::of(spec.name())));
        }
        if missing.is_empty() {
            return Ok(bound);
        }
        Err(missing.into_iter().map(|(problem, readers)| readers.note(problem)).collect())
    }
}
