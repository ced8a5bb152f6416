//! What the command line says of settings: it is one layer of several.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use clap::builder::PossibleValuesParser;
use pipeline_core::Problems;
use serde_json::Value;

use super::columns::cell;
use super::exit::Refusal;
use crate::pipeline::Pipeline;
use crate::settings::{PRESETS, ResolvedSettings, SettingInForce, SettingsStack};

/// After a signal, steps on threads have this long to end, where nobody says otherwise.
const GRACE: &str = "10s";

/// Where runs are recorded, where nobody says otherwise.
const RUNS_DIR: &str = ".pipeline";

/// What a key of `--set` begins with that is a run parameter.
pub(super) const OF_PARAMS: &str = "params.";

/// Where runs are recorded.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(super) struct StoreArgs {
    /// The runs directory [default: .pipeline, or what the variable `PIPELINE_RUNS_DIR` says].
    #[arg(long, value_name = "DIR")]
    runs_dir: Option<PathBuf>,
}

impl StoreArgs {
    /// The directory as the flag gives it.
    fn runs_dir(&self) -> Option<String> {
        self.runs_dir.as_ref().map(|dir| dir.to_string_lossy().into_owned())
    }

    /// The directory in force, of all sources of settings.
    pub(super) fn dir(&self, pipeline: &Pipeline) -> Result<PathBuf, Refusal> {
        let settings = SettingsArgs { store: self.clone(), ..SettingsArgs::default() };
        Ok(settings.resolve(pipeline)?.settings().runs_dir.clone().unwrap_or_default())
    }
}

/// How to run.
#[derive(Clone, Debug, Default, ClapArgs)]
#[command(next_help_heading = "Settings")]
pub(super) struct SettingsArgs {
    /// Reads settings from this file instead of pipeline.toml: TOML, YAML or JSON, by its name.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Sets any setting by its key: `--set steps.fetch.retries=2`.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Starts from a preset: default, high-performance, conservative, sequential, development, production or test.
    #[arg(long, value_parser = PossibleValuesParser::new(PRESETS.map(|preset| preset.name)), hide_possible_values = true)]
    preset: Option<String>,
    /// Runs at most so many steps at once, over all lanes.
    #[arg(long, short, value_name = "N")]
    workers: Option<usize>,
    /// Runs at most so many async steps at once.
    #[arg(long, value_name = "N")]
    io: Option<usize>,
    /// Runs at most so many CPU steps at once.
    #[arg(long, value_name = "N")]
    cpu: Option<usize>,
    /// Runs at most so many blocking steps at once.
    #[arg(long, value_name = "N")]
    blocking: Option<usize>,
    /// Runs one step at a time.
    #[arg(long, conflicts_with = "workers")]
    sequential: bool,
    /// Stops the run at the first failure.
    #[arg(long)]
    fail_fast: bool,
    /// Gives up an attempt of a step that takes longer; steps and groups can say otherwise.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    timeout: Option<String>,
    /// Ends the whole run when it takes longer.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    deadline: Option<String>,
    /// Tries a step that failed so many more times; steps and groups can say otherwise.
    #[arg(long, value_name = "N")]
    retries: Option<u32>,
    /// Waits so long for steps on threads after a signal, before it leaves them behind [default: 10s].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    grace: Option<String>,
    /// Starts fewer steps at once while the process comes near so much memory.
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    memory_limit: Option<String>,
    /// Skips steps that write, and what requires their outputs.
    #[arg(long)]
    no_write: bool,
    #[command(flatten)]
    store: StoreArgs,
    /// Draws the random numbers of the run from this seed.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

impl SettingsArgs {
    /// The settings in force: of the program, of these flags, of the environment and of the file.
    pub(super) fn resolve(&self, pipeline: &Pipeline) -> Result<ResolvedSettings, Refusal> {
        let stack = SettingsStack::new()
            .program_default("grace", GRACE)
            .program_default("runs_dir", RUNS_DIR)
            .standard_file(self.config.as_deref())?
            .process_environment()
            .code(pipeline.current_settings());
        let (resolved, mut problems) = self.flags(stack).resolve_as_far_as_possible();
        if !problems.is_empty() {
            // All at once: what is wrong with the graph, and names that mean nothing in it, are told beside.
            match pipeline.plan() {
                Ok(plan) => {
                    problems.extend(resolved.settings().unknown_names(plan.dag(), resolved.origins()));
                }
                Err(of_graph) => problems.extend(of_graph.into_vec()),
            }
        }
        Problems::check(problems)?;
        Ok(resolved)
    }

    fn flags(&self, stack: SettingsStack) -> SettingsStack {
        let text = |value: &Option<usize>| value.map(|value| value.to_string());
        let flags = [
            ("preset", "--preset", self.preset.clone()),
            ("workers", "--workers", text(&self.workers)),
            ("workers", "--sequential", self.sequential.then(|| "1".to_owned())),
            ("io", "--io", text(&self.io)),
            ("cpu", "--cpu", text(&self.cpu)),
            ("blocking", "--blocking", text(&self.blocking)),
            ("fail_fast", "--fail-fast", self.fail_fast.then(|| "true".to_owned())),
            ("defaults.timeout", "--timeout", self.timeout.clone()),
            ("deadline", "--deadline", self.deadline.clone()),
            ("defaults.retries", "--retries", self.retries.map(|value| value.to_string())),
            ("grace", "--grace", self.grace.clone()),
            ("memory_limit", "--memory-limit", self.memory_limit.clone()),
            ("no_write", "--no-write", self.no_write.then(|| "true".to_owned())),
            ("runs_dir", "--runs-dir", self.store.runs_dir()),
            ("seed", "--seed", self.seed.map(|value| value.to_string())),
        ];
        let set = flags.into_iter().filter_map(|(key, flag, value)| Some((key, flag, value?)));
        let stack = set.fold(stack, |stack, (key, flag, value)| stack.flag(key, value, flag));
        let set = self.set.iter().filter(|(key, _)| !key.starts_with(OF_PARAMS));
        set.fold(stack, |stack, (key, value)| stack.flag(key, value, "--set"))
    }

    /// The run parameters among what `--set` sets: `params.name`, and `params.step.name`.
    pub(super) fn params(&self) -> Vec<(String, String)> {
        let param =
            |(key, value): &(String, String)| Some((key.strip_prefix(OF_PARAMS)?.to_owned(), value.clone()));
        self.set.iter().filter_map(param).collect()
    }
}

/// Settings in columns: key, value, and where it comes from.
pub(super) fn rows<'s>(settings: impl IntoIterator<Item = &'s SettingInForce>) -> Vec<[String; 3]> {
    let value = |value: &Value| match value {
        Value::Null => "none".to_owned(),
        Value::String(value) => cell(value),
        other => cell(&other.to_string()),
    };
    let row = |setting: &SettingInForce| [cell(&setting.key), value(&setting.value), cell(&setting.origin)];
    settings.into_iter().map(row).collect()
}

/// Reads `key=value` for clap.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as key=value".to_owned()),
    }
}

fn duration(text: &str) -> Result<String, humantime::DurationError> {
    humantime::parse_duration(text).map(|_| text.to_owned())
}

fn memory(text: &str) -> Result<String, String> {
    text.parse::<bytesize::ByteSize>().map(|_| text.to_owned())
}
