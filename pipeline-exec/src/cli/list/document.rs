//! The steps of a program as data: names and types, never values.

use std::collections::BTreeMap;
use std::fmt::Write;

use pipeline_core::{Backoff, InputDef, InputKind, Lane, Mode, Params, Policy, Source, StepDef};
use serde::Serialize;

/// The version of the document.
const SCHEMA: u32 = 1;

/// The steps of a program.
#[derive(Debug, Serialize)]
pub(super) struct ListDocument {
    pub(super) schema: u32,
    pub(super) steps: Vec<ListedStep>,
    /// How many of the steps each package has, by name and version.
    pub(super) packages: BTreeMap<String, usize>,
    pub(super) groups: BTreeMap<String, usize>,
    pub(super) tags: BTreeMap<String, usize>,
}

/// A step.
#[derive(Debug, Serialize)]
pub(super) struct ListedStep {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) package: String,
    pub(super) location: String,
    pub(super) doc: String,
    pub(super) lane: Lane,
    pub(super) group: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) cost: u32,
    pub(super) output: String,
    /// Whether it is used only where a builder makes an instance of it.
    pub(super) is_template: bool,
    pub(super) writes: bool,
    pub(super) inputs: Vec<ListedInput>,
    /// The steps that have to succeed before it, without data.
    pub(super) after: Vec<String>,
    /// What was said of how it runs, by the word of the attribute.
    pub(super) options: BTreeMap<&'static str, String>,
}

/// A parameter of a step's function.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum ListedInput {
    /// The output of steps.
    Upstream { parameter: String, from: String, mode: &'static str, r#type: String },
    /// A run parameter.
    Param {
        parameter: String,
        given_as: String,
        r#type: String,
        is_required: bool,
        /// The default as its declaration has it; never of a secret.
        #[serde(skip_serializing_if = "Option::is_none")]
        default: Option<&'static str>,
        is_secret: bool,
        /// Who gives it a value, in words; the value is not shown.
        given_by: Option<String>,
    },
    /// An injected value.
    Resource { parameter: String, name: Option<String>, r#type: String },
}

impl ListDocument {
    pub(super) fn new(steps: &[&'static StepDef], params: &Params) -> Self {
        let mut document = ListDocument {
            schema: SCHEMA,
            steps: Vec::with_capacity(steps.len()),
            packages: BTreeMap::new(),
            groups: BTreeMap::new(),
            tags: BTreeMap::new(),
        };
        for def in steps {
            let step = ListedStep::of(def, params);
            *document.packages.entry(step.package.clone()).or_default() += 1;
            if let Some(group) = &step.group {
                *document.groups.entry(group.clone()).or_default() += 1;
            }
            for tag in &step.tags {
                *document.tags.entry(tag.clone()).or_default() += 1;
            }
            document.steps.push(step);
        }
        document
    }
}

impl ListedStep {
    fn of(def: &StepDef, params: &Params) -> Self {
        ListedStep {
            id: def.id(),
            name: def.name.to_string(),
            package: def.package.to_string(),
            location: def.location.to_string(),
            doc: def.doc.trim().to_owned(),
            lane: def.lane,
            group: def.group.as_deref().map(str::to_owned),
            tags: def.tags.iter().map(|&tag| tag.to_owned()).collect(),
            cost: def.cost,
            output: def.output.name().to_owned(),
            is_template: def.is_template(),
            writes: def.policy.writes,
            inputs: def
                .inputs
                .iter()
                .filter(|input| is_written(input))
                .filter_map(|input| listed(def, input, params))
                .collect(),
            after: def.after.iter().map(|step| step().name.to_string()).collect(),
            options: options(def),
        }
    }
}

fn listed(def: &StepDef, input: &InputDef, params: &Params) -> Option<ListedInput> {
    let parameter = input.name.to_string();
    Some(match &input.kind {
        InputKind::Upstream { source, mode, ty, .. } => ListedInput::Upstream {
            parameter,
            from: described(source),
            mode: mode.name(),
            r#type: ty.name().to_owned(),
        },
        InputKind::Param(param) => {
            let of_step = params.origin(&format!("{}.{}", def.name, param.name));
            ListedInput::Param {
                parameter,
                given_as: param.name.to_string(),
                r#type: param.ty.name().to_owned(),
                is_required: !param.has_default,
                default: param.default_text.filter(|_| !param.is_secret()),
                is_secret: param.is_secret(),
                given_by: of_step.or_else(|| params.origin(&param.name)).map(str::to_owned),
            }
        }
        InputKind::Resource { name, ty } => ListedInput::Resource {
            parameter,
            name: name.as_deref().map(str::to_owned),
            r#type: ty.name().to_owned(),
        },
        _ => return None,
    })
}

fn described(source: &Source) -> String {
    match source {
        Source::Path(def) => def().name.to_string(),
        Source::Paths(defs) => defs.iter().map(|def| def().name.to_string()).collect::<Vec<_>>().join(", "),
        Source::Name(name) => name.to_string(),
        Source::Glob(glob) => format!("every step like {glob}"),
        Source::Tag(tag) => format!("every step with tag:{tag}"),
        _ => "what an instance binds".to_owned(),
    }
}

/// The waits between attempts, as settings are told them where they can say it: `100ms..30s`.
fn backoff(backoff: Backoff) -> String {
    let [first, cap] = [backoff.first, backoff.cap].map(humantime::format_duration);
    let grows_by = |factor: f64| (backoff.factor - factor).abs() < f64::EPSILON;
    let mut text = if backoff.first == backoff.cap || grows_by(1.0) {
        first.to_string()
    } else if grows_by(2.0) {
        format!("{first}..{cap}")
    } else {
        format!("{first}..{cap} by {}", backoff.factor)
    };
    if backoff.jitter > 0.0 {
        let _ = write!(text, " with jitter {}", backoff.jitter);
    }
    text
}

/// What was said of how a step runs.
fn options(def: &StepDef) -> BTreeMap<&'static str, String> {
    let policy: &Policy = &def.policy;
    let time = |time: std::time::Duration| humantime::format_duration(time).to_string();
    let limits: Vec<String> = policy
        .limits
        .iter()
        .map(|(name, amount)| if *amount == 1 { name.to_string() } else { format!("{name} = {amount}") })
        .collect();
    let cases: Vec<String> = def.cases.iter().map(|case| case().name.to_string()).collect();
    let branch = def.inputs.iter().find_map(|input| match &input.kind {
        InputKind::Upstream { mode: Mode::Branch, source, .. } => Some(described(source)),
        _ => None,
    });
    let valued = [
        ("retries", policy.retries.map(|retries| retries.to_string())),
        ("backoff", policy.backoff.map(backoff)),
        ("timeout", policy.timeout.map(time)),
        ("deadline", policy.deadline.map(time)),
        ("limit", (!limits.is_empty()).then(|| limits.join(", "))),
        ("sequential", policy.sequential.as_deref().map(str::to_owned)),
        ("memory", policy.memory.map(|bytes| bytesize::ByteSize(bytes).to_string())),
        ("cores", policy.cores.map(|cores| cores.to_string())),
        ("priority", (policy.priority != 0).then(|| policy.priority.to_string())),
        ("cost", (def.cost != 1).then(|| def.cost.to_string())),
        ("when", policy.when.map(str::to_owned)),
        ("switch", (!cases.is_empty()).then(|| cases.join(", "))),
        ("branch", branch),
    ];
    let flags = [
        ("idempotent", policy.idempotent),
        ("optional", policy.optional),
        ("fail_fast", policy.fail_fast),
        ("no_cancel", policy.no_cancel),
        ("exclusive", policy.exclusive),
        ("parallel_if", policy.parallel_if.is_some()),
        ("fallback", policy.has_fallback),
        ("on_failure", policy.on_failure.is_some()),
    ];
    let flags = flags.into_iter().filter(|(_, on)| *on).map(|(name, _)| (name, String::new()));
    valued.into_iter().filter_map(|(name, value)| Some((name, value?))).chain(flags).collect()
}

/// Whether an input is a parameter of the function.
fn is_written(input: &InputDef) -> bool {
    !matches!(input.kind, InputKind::Upstream { mode: Mode::Branch, .. } | InputKind::Context)
}
