//! `cache show`: what made a stored value, and what its bytes are.

use std::fmt::Write;
use std::time::Duration;

use clap::Args as ClapArgs;

use super::super::exit::{Refusal, print, print_json};
use super::super::runs::when;
use super::super::wording::{counted, one_line};
use super::PlaceArgs;
use super::found::{meant_by, newest_first, short};
use super::ls::{bytes, described, kept_for};
use crate::pipeline::Pipeline;
use crate::store::{CodeBy, Compression, Record, RecordedSource, StoredValue};
use crate::text::{clean, short_id, show};

/// Width of the headings.
const HEADING: usize = 11;

/// Which value.
#[derive(Debug, ClapArgs)]
pub(super) struct ShowArgs {
    /// Step whose newest value is shown, or the start of a key.
    #[arg(value_name = "STEP|KEY")]
    step: String,
    /// Print the record as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn execute(args: &ShowArgs, pipeline: &Pipeline) -> Result<u8, Refusal> {
    let store = args.place.opened(pipeline)?;
    let values = newest_first(&store)?;
    let found = meant_by(&args.step, &values, &store)?;
    let value = found[0];
    if args.json {
        return print_json(&described(value));
    }
    let mut text = shown(value);
    if let Some(more) = found.len().checked_sub(1).filter(|more| *more > 0) {
        let _ = writeln!(text, "\n{} of this step; `cache ls` lists them", counted(more, "older value"));
    }
    print(&text)
}

fn shown(value: &StoredValue) -> String {
    let record = &value.record;
    let mut text = format!("{}\n", one_line(&record.step));
    let mut line = |heading: &str, what: String| {
        let _ = writeln!(text, "  {heading:HEADING$}{what}");
    };
    line(
        "made",
        format!("{} in {}", when(record.made_unix_ms), show(Some(Duration::from_millis(record.took_ms)))),
    );
    line("by run", clean(&format!("{} of {}", short_id(&record.run), one_line(&record.program))));
    line("kept for", kept_for(value));
    line("last used", when(value.used_unix_ms));
    line("type", one_line(&record.output.name));
    line("value", what_it_is(record));
    line("code", code(record));
    for input in &record.inputs {
        for source in &input.steps {
            line("input", format!("{}: {}", one_line(&input.name), from(source)));
        }
    }
    for param in &record.params {
        line("parameter", format!("{}: {}", one_line(&param.name), short(param.digest)));
    }
    if let Some(own) = record.own_key {
        line("own key", short(own));
    }
    line("key", record.key.to_string());
    text
}

fn what_it_is(record: &Record) -> String {
    let Some(content) = record.content else { return "none: only that the step succeeded".to_owned() };
    let packed = match record.compression {
        Compression::None => String::new(),
        Compression::Zstd => format!(", {} stored as zstd", bytes(record.stored_bytes)),
    };
    format!("{} as {}{packed}, content {}", bytes(record.bytes), one_line(&record.codec), short(content))
}

fn code(record: &Record) -> String {
    let hash = &record.code.hash;
    match record.code.by {
        CodeBy::Program => format!("the whole program, {}", one_line(&short(hash))),
        CodeBy::Trace => format!("what the step can reach, {}", one_line(&short(hash))),
        CodeBy::Version => format!("version {}", one_line(hash)),
    }
}

fn from(source: &RecordedSource) -> String {
    let step = one_line(&source.step);
    match (source.content, source.key) {
        (Some(content), _) => format!("{step}, content {}", short(content)),
        (None, Some(key)) => format!("{step}, key {}", short(key)),
        (None, None) => step,
    }
}
