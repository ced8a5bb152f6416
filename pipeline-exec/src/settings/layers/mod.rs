//! Settings from several sources: the layers lie over each other in one order, and are read once.
//!
//! ```text
//! defaults < preset < file < section of a pipeline in it < environment < repeated run < flags < code
//! ```

mod aliases;
mod environment;
mod file;
mod known;
mod leaf;
mod read;
mod resolved;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pipeline_core::{Problem, ProblemCode, Problems};
use serde_json::Value;

#[cfg(feature = "cli")]
pub(crate) use self::file::{json as value_of_json, toml as value_of_toml};
use self::known::Known;
pub(super) use self::leaf::Leaves;
use self::leaf::{Key, Leaf};
pub(super) use self::read::is_not;
pub use self::resolved::{ResolvedSettings, SettingInForce};
use super::Settings;
use super::of_steps::{meant, under_section};
use super::origins::shown;

/// Settings from several sources, before they are put together.
///
/// In whatever order the sources are added, the later one of this list wins: defaults, preset, file, environment,
/// flags, code. Of two values from one source, the later one wins. [`SettingsStack::resolve`] reports all problems at
/// once.
///
/// ```
/// # use pipeline_core::Problems;
/// # use pipeline_exec::SettingsStack;
/// let stack = SettingsStack::new()
///     .text("pipeline.json", r#"{ "workers": 2, "deadline": "1h" }"#)
///     .environment([("PIPELINE_WORKERS", "3")]);
/// let resolved = stack.resolve()?;
/// assert_eq!(resolved.settings().workers, Some(3));
/// assert_eq!(resolved.origin("workers"), "PIPELINE_WORKERS");
/// assert_eq!(resolved.origin("deadline"), "pipeline.json");
/// assert_eq!(resolved.origin("io"), "default");
/// # Ok::<(), Problems>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "settings do nothing until they are resolved"]
pub struct SettingsStack {
    pipeline: Option<Named>,
    layers: BTreeMap<Source, Leaves>,
    params: FileParams,
    warnings: Vec<String>,
    problems: Vec<Problem>,
    /// The file that was looked for and not found, in words.
    absent: Option<String>,
}

/// The pipeline of a program of several that the settings are for: files have a section for each.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    /// The names of all pipelines of the program.
    pub(crate) all: Arc<[String]>,
    /// Whether the command line selected it, with `--pipeline`: not if it is the default, or that of a repeated run.
    #[cfg(feature = "cli")]
    pub(crate) is_asked_for: bool,
}

/// The run parameters of files by name: each value, and its file.
#[derive(Clone, Default)]
struct FileParams(BTreeMap<String, (Value, String)>);

/// Values can be secret: only names and files are shown.
impl std::fmt::Debug for FileParams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, (_, file))| (name, file))).finish()
    }
}

/// The source of a layer; later ones win.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    /// Defaults of a program, over those of the library.
    Default,
    File,
    /// The section of a file for one pipeline.
    Section,
    Environment,
    /// A run that is repeated.
    #[cfg_attr(not(feature = "cli"), allow(dead_code))]
    Repeated,
    Flag,
    Code,
}

/// One value of a source.
struct Given {
    key: Key,
    value: Value,
    /// In words of the source: a file's name, a variable, a flag.
    origin: String,
}

impl SettingsStack {
    /// A stack of the defaults alone.
    pub fn new() -> Self {
        SettingsStack::default()
    }

    /// Uses the sections `[pipelines.NAME]` of files for this pipeline.
    #[cfg(feature = "cli")]
    pub(crate) fn of_pipeline(mut self, pipeline: Option<&Named>) -> Self {
        self.pipeline = pipeline.cloned();
        self
    }

    /// Reads the file that `PIPELINE_CONFIG` names, or `pipeline.toml` (`.yaml`, `.yml`) in the working directory if it exists, and
    /// the environment of the process.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn of_process() -> io::Result<Self> {
        Ok(SettingsStack::new().standard_file(None)?.process_environment())
    }

    /// Adds the file of this name, else the one that `PIPELINE_CONFIG` names, else the one in the working directory.
    pub(crate) fn standard_file(mut self, named: Option<&Path>) -> io::Result<Self> {
        let by_variable =
            || std::env::var_os(environment::CONFIG).filter(|name| !name.is_empty()).map(PathBuf::from);
        if let Some(path) = named.map(Path::to_owned).or_else(by_variable) {
            return self.file(path);
        }
        let found: Vec<&str> = file::NAMES.into_iter().filter(|name| Path::new(name).exists()).collect();
        match found.as_slice() {
            [] => {
                self.absent = Some(file::absent());
                Ok(self)
            }
            [only] => self.file(only),
            several => {
                let message = format!("there are several files of settings here: {}", several.join(", "));
                let hint = "keep one, or name one with `--config` or PIPELINE_CONFIG";
                Ok(self.refuse(Problem::new(ProblemCode::InvalidSetting, message).hint(hint)))
            }
        }
    }

    /// Adds the environment of the process.
    pub(crate) fn process_environment(mut self) -> Self {
        let variables = std::env::vars_os();
        let readable = variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        for (name, value) in readable {
            match value.into_string() {
                Ok(value) => self = self.environment([(name, value)]),
                Err(_) if environment::is_setting(&name) => {
                    let message = format!("the value of {} in the environment is not UTF-8", shown(&name));
                    let problem = Problem::new(ProblemCode::InvalidSetting, message);
                    self = self.refuse(problem.hint("fix it, or leave it out for the default"));
                }
                Err(_) => {}
            }
        }
        self
    }

    /// Adds a file: TOML, YAML or JSON, by the extension of its name. TOML and YAML need the feature `cli`.
    ///
    /// # Errors
    /// If the file cannot be read. [`SettingsStack::resolve`] reports the problems in it.
    pub fn file(self, path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("cannot read the settings in {}: {error}", shown(&path.to_string_lossy())),
            )
        })?;
        Ok(self.text(&path.to_string_lossy(), &text))
    }

    /// Adds a file by its name and text. `[params]` in it are run parameters.
    pub fn text(mut self, name: &str, text: &str) -> Self {
        match file::parse(name, text) {
            Ok(mut value) => {
                let section = self.take_section(&mut value, name);
                for (source, value) in std::iter::once((Source::File, value)).chain(section) {
                    let mut leaves = Leaves::of(value, name);
                    self.take_params(&mut leaves, name);
                    for (key, leaf) in leaves.0 {
                        let origin = leaf.origin;
                        self.give(source, Given { key, value: leaf.value, origin });
                    }
                }
                self
            }
            Err(why) => {
                let message = format!("the settings in {} cannot be read", shown(name));
                let problem = Problem::new(ProblemCode::InvalidSetting, message)
                    .hint("fix the file; nothing of it was used");
                let problem =
                    why.lines().fold(problem, |problem, line| problem.note(crate::text::clean(line)));
                self.refuse(problem)
            }
        }
    }

    /// Adds variables of an environment: `PIPELINE_WORKERS`, and with two underscores between the parts of a key,
    /// `PIPELINE_STEPS__FETCH__RETRIES`. A part in capitals means its small letters. A variable with the prefix `PIPELINE_` that is
    /// close to no setting gives a warning; other variables are ignored, and so are empty ones: build servers set those for an
    /// input that was not given.
    pub fn environment<N: AsRef<str>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        for (name, value) in variables {
            let value = value.into();
            if value.is_empty() {
                continue;
            }
            if let Some(key) = environment::key(name.as_ref()) {
                let (value, origin) = (Value::String(value), name.as_ref().to_owned());
                self.give(Source::Environment, Given { key, value, origin });
            }
        }
        self
    }

    /// Adds the settings of a recorded run that is repeated, and the name of the run.
    #[cfg(feature = "cli")]
    pub(crate) fn repeated(mut self, run: Option<(&BTreeMap<String, Value>, &str)>) -> Self {
        let Some((settings, origin)) = run else { return self };
        for (key, leaf) in Leaves::of(Value::Object(settings.clone().into_iter().collect()), origin).0 {
            self.give(Source::Repeated, Given { key, value: leaf.value, origin: leaf.origin });
        }
        self
    }

    /// Adds a flag: a key such as `steps.fetch.retries`, its value as text, and the name of the flag.
    pub fn flag(mut self, key: &str, value: impl Into<String>, flag: &str) -> Self {
        let given = Given { key: parts(key), value: Value::String(value.into()), origin: flag.to_owned() };
        self.give(Source::Flag, given);
        self
    }

    /// Adds a default of a program: a key, and its value as text. It wins over the defaults of the library only.
    pub fn program_default(mut self, key: &str, value: &str) -> Self {
        let given =
            Given { key: parts(key), value: Value::String(value.to_owned()), origin: "default".to_owned() };
        self.give(Source::Default, given);
        self
    }

    /// Adds the settings of code: every one that a method has set, and every field that differs from the default.
    pub fn code(mut self, settings: &Settings) -> Self {
        for (key, value) in read::set_by_code(settings) {
            self.give(Source::Code, Given { key, value, origin: "code".to_owned() });
        }
        self
    }

    /// Merges all sources.
    ///
    /// # Errors
    /// All problems at once, each with its source: unknown keys with a suggestion, values that are unreadable or out of range.
    pub fn resolve(self) -> Result<ResolvedSettings, Problems> {
        let (resolved, problems) = self.resolve_as_far_as_possible();
        Problems::check(problems)?;
        Ok(resolved)
    }

    /// As [`SettingsStack::resolve`], for a caller with more to check: the readable settings, and all problems.
    pub(crate) fn resolve_as_far_as_possible(self) -> (ResolvedSettings, Vec<Problem>) {
        let SettingsStack { layers, params, warnings, mut problems, absent, .. } = self;
        let (mut resolved, found) = read::put_together(layers, params, warnings);
        resolved.absent = absent;
        problems.extend(found);
        (resolved, problems)
    }

    fn refuse(mut self, problem: Problem) -> Self {
        self.problems.push(problem);
        self
    }

    /// Adds one value, if there is such a setting.
    fn give(&mut self, source: Source, mut given: Given) {
        if let Some((key, value, new)) = aliases::today(&given.key, &given.value) {
            let (old, origin) = (given.key.join("."), shown(&given.origin));
            self.warnings.push(format!("setting `{old}` ({origin}) is called `{new}` now; use that name"));
            let Some(value) = value else { return };
            (given.key, given.value) = (key, value);
        }
        if source == Source::Environment && environment::is_of_others(&given.key) {
            self.warnings.push(environment::passed_over(&given.origin));
            return;
        }
        let known = known::look_up(&given.key);
        if known == Known::Param {
            let message = format!("`{}` is no setting but a run parameter", shown(&given.key.join(".")));
            let problem = Problem::new(ProblemCode::InvalidSetting, message)
                .note(format!("it is set by {}", shown(&given.origin)))
                .hint("write `-p NAME=VALUE`, PIPELINE_PARAM_name in the environment, or [params] in a file");
            self.problems.push(problem);
            return;
        }
        if let Known::Unknown(position, known) = known {
            let name = given.key.get(position).map_or("", String::as_str);
            let of_program = (position == 0).then(|| under_section(&given.key)).flatten();
            let alike = of_program.or_else(|| aliases::alike(name, &known).filter(|_| position == 0));
            let problem = Problem::new(
                ProblemCode::InvalidSetting,
                format!("there is no setting `{}`", shown(&given.key.join("."))),
            )
            .note(format!("it is set by {}", shown(&given.origin)))
            .hint(alike.map_or_else(|| meant(name, &known), |alike| format!("did you mean `{alike}`?")));
            self.problems.push(problem);
            return;
        }
        let value = read::as_written(&given.key, given.value, source);
        self.layers.entry(source).or_default().put(given.key, Leaf { value, origin: given.origin });
    }

    /// Removes `[pipelines]` of a file, and returns the section of the pipeline that these settings are for.
    fn take_section(&mut self, file: &mut Value, name: &str) -> Option<(Source, Value)> {
        let Named { name: of, all, .. } = self.pipeline.clone()?;
        let sections = file.as_object_mut()?.remove("pipelines")?;
        let Value::Object(mut sections) = sections else {
            let message = format!("`pipelines` in {} is not a table", shown(name));
            let problem = Problem::new(ProblemCode::InvalidSetting, message);
            self.problems.push(problem.hint("write `[pipelines.NAME]`, then settings"));
            return None;
        };
        let known = all.iter().map(String::as_str).collect();
        for unknown in sections.keys().filter(|section| !all.contains(section)) {
            let message = format!("there is no pipeline `{}`", shown(unknown));
            let problem = Problem::new(ProblemCode::InvalidSetting, message)
                .note(format!("{} has settings for it", shown(name)))
                .hint(meant(unknown, &known));
            self.problems.push(problem);
        }
        Some((Source::Section, sections.remove(&of)?))
    }

    /// Removes `[params]` of a file from the leaves, and keeps them apart.
    fn take_params(&mut self, leaves: &mut Leaves, file: &str) {
        let Value::Object(mut nested) = leaves.nested(&["params".to_owned()]) else { return };
        leaves.0.retain(|key, _| key.first().is_none_or(|first| first != "params"));
        match nested.remove("params") {
            None | Some(Value::Null) => {}
            Some(Value::Object(params)) => {
                let of_file = |(name, value)| (name, (value, file.to_owned()));
                self.params.0.extend(params.into_iter().map(of_file));
            }
            Some(_) => {
                let message = format!("`params` in {} is not a table", shown(file));
                let problem = Problem::new(ProblemCode::InvalidSetting, message);
                self.problems.push(problem.hint("write `[params]`, then `name = value`"));
            }
        }
    }
}

/// The keys of the settings that code has set.
pub(super) fn keys_set_by_code(settings: &Settings) -> Vec<String> {
    read::set_by_code(settings).into_iter().map(|(key, _)| key.join(".")).collect()
}

/// The parts of a key as written; a part in double quotes may have dots in it.
fn parts(key: &str) -> Key {
    let mut parts = vec![String::new()];
    let mut is_quoted = false;
    for c in key.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            '.' if !is_quoted => parts.push(String::new()),
            c => parts.last_mut().expect("invariant: there is one part at least").push(c),
        }
    }
    parts
}
