//! Settings of steps.

use std::time::Duration;

use pipeline_core::Backoff;

use super::explicit::Remember;
use super::row::settings;
use crate::quantity;

settings! {
    /// Settings of steps: of all of a run, of those of a group, or of single ones. What names a step wins over the step's own
    /// attribute, that over its group, and a group over the run.
    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(default, deny_unknown_fields)]
    #[non_exhaustive]
    pub struct StepDefaults {
        /// Time limit of one attempt. Steps and groups can set their own.
        #[serde(with = "quantity::optional_time", skip_serializing_if = "Option::is_none")]
        timeout: Option<Duration> = None, Time(Duration::from_secs(30)), flag "--timeout <TIME>";
        /// Time limit of all attempts of one step together, including the waits between them.
        #[serde(with = "quantity::optional_time", skip_serializing_if = "Option::is_none")]
        deadline: Option<Duration> = None, Time(Duration::from_secs(300));
        /// Maximum number of retries of a failed step. Steps and groups can set their own.
        ///
        /// A step that takes an input by value is retried only if its attribute has `retries`.
        #[serde(skip_serializing_if = "Option::is_none")]
        retries: Option<u32> = None, Count(2), default "0", flag "--retries <N>";
        /// Wait before each retry: `"100ms"` for a fixed one, `"100ms..10s"` for one that doubles, `"100ms..10s by 3"` for another
        /// factor.
        #[serde(with = "quantity::backoff", skip_serializing_if = "Option::is_none")]
        backoff: Option<Backoff> = None, Backoff(Backoff::fixed(Duration::from_millis(100)));
        /// Random part of each such wait.
        #[serde(with = "quantity::part", skip_serializing_if = "Option::is_none")]
        jitter: Option<f64> = None, Part(0.5), default "0";
        /// Whether the steps run. A step that does not is skipped, and so are the steps that require its output.
        #[serde(skip_serializing_if = "Option::is_none")]
        enabled: Option<bool> = None, Switch(false), default "true";
    }
    {}
}

impl StepDefaults {
    /// No settings.
    pub fn new() -> Self {
        StepDefaults::default()
    }
}

impl Remember for StepDefaults {}

/// Settings of the steps of a tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TagSettings {
    /// Whether the steps run. If a step has several tags, one that disables it is enough. By default they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

impl TagSettings {
    /// No settings.
    pub fn new() -> Self {
        TagSettings::default()
    }

    /// Sets whether the steps run.
    #[must_use]
    pub fn enabled(mut self, on: bool) -> Self {
        self.enabled = Some(on);
        self
    }
}
