//! The graph as data, with a versioned schema: what leaves the process, and what can come back into one.
//!
//! A document has names and types, never values: parameters may be secrets. Fields can be added within a schema, and
//! readers ignore those they do not know; anything else makes a new schema.

use serde::{Deserialize, Serialize};

use super::super::{Dag, DefRef};
use crate::lane::Lane;
use crate::problem::{Problem, ProblemCode};
use crate::step::{InputDef, InputKind};

/// A graph as data. What the types of inputs and outputs are is told for people; a loaded graph is checked against the
/// steps of the program that loads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GraphDocument {
    /// The version of the schema: [`GraphDocument::SCHEMA`].
    pub schema: u32,
    /// The steps in topological order.
    pub steps: Vec<StepDocument>,
}

/// A step of a [`GraphDocument`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepDocument {
    /// The name in the graph, unique in it.
    pub name: String,
    /// The identity of the function, `module::name`; several instances share it.
    pub id: String,
    /// Whether it is a closure, which exists in the program that made it only.
    #[serde(default)]
    pub closure: bool,
    /// The package that holds the step.
    #[serde(default)]
    pub package: String,
    /// The version of that package.
    #[serde(default)]
    pub version: String,
    /// The file in which the step is written or was added.
    #[serde(default)]
    pub file: String,
    /// The line in that file.
    #[serde(default)]
    pub line: u32,
    /// The doc comment.
    #[serde(default)]
    pub doc: String,
    /// Where the step runs.
    pub lane: Lane,
    /// The group.
    #[serde(default)]
    pub group: Option<String>,
    /// The tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The estimated relative duration.
    #[serde(default = "unit_cost")]
    pub cost: u32,
    /// The type of the output.
    #[serde(default)]
    pub output: String,
    /// The parameters of the function, in order.
    #[serde(default)]
    pub inputs: Vec<InputDocument>,
    /// The names of the steps that it waits for without reading their output.
    #[serde(default)]
    pub after: Vec<String>,
    /// The names of the run parameters that this instance has values for. Their values are not in the document.
    #[serde(default)]
    pub params: Vec<String>,
}

/// A parameter of a [`StepDocument`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InputDocument {
    /// The name of the parameter.
    pub parameter: String,
    /// What it asks for: `upstream`, `param`, `resource` or `context`.
    pub kind: String,
    /// The name under which a run parameter or a resource is given, where it has one.
    #[serde(default)]
    pub given_as: Option<String>,
    /// The names of the upstream steps, in the order in which the step sees them.
    #[serde(default)]
    pub from: Vec<String>,
    /// How an upstream's output is used: `borrow`, `take`, `option` or `result`.
    #[serde(default)]
    pub mode: Option<String>,
    /// The type of the value; none for the context.
    #[serde(default, rename = "type")]
    pub ty: Option<String>,
}

impl GraphDocument {
    /// The schema that this version writes, and the newest that it reads.
    pub const SCHEMA: u32 = 1;

    /// Reads a document. Fields that this version does not know are ignored.
    ///
    /// # Errors
    /// [`ProblemCode::InvalidDocument`] where the text is no document, or one of a newer schema.
    pub fn from_json(json: &str) -> Result<Self, Problem> {
        /// The one field that every schema has.
        #[derive(Deserialize)]
        struct Header {
            schema: u32,
        }
        let unreadable = |error: serde_json::Error| {
            Problem::new(ProblemCode::InvalidDocument, format!("this is no graph document: {error}"))
                .hint("`graph --format json` writes one")
        };
        let Header { schema } = serde_json::from_str(json).map_err(unreadable)?;
        if schema == 0 || schema > Self::SCHEMA {
            let message =
                format!("the graph document has schema {schema}; this version reads up to {}", Self::SCHEMA);
            return Err(Problem::new(ProblemCode::InvalidDocument, message)
                .hint("read it with the version of `pipeline` that wrote it, or a newer one"));
        }
        serde_json::from_str(json).map_err(unreadable)
    }

    /// Writes the document, indented, with a line break at its end.
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self)
            .expect("invariant: texts, numbers and lists of them always have a JSON form");
        json.push('\n');
        json
    }
}

impl Dag {
    /// Describes the graph as data.
    ///
    /// # Complexity
    /// O(steps + edges).
    pub fn document(&self) -> GraphDocument {
        GraphDocument {
            schema: GraphDocument::SCHEMA,
            steps: (0..self.len()).map(|step| self.step_document(step)).collect(),
        }
    }

    fn step_document(&self, step: usize) -> StepDocument {
        let spec = self.step(step);
        let def = spec.def();
        StepDocument {
            name: spec.name().to_owned(),
            id: def.id(),
            closure: matches!(spec.def, DefRef::Shared(_)),
            package: def.package.name.to_owned(),
            version: def.package.version.to_owned(),
            file: spec.location().file.to_owned(),
            line: spec.location().line,
            doc: def.doc.to_string(),
            lane: def.lane,
            group: def.group.as_deref().map(str::to_owned),
            tags: def.tags.iter().map(|&tag| tag.to_owned()).collect(),
            cost: def.cost,
            output: def.output.name().to_owned(),
            inputs: (def.inputs.iter().enumerate())
                .map(|(parameter, input)| self.input_document(input, self.sources(step, parameter)))
                .collect(),
            after: self
                .after(step)
                .into_iter()
                .map(|upstream| self.step(upstream).name().to_owned())
                .collect(),
            params: spec.params.iter().map(|(name, _)| name.clone()).collect(),
        }
    }

    fn input_document(&self, input: &InputDef, sources: &[u32]) -> InputDocument {
        let (kind, given_as, mode, ty) = match &input.kind {
            InputKind::Upstream { mode, ty, .. } => ("upstream", None, Some(mode.name()), Some(ty)),
            InputKind::Param(param) => ("param", Some(&param.name), None, Some(&param.ty)),
            InputKind::Resource { name, ty } => ("resource", name.as_ref(), None, Some(ty)),
            InputKind::Context => ("context", None, None, None),
        };
        InputDocument {
            parameter: input.name.to_string(),
            kind: kind.to_owned(),
            given_as: given_as.map(ToString::to_string),
            from: sources.iter().map(|&source| self.step(source as usize).name().to_owned()).collect(),
            mode: mode.map(str::to_owned),
            ty: ty.map(|ty| ty.name().to_owned()),
        }
    }
}

const fn unit_cost() -> u32 {
    1
}
