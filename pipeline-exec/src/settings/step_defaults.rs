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
        /// Whether the outputs are stored and used in place of running the steps, and for how long one is good: `true`, `false`, or
        /// a time. Steps can set their own.
        #[serde(skip_serializing_if = "Option::is_none")]
        cache: Option<StepCache> = None, Lifetime(StepCache::For(Duration::from_secs(86400))), default "false";
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

/// Whether the output of a step is stored and used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepCache {
    /// It is not.
    Off,
    /// It is, and is good for ever.
    On,
    /// It is, and is good for so long.
    For(Duration),
}

impl From<bool> for StepCache {
    fn from(on: bool) -> Self {
        if on { StepCache::On } else { StepCache::Off }
    }
}

impl serde::Serialize for StepCache {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            StepCache::Off => serializer.serialize_bool(false),
            StepCache::On => serializer.serialize_bool(true),
            StepCache::For(time) => quantity::time::serialize(time, serializer),
        }
    }
}

impl<'de> serde::Deserialize<'de> for StepCache {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged, expecting = "`true`, `false`, or a time such as `\"30d\"`")]
        enum Written {
            Switch(bool),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Switch(on) => Ok(on.into()),
            Written::Text(text) if text == "true" || text == "false" => Ok((text == "true").into()),
            Written::Text(text) => match humantime::parse_duration(&text) {
                Ok(time) if !time.is_zero() => Ok(StepCache::For(time)),
                _ => Err(serde::de::Error::custom(
                    "expected `true`, `false`, or a time above zero, such as `30d`",
                )),
            },
        }
    }
}

/// Settings of the steps of a tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TagSettings {
    /// Whether the steps run. If a step has several tags, one that disables it is enough. By default they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Whether the outputs are stored and used in place of running the steps; see [`StepDefaults::cache`]. Of several tags of a
    /// step, the first one written that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<StepCache>,
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

    /// Sets whether the outputs are stored and used in place of running the steps.
    #[must_use]
    pub fn cache(mut self, cache: StepCache) -> Self {
        self.cache = Some(cache);
        self
    }
}
