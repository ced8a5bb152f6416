//! `cache verify`, `cache rm`, `cache gc`.

use std::fmt::Write;
use std::time::Duration;

use clap::Args as ClapArgs;
use serde_json::json;

use super::super::exit::{FAILED, OK, Refusal, print, print_json};
use super::super::wording::{counted, one_line};
use super::found::{meant_by, newest_first};
use super::ls::bytes;
use super::{PlaceArgs, warn};
use crate::pipeline::Pipeline;
use crate::quantity::{duration, size};
use crate::store::{GcRules, Removed, ValueStore, ValueStoreError};

/// How to check.
#[derive(Debug, ClapArgs)]
pub(super) struct VerifyArgs {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// Checks the store. The exit code is 1 if something was wrong.
pub(super) fn verify(args: &VerifyArgs, pipeline: &Pipeline) -> Result<u8, Refusal> {
    let store = args.place.opened(pipeline)?;
    let verified = store.verify()?;
    let is_right = verified.problems.is_empty();
    if args.json {
        print_json(&json!({
            "values": verified.values,
            "blobs": verified.blobs,
            "bytes": verified.bytes,
            "problems": verified.problems,
        }))?;
    } else {
        let mut text: String = verified.problems.iter().map(|problem| one_line(problem) + "\n").collect();
        let (values, files) = (counted(verified.values, "value"), counted(verified.blobs, "file"));
        let _ = write!(text, "{values} and {files} with {} are right", bytes(verified.bytes));
        if !is_right {
            let wrong = counted(verified.problems.len(), "file");
            let _ = write!(text, "; {wrong} wrong: the steps run again whose values they were");
        }
        print(&text)?;
    }
    Ok(if is_right { OK } else { FAILED })
}

/// Which values to remove.
#[derive(Debug, ClapArgs)]
pub(super) struct RmArgs {
    /// Remove the values of these steps, or of these keys.
    #[arg(id = "step", value_name = "STEP", required_unless_present = "all")]
    steps: Vec<String>,
    /// Remove all values.
    #[arg(long, conflicts_with = "step")]
    all: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn rm(args: &RmArgs, pipeline: &Pipeline) -> Result<u8, Refusal> {
    let store = args.place.opened(pipeline)?;
    let values = newest_first(&store)?;
    let mut wanted = Vec::new();
    for asked in &args.steps {
        wanted.extend(meant_by(asked, &values, &store)?);
    }
    let removed = store.remove(|value| args.all || wanted.contains(&value))?;
    let values = removed.len();
    warn(&store);
    let freed = store.gc(GcRules::default());
    if args.json {
        let freed = freed.as_ref().map(|freed| freed.bytes).ok();
        return print_json(&json!({ "values": values, "bytes": freed }));
    }
    let values = counted(values, "value");
    print(&match freed {
        Ok(freed) => format!("removed {values}; {} are free", bytes(freed.bytes)),
        Err(error @ ValueStoreError::InUse { .. }) => {
            format!("removed {values}; their bytes stay until `cache gc`: {error}")
        }
        Err(error) => return Err(error.into()),
    })
}

/// What to remove.
#[derive(Debug, ClapArgs)]
pub(super) struct GcArgs {
    /// Remove values that no run has used for longer: `30d`.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    older_than: Option<Duration>,
    /// Remove the values that were used least recently, until the store has at most this size: `10GB`.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_size: Option<u64>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn gc(args: &GcArgs, pipeline: &Pipeline) -> Result<u8, Refusal> {
    let store: ValueStore = args.place.opened(pipeline)?;
    let rules = GcRules { older_than: args.older_than, max_bytes: args.max_size };
    let Removed { values, blobs, bytes: length } = store.gc(rules)?;
    if args.json {
        return print_json(&json!({ "values": values, "blobs": blobs, "bytes": length }));
    }
    let (values, files) = (counted(values, "value"), counted(blobs, "file"));
    print(&format!("removed {values} and {files} with bytes; {} are free", bytes(length)))
}
