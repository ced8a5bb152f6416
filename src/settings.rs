//! Settings from several sources, for groups, tags and single steps, and where each comes from.

pub use pipeline_exec::{
    CacheMode, Durability, MOST_SLOTS, ResolvedSettings, ResumeMode, SettingInForce, SettingsStack,
    StepCache, TagSettings, cores,
};
