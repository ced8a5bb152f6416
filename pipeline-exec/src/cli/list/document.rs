//! The steps of a program as data: names and types, never values.

use std::collections::BTreeMap;

use pipeline_core::{Params, StepDef, StepDocument};
use serde::Serialize;

/// The version of the document.
const SCHEMA: u32 = 1;

/// The steps of a program.
#[derive(Debug, Serialize)]
pub(super) struct ListDocument {
    pub(super) schema: u32,
    pub(super) steps: Vec<ListedStep>,
    /// The number of steps in each package, by name and version.
    pub(super) packages: BTreeMap<String, usize>,
    pub(super) groups: BTreeMap<String, usize>,
    pub(super) tags: BTreeMap<String, usize>,
    /// The names of the pipelines of the program, the default first; empty if they have none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) pipelines: Vec<String>,
}

/// A step.
#[derive(Debug, Serialize)]
pub(super) struct ListedStep {
    #[serde(flatten)]
    pub(super) written: StepDocument,
    /// Whether only instances of it run, which a builder makes.
    pub(super) is_template: bool,
    /// Where its run parameters get their values from, by parameter. The values are not shown.
    pub(super) given_by: BTreeMap<String, String>,
}

impl ListDocument {
    pub(super) fn new(steps: Vec<ListedStep>, pipelines: Vec<String>) -> Self {
        let mut document = ListDocument {
            schema: SCHEMA,
            steps,
            packages: BTreeMap::new(),
            groups: BTreeMap::new(),
            tags: BTreeMap::new(),
            pipelines,
        };
        for ListedStep { written: step, .. } in &document.steps {
            *document.packages.entry(format!("{} {}", step.package, step.version)).or_default() += 1;
            if let Some(group) = &step.group {
                *document.groups.entry(group.clone()).or_default() += 1;
            }
            for tag in &step.tags {
                *document.tags.entry(tag.clone()).or_default() += 1;
            }
        }
        document
    }
}

impl ListedStep {
    pub(super) fn of(mut step: StepDocument, def: &StepDef, params: &Params) -> Self {
        step.inputs.retain(pipeline_core::InputDocument::is_value);
        let origin = |name: &String| {
            // An instance has its own name.
            let of_step = params.origin(&format!("{}.{name}", step.name));
            Some((name.clone(), of_step.or_else(|| def.param_origin(name, params))?.to_owned()))
        };
        let named = step.inputs.iter().filter(|input| input.kind == "param");
        let given_by = named.filter_map(|input| origin(input.given_as.as_ref()?)).collect();
        ListedStep { written: step, is_template: def.is_template(), given_by }
    }
}
