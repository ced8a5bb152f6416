//! What holds for steps that do not say it themselves.

use std::time::Duration;

use pipeline_core::Backoff;

/// What the settings say of steps: of all of a run, of those of a group, or of single ones. What is said of a step by name
/// wins over what it says itself, that over its group, and a group over the run.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct StepDefaults {
    /// How long one attempt may take, as text: `"30s"`, `"1m 30s"`.
    #[serde(with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// How long all attempts of one step may take together, the waits between them included.
    #[serde(with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
    /// How many more times to try after a failed attempt. A step that takes an input by value is retried only where it
    /// says so itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// How long to wait before each further attempt, as text: `"100ms"` for a fixed wait, `"100ms..10s"` for one that
    /// doubles.
    #[serde(with = "backoff_text", skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
    /// The part of each such wait that is left to chance, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<f64>,
    /// Whether the steps run. One that does not is skipped, and so is what requires its output. By default they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// What the settings say of the steps of a tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TagSettings {
    /// Whether the steps run; of several tags of a step, one that says no is enough. By default they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

impl TagSettings {
    /// Nothing said.
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

impl StepDefaults {
    /// Nothing said.
    pub fn new() -> Self {
        StepDefaults::default()
    }

    /// Sets how long one attempt may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets how long all attempts of one step may take together.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets how many more times to try after a failed attempt.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// Sets how long to wait before each further attempt.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// Sets whether the steps run.
    #[must_use]
    pub fn enabled(mut self, on: bool) -> Self {
        self.enabled = Some(on);
        self
    }

    /// What these say, and where they say nothing, what `others` do.
    pub(super) fn or(&self, others: &StepDefaults) -> StepDefaults {
        StepDefaults {
            timeout: self.timeout.or(others.timeout),
            deadline: self.deadline.or(others.deadline),
            retries: self.retries.or(others.retries),
            backoff: self.backoff.or(others.backoff),
            jitter: self.jitter.or(others.jitter),
            enabled: self.enabled.or(others.enabled),
        }
    }

    /// What is wrong with the values: the field, and a sentence about `whose` it is.
    pub(super) fn problems(&self, whose: &str) -> Vec<(&'static str, String)> {
        let zero = |name: &'static str, value: Option<Duration>| {
            value
                .is_some_and(|value| value.is_zero())
                .then(|| (name, format!("{whose}`{name}` is zero: no step could run")))
        };
        let jitter = self.jitter.filter(|jitter| !(0.0..=1.0).contains(jitter));
        let jitter = jitter
            .map(|jitter| ("jitter", format!("{whose}`jitter` is {jitter}, but has to be from 0 to 1")));
        let problems = [zero("timeout", self.timeout), zero("deadline", self.deadline), jitter];
        problems.into_iter().flatten().collect()
    }
}

/// Waits as text.
mod backoff_text {
    use pipeline_core::Backoff;
    use serde::{Deserialize, Deserializer, Serializer, de};

    #[allow(clippy::ref_option, reason = "the signature that serde asks for")]
    pub(super) fn serialize<S: Serializer>(backoff: &Option<Backoff>, to: S) -> Result<S::Ok, S::Error> {
        let Some(backoff) = backoff else { return to.serialize_none() };
        let first = humantime::format_duration(backoff.first);
        if backoff.first == backoff.cap {
            to.collect_str(&first)
        } else {
            to.collect_str(&format_args!("{first}..{}", humantime::format_duration(backoff.cap)))
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Backoff>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
        let duration = |text: &str| {
            let why =
                |error| de::Error::custom(format!("`{text}` is not a duration such as `100ms`: {error}"));
            humantime::parse_duration(text.trim()).map_err(why)
        };
        match text.split_once("..") {
            None => Ok(Some(Backoff::fixed(duration(&text)?))),
            Some((first, cap)) => Ok(Some(Backoff::exponential(duration(first)?, duration(cap)?))),
        }
    }
}
