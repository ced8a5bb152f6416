//! The settings of all layers together.

use serde_json::Value;

use super::FileParams;
use super::leaf::{Key, Leaf, Leaves};
use crate::settings::Settings;

/// Effective settings, each with its source.
#[derive(Clone, Debug)]
pub struct ResolvedSettings {
    settings: Settings,
    leaves: Leaves,
    params: FileParams,
    warnings: Vec<String>,
    /// The file that was looked for and not found, in words.
    pub(super) absent: Option<String>,
}

/// One effective setting.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct SettingInForce {
    /// The key, with dots between its parts.
    pub key: String,
    /// Its value; `null` if there is no limit, or none is set.
    pub value: Value,
    /// Its source: `default`, `preset production`, the name of a file, a variable, a flag, or `code`.
    pub origin: String,
}

impl SettingInForce {
    /// Settings that were resolved before, with their sources.
    #[cfg(feature = "cli")]
    pub(crate) fn all(settings: &Settings) -> Vec<Self> {
        let mut all = Self::of(&Leaves::written(settings, super::read::DEFAULT));
        for setting in &mut all {
            if let Some(origin) = settings.origins.of(&setting.key) {
                origin.clone_into(&mut setting.origin);
            }
        }
        all
    }

    /// Whether no source has set it.
    #[cfg(feature = "cli")]
    pub(crate) fn is_default(&self) -> bool {
        self.origin == super::read::DEFAULT
    }

    fn of(leaves: &Leaves) -> Vec<Self> {
        let is_said = |value: &Value| !value.as_object().is_some_and(serde_json::Map::is_empty);
        let leaves = leaves.0.iter().filter(|(_, leaf)| is_said(&leaf.value));
        let setting = |(key, leaf): (&Key, &Leaf)| SettingInForce {
            key: key.join("."),
            value: leaf.value.clone(),
            origin: leaf.origin.clone(),
        };
        leaves.map(setting).collect()
    }
}

impl ResolvedSettings {
    pub(super) fn new(settings: Settings, leaves: Leaves, params: FileParams, warnings: Vec<String>) -> Self {
        ResolvedSettings { settings, leaves, params, warnings, absent: None }
    }

    /// Returns the settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the source of a setting; of a section, the source of the first setting in it that is not a default.
    pub fn origin(&self, key: &str) -> &str {
        self.settings.origins.of(key).unwrap_or(super::read::DEFAULT)
    }

    /// Returns every effective setting, sorted by key.
    pub fn in_force(&self) -> Vec<SettingInForce> {
        SettingInForce::of(&self.leaves)
    }

    /// Returns a warning for each other spelling of a setting, with its source and the name.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns which file was looked for and not found, in words.
    #[cfg(feature = "cli")]
    pub(crate) fn absent_file(&self) -> Option<&str> {
        self.absent.as_deref()
    }

    /// Returns the run parameters of files, each with the name of its file.
    pub fn params(&self) -> impl Iterator<Item = (&str, &Value, &str)> {
        self.params.0.iter().map(|(name, (value, origin))| (name.as_str(), value, origin.as_str()))
    }
}
