//! Settings of the store: which one, which steps use it, and for how long a value is good.

use std::collections::BTreeSet;

use pipeline::prelude::*;
use pipeline::settings::{CacheMode, StepCache, TagSettings};
use pipeline::{Settings, Status, StepDefaults};

use crate::folder::Folder;

#[step(cache)]
fn marked() -> u64 {
    1
}

#[step(group = "sc-group", tags("sc-tag"))]
fn plain(marked: &u64) -> u64 {
    marked + 1
}

fn with_store(folder: &Folder) -> Settings {
    let mut settings = Settings::default();
    settings.store = Some(folder.to_path_buf());
    settings
}

/// Runs both steps twice. Returns those that came from the store in the second run.
fn cached_by(settings: impl Fn(Settings) -> Settings) -> BTreeSet<String> {
    let folder = Folder::new();
    let settings = settings(with_store(&folder));
    let run = || Pipeline::to::<plain>().settings(settings.clone()).run_blocking().unwrap();
    assert!(run().succeeded());
    let second = run();
    let steps = second.report().steps.iter().filter(|step| step.status == Status::Cached);
    steps.map(|step| step.name.clone()).collect()
}

#[test]
fn the_store_is_used_by_the_steps_that_the_settings_name() {
    let both = BTreeSet::from(["marked".to_owned(), "plain".to_owned()]);
    let one = BTreeSet::from(["marked".to_owned()]);
    let on = || StepDefaults::new().cache(StepCache::On);
    assert_eq!(cached_by(|settings| settings), one);
    assert_eq!(cached_by(|settings| settings.cache(CacheMode::All)), both);
    assert_eq!(cached_by(|settings| settings.cache(CacheMode::Off)), BTreeSet::new());
    assert_eq!(cached_by(|settings| settings.step("plain", on())), both);
    assert_eq!(cached_by(|settings| settings.group("sc-group", on())), both);
    assert_eq!(cached_by(|settings| settings.tag("sc-tag", TagSettings::new().cache(StepCache::On))), both);
    assert_eq!(cached_by(|settings| settings.defaults(on())), both);
    // A name wins over the attribute, which wins over the rest.
    let off = StepDefaults::new().cache(StepCache::Off);
    assert_eq!(cached_by(|settings| settings.step("marked", off.clone())), BTreeSet::new());
    assert_eq!(cached_by(|settings| settings.defaults(off.clone())), one);
    let short = StepDefaults::new().cache(StepCache::For(std::time::Duration::from_nanos(1)));
    assert_eq!(cached_by(|settings| settings.step("marked", short.clone())), BTreeSet::new());
}

#[test]
fn a_lifetime_is_read_from_text() {
    for (text, wanted) in [
        ("true", StepCache::On),
        ("false", StepCache::Off),
        ("\"30d\"", StepCache::For(std::time::Duration::from_hours(30 * 24))),
    ] {
        let read: StepDefaults = serde_json::from_str(&format!("{{\"cache\": {text}}}")).unwrap();
        assert_eq!(read.cache, Some(wanted));
        let written = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<StepDefaults>(&written).unwrap(), read);
    }
    let wrong = serde_json::from_str::<StepDefaults>("{\"cache\": \"0s\"}").unwrap_err();
    assert!(wrong.to_string().contains("a time above zero"), "{wrong}");
}

#[test]
fn a_store_that_cannot_be_opened_is_a_problem_before_any_step_if_steps_need_it() {
    let folder = Folder::new();
    std::fs::write(folder.join("other"), "").unwrap();
    let settings = with_store(&folder);
    let refused = Pipeline::to::<marked>().settings(settings.clone()).run_blocking().unwrap_err();
    assert!(refused.to_string().contains("holds other files"), "{refused}");
    let unused = Pipeline::to::<marked>().settings(settings.cache(CacheMode::Off));
    assert!(unused.run_blocking().unwrap().succeeded());
}
