//! Settings on the command line, one source of several.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Args as ClapArgs, Command, FromArgMatches};
use pipeline_core::{Lane, Problems};
use serde::Serialize;
use serde_json::Value;

use super::columns::cell;
use super::exit::Refusal;
use super::repeat::Repeated;
use crate::pipeline::Pipeline;
use crate::settings::row::{Flag, Row, flags};
use crate::settings::{PRESETS, ResolvedSettings, SettingInForce, Settings, SettingsStack};

/// Defaults of the command line, in place of those of the library.
const PROGRAM_DEFAULTS: [(&str, &str); 4] =
    [("grace", "10s"), ("runs_dir", ".pipeline"), ("store", ".pipeline/store"), ("resume", "on-failure")];

/// The prefix of a key of `--set` that is a run parameter.
pub(super) const OF_PARAMS: &str = "params.";

/// The flags that the short help has.
const SHORT_HELP: [&str; 3] = ["workers", "fail-fast", "retries"];

/// The runs directory.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(super) struct StoreArgs {
    /// Runs directory [default: .pipeline, or `PIPELINE_RUNS_DIR`].
    #[arg(long, hide_short_help = true, value_name = "DIR")]
    runs_dir: Option<PathBuf>,
}

impl StoreArgs {
    /// Returns the directory of the flag.
    fn runs_dir(&self) -> Option<String> {
        self.runs_dir.as_ref().map(|dir| dir.to_string_lossy().into_owned())
    }

    /// Returns the directory in force, from all sources of settings.
    pub(super) fn dir(&self, pipeline: &Pipeline) -> Result<PathBuf, Refusal> {
        let settings = SettingsArgs { store: self.clone(), ..SettingsArgs::default() };
        Ok(settings.resolve(pipeline)?.settings().runs_dir.clone().unwrap_or_default())
    }
}

/// How to run.
#[derive(Clone, Debug, Default, ClapArgs)]
#[command(next_help_heading = "Settings")]
pub(super) struct SettingsArgs {
    /// Read settings from this file instead of pipeline.toml: TOML, YAML or JSON, by its name.
    #[arg(long, hide_short_help = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set any setting by its key: `--set steps.fetch.retries=2`.
    #[arg(long, hide_short_help = true, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Start from a preset: default, high-performance, conservative, sequential, development, production or test.
    #[arg(long, hide_short_help = true, value_parser = PossibleValuesParser::new(PRESETS.map(|preset| preset.name)), hide_possible_values = true)]
    preset: Option<String>,
    #[command(flatten)]
    flags: Flags,
    /// Cache every step whose output can be stored.
    #[arg(long, hide_short_help = true, conflicts_with = "no_cache")]
    cache: bool,
    /// Use and store no outputs of earlier runs.
    #[arg(long, hide_short_help = true)]
    no_cache: bool,
    /// The run that is repeated.
    #[arg(skip)]
    pub(super) repeated: Option<Repeated>,
    #[command(flatten)]
    store: StoreArgs,
}

impl SettingsArgs {
    /// Returns the settings of a verb that takes the store alone.
    pub(super) fn of_store(store: Option<&Path>) -> Self {
        let given =
            |store: &Path| ("store".to_owned(), "--store".to_owned(), store.to_string_lossy().into_owned());
        SettingsArgs { flags: Flags(store.map(given).into_iter().collect()), ..SettingsArgs::default() }
    }

    /// Resolves the settings in force: from code, these flags, the environment and the file.
    pub(super) fn resolve(&self, pipeline: &Pipeline) -> Result<ResolvedSettings, Refusal> {
        let defaults = PROGRAM_DEFAULTS.into_iter();
        let stack = defaults
            .fold(SettingsStack::new(), |stack, (key, value)| stack.program_default(key, value))
            .of_pipeline(pipeline.name())
            .standard_file(self.config.as_deref())?
            .process_environment()
            .repeated(self.repeated.as_ref().map(|run| (&run.settings, run.origin.as_str())))
            .code(pipeline.current_settings());
        let (resolved, mut problems) = self.flags(stack).resolve_as_far_as_possible();
        if !problems.is_empty() {
            // Reports everything at once: also problems of the graph, and names that it does not have.
            match pipeline.plan() {
                Ok(plan) => {
                    problems.extend(resolved.settings().unknown_names(plan.dag()));
                }
                Err(of_graph) => problems.extend(of_graph.into_vec()),
            }
        }
        Problems::check(problems)?;
        Ok(resolved)
    }

    fn flags(&self, stack: SettingsStack) -> SettingsStack {
        let word = |is_given: bool, word: &str| is_given.then(|| word.to_owned());
        let others = [
            ("preset", "--preset", self.preset.clone()),
            ("runs_dir", "--runs-dir", self.store.runs_dir()),
            ("cache", "--cache", word(self.cache, "all")),
            ("cache", "--no-cache", word(self.no_cache, "off")),
        ];
        let others = others.into_iter().filter_map(|(key, flag, value)| Some((key, flag, value?)));
        let stack = others.fold(stack, |stack, (key, flag, value)| stack.flag(key, value, flag));
        let stack = self.flags.0.iter().fold(stack, |stack, (key, flag, value)| stack.flag(key, value, flag));
        let set = self.set.iter().filter(|(key, _)| !key.starts_with(OF_PARAMS));
        set.fold(stack, |stack, (key, value)| stack.flag(key, value, "--set"))
    }

    /// Returns the run parameters among `--set`: `params.name`, and `params.step.name`.
    pub(super) fn params(&self) -> Vec<(String, String)> {
        let param =
            |(key, value): &(String, String)| Some((key.strip_prefix(OF_PARAMS)?.to_owned(), value.clone()));
        self.set.iter().filter_map(param).collect()
    }
}

/// Returns rows of key, value and source.
pub(super) fn rows<'s>(settings: impl IntoIterator<Item = &'s SettingInForce>) -> Vec<[String; 3]> {
    let value = |value: &Value| match value {
        Value::Null => "none".to_owned(),
        Value::String(value) => cell(value),
        other => cell(&other.to_string()),
    };
    let row = |setting: &SettingInForce| [cell(&setting.key), value(&setting.value), cell(&setting.origin)];
    settings.into_iter().map(row).collect()
}

/// Parses `key=value` for clap.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as key=value".to_owned()),
    }
}

/// The flags of the table of settings that are given: key, flag and value of each.
#[derive(Clone, Debug, Default)]
struct Flags(Vec<(String, String, String)>);

/// The flags of the table but `--runs-dir`, which is one of [`StoreArgs`]: some verbs take that alone.
fn own_flags() -> impl Iterator<Item = (Flag, String, &'static Row)> {
    flags().filter(|(flag, ..)| flag.long != "runs-dir")
}

impl ClapArgs for Flags {
    fn augment_args(command: Command) -> Command {
        own_flags().fold(command, |command, (flag, key, row)| {
            let help = match PROGRAM_DEFAULTS.iter().find(|(of, _)| *of == key) {
                Some((_, default)) => format!("{} [default: {default}]", row.help()),
                None => row.help(),
            };
            let arg = Arg::new(flag.long).long(flag.long).help(help);
            let arg = arg.hide_short_help(!SHORT_HELP.contains(&flag.long));
            let arg = flag.short.into_iter().fold(arg, Arg::short);
            command.arg(match flag.value {
                None => arg.action(ArgAction::SetTrue),
                Some(value) => arg.value_name(value),
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let value = |flag: Flag| match flag.value {
            None => matches.get_flag(flag.long).then(|| "true".to_owned()),
            Some(_) => matches.get_one::<String>(flag.long).cloned(),
        };
        let given =
            own_flags().filter_map(|(flag, key, _)| Some((key, format!("--{}", flag.long), value(flag)?)));
        Ok(Flags(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Maximum number of steps at once, by lane and in total.
#[derive(Debug, Serialize)]
pub(super) struct Slots {
    #[serde(flatten)]
    pub(super) lanes: BTreeMap<Lane, usize>,
    pub(super) workers: Option<usize>,
}

impl Slots {
    pub(super) fn of(settings: &Settings) -> Self {
        let lanes = Lane::ALL.map(|lane| (lane, settings.width(lane)));
        Slots { lanes: lanes.into(), workers: settings.workers }
    }
}
