//! The documentation has the tables of the code.

#![allow(clippy::unwrap_used)]

use std::fmt::Write;

use super::presets::PRESETS;
use super::row::{NAMED, run_rows};
use super::{Settings, SettingsStack, StepDefaults};

/// L05: after a wanted change, `DOCS=overwrite cargo test -p pipeline-exec --lib settings` writes them anew.
#[test]
fn the_documentation_has_the_tables_of_the_code() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/settings.md");
    let written = std::fs::read_to_string(&path).unwrap();
    let mut wanted = written.clone();
    for (name, table) in [("settings", table()), ("presets", preset_table())] {
        let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->"));
        let (before, rest) = wanted.split_once(&begin).unwrap();
        let (_, after) = rest.split_once(&end).unwrap();
        wanted = format!("{before}{begin}{table}{end}{after}");
    }
    if std::env::var("DOCS").as_deref() == Ok("overwrite") {
        std::fs::write(path, wanted).unwrap();
        return;
    }
    assert_eq!(
        written, wanted,
        "docs/settings.md is not what the code says: write it anew with DOCS=overwrite"
    );
}

/// The table of all settings, as Markdown.
fn table() -> String {
    let mut text = String::from("| key | takes | default | variable | flag | |\n|---|---|---|---|---|---|\n");
    let written = serde_json::to_value(Settings::default()).unwrap_or_default();
    let of_run = run_rows().map(|row| (row.key.to_owned(), row));
    let of_steps = StepDefaults::ROWS.iter().map(|row| (format!("defaults.{}", row.key), row));
    let named = NAMED.iter().map(|row| (row.key.to_owned(), row));
    for (key, row) in of_run.chain(of_steps).chain(named) {
        let variable = match key.as_str() {
            "params.NAME" => "PIPELINE_PARAM_name".to_owned(),
            key => format!("PIPELINE_{}", key.replace('.', "__").to_uppercase()),
        };
        let default = match written.get(&key) {
            _ if !row.default.is_empty() => row.default.to_owned(),
            None | Some(serde_json::Value::Null) => "none".to_owned(),
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        let flag = if row.flag.is_empty() { String::new() } else { format!("`{}`", row.flag) };
        let (takes, about) = (row.kind.takes(), row.about());
        let _ = writeln!(text, "| `{key}` | {takes} | {default} | `{variable}` | {flag} | {about} |");
    }
    text
}

/// The presets, each with what differs from the defaults.
fn preset_table() -> String {
    let mut table = String::from("| preset | for | sets |\n|---|---|---|\n");
    for preset in PRESETS {
        let resolved = SettingsStack::new().flag("preset", preset.name, "--preset").resolve().unwrap();
        let set = resolved.in_force().into_iter().filter(|setting| setting.origin != "default");
        let set = set.map(|setting| match setting.key.as_str() {
            "cpu" => "`cpu` = half the cores".to_owned(),
            key => format!("`{key} = {}`", setting.value),
        });
        let mut set: Vec<String> = set.collect();
        // On a machine of one core, half the cores is the default.
        if preset.name == "conservative" && !set.iter().any(|set| set.starts_with("`cpu`")) {
            set.insert(1, "`cpu` = half the cores".to_owned());
        }
        writeln!(table, "| `{}` | {} | {} |", preset.name, preset.about, set.join(", ")).unwrap();
    }
    table
}
