//! `cache export`: a stored value as a file, for a person or another program.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::super::exit::{Refusal, print, print_json, unwritable};
use super::super::wording::one_line;
use super::found::{meant_by, newest_first};
use super::ls::described;
use super::{PlaceArgs, warn};
use crate::pipeline::Pipeline;
use crate::runs::write_whole;
use crate::store::{Record, StoredFile, ValueStore};
use crate::text::quoted;

/// The forms whose bytes are the value: those of bytes and text.
const AS_THEY_ARE: [&str; 2] = ["bytes", "text"];

/// Which value, and where to.
#[derive(Debug, ClapArgs)]
pub(super) struct ExportArgs {
    /// Step whose newest value is exported, or the start of a key.
    #[arg(value_name = "STEP|KEY")]
    step: String,
    /// File to write.
    file: PathBuf,
    /// Write the bytes as they are stored, in the step's own form, instead of JSON.
    #[arg(long)]
    raw: bool,
    /// Print the record as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn execute(args: &ExportArgs, pipeline: &Pipeline) -> Result<u8, Refusal> {
    let store = args.place.opened(pipeline)?;
    let values = newest_first(&store)?;
    let found = meant_by(&args.step, &values, &store)?;
    let Some(value) = found.into_iter().find(|value| value.record.content.is_some()) else {
        return Err(Refusal::Usage(format!(
            "`{}` has no value: only that it succeeded is stored",
            one_line(&args.step)
        )));
    };
    let record = &value.record;
    let bytes = store.load(record);
    warn(&store);
    let bytes = bytes.ok_or_else(|| {
        Refusal::Environment(format!(
            "the value of `{}` is gone or damaged\nhint: run the step again, which stores it",
            one_line(&record.step)
        ))
    })?;
    if args.raw || AS_THEY_ARE.contains(&record.codec.as_str()) {
        write_whole(&args.file, |out| out.write_all(&bytes)).map_err(unwritable("the value", &args.file))?;
    } else {
        export(args, pipeline, &store, record, &bytes)?;
    }
    if args.json {
        return print_json(&described(value));
    }
    print(&format!("wrote {}", quoted(&args.file.display().to_string())))
}

/// Reads the value as this program does, and writes it.
fn export(
    args: &ExportArgs,
    pipeline: &Pipeline,
    store: &ValueStore,
    record: &Record,
    bytes: &[u8],
) -> Result<(), Refusal> {
    let step = one_line(&record.step);
    let cannot = |why: &str| {
        Refusal::Usage(format!(
            "the value of `{step}` cannot be exported: {why}\nhint: `--raw` writes its bytes, in the form `{}`",
            one_line(&record.codec)
        ))
    };
    let mut read = pipeline.read_stored(record, store, bytes).map_err(|why| cannot(&why))?;
    if let Some(file) = read.output::<StoredFile>() {
        return file.copy_to(&args.file).map_err(Refusal::from);
    }
    let mut json = Vec::new();
    match read.write_json(&mut json) {
        Some(Ok(())) => {}
        Some(Err(error)) => return Err(cannot(&error.to_string())),
        None => return Err(cannot("its type is not `Serialize`")),
    }
    json.push(b'\n');
    write_whole(&args.file, |out| out.write_all(&json)).map_err(unwritable("the value", &args.file))
}
