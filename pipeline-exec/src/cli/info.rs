//! `info`: the settings in force and the given run parameters, each with its source, and what this machine and this
//! build support.

use std::fmt::Write;

use clap::Args as ClapArgs;
use pipeline_core::{Lane, Params};
use serde::Serialize;

use super::columns::{cell, columns, headed};
use super::exit::{Refusal, print, print_json};
use super::params::ParamArgs;
use super::settings::{SettingsArgs, Slots, rows};
use super::wording::one_line;
use crate::pipeline::Pipeline;
use crate::pressure::{Budget, ProcessSampler, Sample, Sampler};
use crate::settings::{PRESETS, Preset, ResolvedSettings, SettingInForce, cores};

/// Version of the document that `info --json` prints. It increases when a field changes its meaning or is removed.
const SCHEMA: u32 = 1;

/// The settings and parameters of `run`: `info` shows what would apply to a run.
#[derive(Debug, ClapArgs)]
pub(super) struct InfoArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    params: ParamArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn execute(args: &InfoArgs, pipeline: Pipeline) -> Result<u8, Refusal> {
    let resolved = args.settings.resolve(&pipeline)?;
    let (pipeline, warnings) = args.params.apply(&args.settings.params(), &resolved, pipeline)?;
    let mut info = Info::new(&resolved, pipeline.params());
    info.warnings.extend(warnings);
    if let Ok(plan) = pipeline.plan() {
        // A run refuses them.
        let problems = resolved.settings().unknown_names(plan.dag());
        info.warnings.extend(problems.iter().map(|problem| one_line(&problem.message)));
    }
    if args.json {
        return print_json(&info);
    }
    print(&info.text())
}

#[derive(Serialize)]
struct Info {
    schema: u32,
    settings: Vec<SettingInForce>,
    params: Vec<GivenParam>,
    warnings: Vec<String>,
    build: Build,
    machine: Machine,
    slots: Slots,
    presets: Vec<PresetHere>,
}

/// A given run parameter. Its value may be secret and is not shown.
#[derive(Serialize)]
struct GivenParam {
    name: String,
    origin: String,
}

/// What was compiled into this program.
#[derive(Serialize)]
struct Build {
    version: &'static str,
    features: Vec<&'static str>,
    os: &'static str,
    architecture: &'static str,
}

/// What the process may use, and recommendations.
#[derive(Serialize)]
struct Machine {
    /// By affinity mask and cgroup quota.
    cores: usize,
    /// In bytes: the memory of this process and what it can still get. Unknown on some systems.
    memory: Option<u64>,
    /// Limit of the control groups, in bytes.
    memory_limit: Option<u64>,
    recommended: Vec<Recommended>,
}

#[derive(Serialize)]
struct Recommended {
    lane: Lane,
    slots: usize,
    why: String,
}

/// Name, slots of each lane, total.
type PresetRow = [String; Lane::ALL.len() + 2];

#[derive(Serialize)]
struct PresetHere {
    name: &'static str,
    slots: Slots,
    about: &'static str,
}

impl PresetHere {
    fn of(preset: &Preset) -> Self {
        PresetHere { name: preset.name, slots: Slots::of(&(preset.settings)()), about: preset.about }
    }
}

impl Info {
    fn new(resolved: &ResolvedSettings, params: &Params) -> Self {
        let given = |name: &str| GivenParam {
            name: name.to_owned(),
            origin: params.origin(name).unwrap_or_default().to_owned(),
        };
        let sample = ProcessSampler::new().and_then(|mut sampler| sampler.sample()).unwrap_or_default();
        Info {
            schema: SCHEMA,
            settings: resolved.in_force(),
            params: params.names().map(given).collect(),
            warnings: resolved.warnings().to_vec(),
            build: Build::here(),
            machine: Machine::here(&sample, resolved.settings().memory_limit),
            slots: Slots::of(resolved.settings()),
            presets: PRESETS.map(|preset| PresetHere::of(&preset)).into(),
        }
    }

    fn text(&self) -> String {
        let mut text = String::from("settings in force\n");
        write_table(&mut text, headed(["key", "value", "set by"], rows(&self.settings)));
        for warning in &self.warnings {
            let _ = writeln!(text, "  warning: {warning}");
        }
        if !self.params.is_empty() {
            text.push_str("\nrun parameters given\n");
            let row = |param: &GivenParam| [cell(&param.name), cell(&param.origin)];
            write_table(&mut text, headed(["name", "given by"], self.params.iter().map(row)));
        }
        let build = &self.build;
        let _ = writeln!(
            text,
            "\nbuild\n  pipeline {} for {} on {}\n  features: {}",
            build.version,
            build.os,
            build.architecture,
            build.features.join(", ")
        );
        self.machine.write(&mut text);
        text.push_str("\nslots on this machine, by preset\n");
        let row = |name: &str, cell: &dyn Fn(Lane) -> String, total: String| -> PresetRow {
            std::array::from_fn(|column| match column.checked_sub(1).and_then(|lane| Lane::ALL.get(lane)) {
                Some(&lane) => cell(lane),
                None if column == 0 => name.to_owned(),
                None => total.clone(),
            })
        };
        let of_slots = |name: &str, slots: &Slots| {
            let total = slots.workers.map_or("no limit".to_owned(), |workers| workers.to_string());
            row(name, &|lane| slots.lanes[&lane].to_string(), total)
        };
        let heading = row("preset", &|lane| lane.to_string(), "total".to_owned());
        let presets = self.presets.iter().map(|preset| of_slots(preset.name, &preset.slots));
        let rows = presets.chain([of_slots("(in force)", &self.slots)]);
        write_table(&mut text, std::iter::once(heading).chain(rows).collect());
        text
    }
}

impl Build {
    fn here() -> Self {
        let features = [
            ("cli", cfg!(feature = "cli")),
            ("outputs", cfg!(feature = "outputs")),
            ("report", cfg!(feature = "report")),
            ("signal", cfg!(feature = "signal")),
            ("rate", cfg!(feature = "rate")),
            ("tracing", cfg!(feature = "tracing")),
            ("otel", cfg!(feature = "otel")),
            ("prometheus", cfg!(feature = "prometheus")),
        ];
        Build {
            version: env!("CARGO_PKG_VERSION"),
            features: features.into_iter().filter(|(_, is_in)| *is_in).map(|(name, _)| name).collect(),
            os: std::env::consts::OS,
            architecture: std::env::consts::ARCH,
        }
    }
}

impl Machine {
    fn here(sample: &Sample, limit: Option<u64>) -> Self {
        let budget = Budget::here(sample, limit);
        let lanes = budget.iter().flat_map(|budget| &budget.lanes);
        let recommended =
            lanes.map(|lane| Recommended { lane: lane.lane, slots: lane.slots, why: lane.why.clone() });
        Machine {
            cores: cores(),
            memory: budget.as_ref().map(|budget| budget.memory),
            memory_limit: sample.limit_seen,
            recommended: recommended.collect(),
        }
    }

    fn write(&self, text: &mut String) {
        let bytes = |bytes: Option<u64>, otherwise: &str| {
            bytes.map_or(otherwise.to_owned(), |bytes| bytesize::ByteSize(bytes).to_string())
        };
        let _ = writeln!(
            text,
            "\nmachine\n  available cores: {}\n  memory: {}\n  cgroup memory limit: {}",
            self.cores,
            bytes(self.memory, "unknown"),
            bytes(self.memory_limit, "none"),
        );
        if !self.recommended.is_empty() {
            text.push_str("\nrecommended slots\n");
            let row =
                |lane: &Recommended| [lane.lane.name().to_owned(), lane.slots.to_string(), lane.why.clone()];
            write_table(text, headed(["lane", "slots", "why"], self.recommended.iter().map(row)));
        }
    }
}

/// Writes indented rows below a heading.
fn write_table<const N: usize>(text: &mut String, rows: Vec<[String; N]>) {
    for row in columns(&rows, [false; N]).lines() {
        let _ = writeln!(text, "  {row}");
    }
}
