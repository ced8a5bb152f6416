//! `cache ls`: the stored values, or their sizes by step.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use bytesize::ByteSize;
use clap::Args as ClapArgs;
use serde_json::{Value, json};

use super::super::columns::{columns, headed, name};
use super::super::exit::{Refusal, print, print_json};
use super::super::wording::counted;
use super::PlaceArgs;
use super::found::{meant_by, newest_first, short};
use crate::pipeline::Pipeline;
use crate::store::{StepSize, StoredValue};
use crate::text::{clean, short_id};
use crate::timing::unix_ms;

/// Which values.
#[derive(Debug, ClapArgs)]
pub(super) struct LsArgs {
    /// Show the values of these steps only, or of these keys.
    #[arg(id = "step", value_name = "STEP")]
    steps: Vec<String>,
    /// Show the number and size of the values of each step.
    #[arg(long = "by-step")]
    by_step: bool,
    /// Maximum number of rows.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Print JSON, without a limit.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn execute(args: &LsArgs, pipeline: &Pipeline) -> Result<u8, Refusal> {
    let store = args.place.opened(pipeline)?;
    let mut values = newest_first(&store)?;
    if !args.steps.is_empty() {
        let mut wanted = Vec::new();
        for asked in &args.steps {
            wanted.extend(meant_by(asked, &values, &store)?.into_iter().cloned());
        }
        values = wanted;
    }
    let sizes = StepSize::of(&values);
    if args.json && args.by_step {
        let row = |size: &StepSize| json!({ "step": size.step, "values": size.values, "bytes": size.bytes });
        return print_json(&sizes.iter().map(row).collect::<Vec<_>>());
    }
    if args.json {
        return print_json(&values.iter().map(described).collect::<Vec<_>>());
    }
    let location = clean(store.location());
    if values.is_empty() {
        return print(&format!(
            "the store {location} has no values\nhint: cached steps (`#[step(cache)]`, `run --cache`) are stored when they succeed"
        ));
    }
    let (mut text, all) = if args.by_step {
        let row = |size: &StepSize| [name(&size.step), size.values.to_string(), bytes(size.bytes)];
        let rows = headed(["step", "values", "stored"], sizes.iter().take(args.limit).map(row));
        (columns(&rows, [false, true, true]), sizes.len())
    } else {
        (table(&values[..values.len().min(args.limit)]), values.len())
    };
    if all > args.limit {
        let _ = writeln!(text, "{} more; --limit shows more", all - args.limit);
    }
    let stored: u64 = sizes.iter().map(|size| size.bytes).sum();
    let (values, steps) = (counted(values.len(), "value"), counted(sizes.len(), "step"));
    let _ = writeln!(text, "\n{values} of {steps}, {} in {location}", bytes(stored));
    print(&text)
}

fn table(values: &[StoredValue]) -> String {
    let row = |value: &StoredValue| {
        let record = &value.record;
        [
            name(&record.step),
            age(record.made_unix_ms),
            size(value, record.bytes),
            size(value, record.stored_bytes),
            clean(short_id(&record.run)),
            age(value.used_unix_ms),
            kept_for(value),
            short(record.key),
        ]
    };
    let heading = ["step", "age", "size", "stored", "made by run", "last used", "kept for", "key"];
    let rows = headed(heading, values.iter().map(row));
    columns(&rows, [false, true, true, true, false, true, false, false])
}

fn size(value: &StoredValue, length: u64) -> String {
    if value.record.content.is_some() { bytes(length) } else { "-".to_owned() }
}

/// Says what a value is kept for: any run, or to resume one.
pub(super) fn kept_for(value: &StoredValue) -> String {
    match &value.run {
        None => "all runs".to_owned(),
        Some(run) => clean(&format!("--resume {}", short_id(run))),
    }
}

/// Returns a value as data: its record, and what the store knows of it.
pub(in crate::cli) fn described(value: &StoredValue) -> Value {
    let mut described = json!(value.record);
    described["used_unix_ms"] = json!(value.used_unix_ms);
    described["checkpoint_of"] = json!(value.run);
    described
}

pub(in crate::cli) fn bytes(length: u64) -> String {
    ByteSize(length).to_string()
}

/// Returns how long ago something was, in a unit that fits.
pub(in crate::cli) fn age(at_unix_ms: u64) -> String {
    age_after(Duration::from_millis(unix_ms(SystemTime::now()).saturating_sub(at_unix_ms)))
}

fn age_after(age: Duration) -> String {
    match age.as_secs() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ ..3600 => format!("{} min", seconds / 60),
        seconds @ ..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_a_unit_that_fits() {
        let said = [0, 59, 60, 3599, 3600, 172_799, 172_800].map(|age| age_after(Duration::from_secs(age)));
        assert_eq!(said, ["0 s", "59 s", "1 min", "59 min", "1 h", "47 h", "2 d"]);
    }
}
