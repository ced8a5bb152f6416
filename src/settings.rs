//! Settings from several sources, for groups, tags and single steps, and where each comes from.

pub use pipeline_exec::{
    MOST_SLOTS, PRESETS, Preset, ResolvedSettings, SettingInForce, SettingKey, SettingsStack, StepDefaults,
    TagSettings, cores,
};
