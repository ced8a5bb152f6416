//! The graph as data, with a versioned schema, to write and to load.
//!
//! A document has names and types, never values: parameters may be secrets. Fields can be added within a schema, since
//! readers ignore unknown ones; any other change makes a new schema.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::{Dag, DefRef};
use super::written::{options, sources};
use crate::lane::Lane;
use crate::problem::{Problem, ProblemCode};
use crate::step::{InputDef, InputKind, Mode, StepDef};

/// A graph as data. The types of inputs and outputs are for people; a loaded graph is checked against the steps of the
/// program that loads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GraphDocument {
    /// The version of the schema: [`GraphDocument::SCHEMA`].
    pub schema: u32,
    /// The steps in topological order.
    pub steps: Vec<StepDocument>,
}

/// What is written of a step, as data: a step of a [`GraphDocument`], and what `list`, `plan` and reports show of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepDocument {
    /// The name in the graph, unique in it.
    pub name: String,
    /// The identity of the function, `module::name`; several instances share it.
    pub id: String,
    /// Whether the name was given to an instance, so that it is the identity of the step in the graph.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub named: bool,
    /// Whether it is a closure, which exists only in the program that made it.
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
    /// The names of the steps that it waits for without reading their outputs.
    #[serde(default)]
    pub after: Vec<String>,
    /// The names of the run parameters that this instance has values for. Their values are not in the document.
    #[serde(default)]
    pub params: Vec<String>,
    /// Whether it has effects outside of the process.
    #[serde(default)]
    pub writes: bool,
    /// The other options that differ from their defaults, by their names in `#[step]`. A flag has an empty text.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// A parameter of a [`StepDocument`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InputDocument {
    /// The name of the parameter.
    pub parameter: String,
    /// Its kind: `upstream`, `param`, `resource` or `context`.
    pub kind: String,
    /// The name under which a run parameter or a resource is given, if it has one.
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
    /// Whether it is a run parameter that has to be given.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// The default of a run parameter, as its declaration has it; never of a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Whether it is a secret run parameter.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
}

impl GraphDocument {
    /// The schema that this version writes, and the newest that it reads.
    pub const SCHEMA: u32 = 1;

    /// Reads a document. Ignores unknown fields.
    ///
    /// # Errors
    /// [`ProblemCode::InvalidDocument`] if the text is no document, or one of a newer schema.
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
        // Some editors and shells write a byte order mark first, which JSON does not allow.
        let json = json.strip_prefix('\u{feff}').unwrap_or(json);
        let Header { schema } = serde_json::from_str(json).map_err(unreadable)?;
        if schema == 0 || schema > Self::SCHEMA {
            let message =
                format!("the graph document has schema {schema}; this version reads up to {}", Self::SCHEMA);
            return Err(Problem::new(ProblemCode::InvalidDocument, message)
                .hint("read it with the version of `pipeline` that wrote it, or a newer one"));
        }
        serde_json::from_str(json).map_err(unreadable)
    }

    /// Returns the document as JSON, indented, with a line break at its end.
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self)
            .expect("invariant: texts, numbers and lists of them always have a JSON form");
        json.push('\n');
        json
    }
}

impl Dag {
    /// Returns the graph as data.
    ///
    /// # Complexity
    /// O(steps + edges).
    pub fn document(&self) -> GraphDocument {
        GraphDocument {
            schema: GraphDocument::SCHEMA,
            steps: (0..self.len()).map(|step| self.step_document(step)).collect(),
        }
    }

    /// Describes one step of the graph as data.
    ///
    /// # Panics
    /// If `step` is not below [`Dag::len`].
    pub fn step_document(&self, step: usize) -> StepDocument {
        let spec = self.step(step);
        let name = |step: usize| self.step(step).name().to_owned();
        let mut document = StepDocument {
            name: name(step),
            named: spec.is_named && matches!(spec.def, DefRef::Static(_)),
            closure: matches!(spec.def, DefRef::Shared(_)),
            file: spec.location().file.to_owned(),
            line: spec.location().line,
            after: self.after(step).into_iter().map(name).collect(),
            params: spec.params.iter().map(|(name, _)| name.clone()).collect(),
            writes: spec.policy().writes,
            options: spec.options(),
            ..StepDocument::of(spec.def())
        };
        for (parameter, input) in document.inputs.iter_mut().enumerate() {
            input.from = self.sources(step, parameter).iter().map(|&source| name(source as usize)).collect();
        }
        document
    }
}

impl StepDocument {
    /// Describes a step as it is written. Upstream steps are named by what is written, such as `tag:x`.
    pub fn of(def: &StepDef) -> Self {
        StepDocument {
            name: def.name.to_string(),
            id: def.id(),
            named: false,
            closure: false,
            package: def.package.name.to_owned(),
            version: def.package.version.to_owned(),
            file: def.location.file.to_owned(),
            line: def.location.line,
            doc: def.doc.to_string(),
            lane: def.lane,
            group: def.group.as_deref().map(str::to_owned),
            tags: def.tags.iter().map(|&tag| tag.to_owned()).collect(),
            cost: def.cost,
            output: def.output.name().to_owned(),
            inputs: def.inputs.iter().map(InputDocument::of).collect(),
            after: def.after.iter().map(|step| step().name.to_string()).collect(),
            params: Vec::new(),
            writes: def.policy.writes,
            options: options(def, &def.policy),
        }
    }

    /// The place in the source: `file:line`.
    pub fn location(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

impl InputDocument {
    fn of(input: &InputDef) -> Self {
        let none = InputDocument {
            parameter: input.name.to_string(),
            kind: "context".to_owned(),
            given_as: None,
            from: Vec::new(),
            mode: None,
            ty: None,
            required: false,
            default: None,
            secret: false,
        };
        match &input.kind {
            InputKind::Upstream { source, mode, ty, .. } => InputDocument {
                kind: "upstream".to_owned(),
                from: sources(source),
                mode: Some(mode.name().to_owned()),
                ty: Some(ty.name().to_owned()),
                ..none
            },
            InputKind::Param(param) => InputDocument {
                kind: "param".to_owned(),
                given_as: Some(param.name.to_string()),
                ty: Some(param.ty.name().to_owned()),
                required: !param.has_default,
                default: param.default_text.filter(|_| !param.is_secret()).map(str::to_owned),
                secret: param.is_secret(),
                ..none
            },
            kind @ InputKind::Resource { name, .. } => InputDocument {
                kind: "resource".to_owned(),
                given_as: name.as_deref().map(str::to_owned),
                ty: kind.resource_type().map(str::to_owned),
                ..none
            },
            InputKind::Context => none,
        }
    }

    /// Whether it is a parameter that its function receives a value for. The context and the edge to a switch are not.
    pub fn is_value(&self) -> bool {
        self.kind != "context" && self.mode.as_deref() != Some(Mode::Branch.name())
    }
}

const fn unit_cost() -> u32 {
    1
}
