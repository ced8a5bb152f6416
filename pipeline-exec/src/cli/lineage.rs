//! `lineage`: what a stored value was made of, and what was made of it.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::fs::File;
use std::path::Path;

use clap::Args as ClapArgs;
use serde_json::{Value, json};

use super::cache::{PlaceArgs, age, bytes, described, meant_by, newest_first, short};
use super::columns::columns;
use super::exit::{Refusal, print, print_json};
use super::wording::one_line;
use crate::pipeline::Pipeline;
use crate::store::{Content, RecordedSource, StoredValue, param_digest_of_file};
use crate::text::clean;

/// Deeper values are indented as this one.
const MOST_INDENTS: usize = 20;

/// Which value.
#[derive(Debug, ClapArgs)]
pub(super) struct LineageArgs {
    /// Step, start of a key, or file: one that was exported, or one that a step reads as `InputFile`.
    #[arg(value_name = "STEP|KEY|FILE")]
    step: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// A value, and its distance from the one that was asked for.
type Line<'v> = (usize, Related<'v>);

/// A value that is stored, or one of which only a record of its reader says that it was there.
enum Related<'v> {
    Stored(&'v StoredValue),
    Gone(&'v RecordedSource),
}

pub(super) fn execute(args: &LineageArgs, pipeline: &Pipeline) -> Result<u8, Refusal> {
    let store = args.place.opened(pipeline)?;
    let values = newest_first(&store)?;
    let file = Path::new(&args.step);
    let (of_file, readers) = if file.is_file() { by_file(file, &values)? } else { (None, Vec::new()) };
    let value = match of_file {
        Some(value) => Some(value),
        None if readers.is_empty() => Some(meant_by(&args.step, &values, &store)?[0]),
        None => None,
    };
    let graph = Values::of(&values);
    let made_of = value.map_or_else(Vec::new, |value| graph.walk([value], Values::sources));
    let read_by = readers.iter().copied();
    let made_for = if let Some(value) = value {
        graph.walk([value], Values::readers)
    } else {
        let mut lines: Vec<Line<'_>> = read_by.clone().map(|reader| (1, Related::Stored(reader))).collect();
        let further = graph.walk(read_by, Values::readers);
        lines.extend(further.into_iter().map(|(depth, related)| (depth + 1, related)));
        lines
    };
    if args.json {
        return print_json(&json!({
            "value": value.map(described),
            "made_of": made_of.iter().map(as_data).collect::<Vec<_>>(),
            "made_for": made_for.iter().map(as_data).collect::<Vec<_>>(),
        }));
    }
    let mut text = match value {
        Some(value) => columns(&[row(&(0, Related::Stored(value)))], ALIGNED),
        None => format!("{}\n", one_line(&args.step)),
    };
    section(&mut text, "made of", &made_of, "no other step's output");
    section(&mut text, "used for", &made_for, "no stored value");
    print(&text)
}

/// Returns the value whose bytes a file has, and the values of steps that read such a file.
fn by_file<'v>(
    file: &Path,
    values: &'v [StoredValue],
) -> Result<(Option<&'v StoredValue>, Vec<&'v StoredValue>), Refusal> {
    let cannot =
        |error| Refusal::Environment(format!("cannot read {}: {error}", clean(&file.display().to_string())));
    let mut hash = blake3::Hasher::new();
    hash.update_reader(File::open(file).map_err(cannot)?).map_err(cannot)?;
    let content = Content::from(hash.finalize());
    let digest = param_digest_of_file(content);
    let has =
        |value: &&StoredValue| value.record.content == Some(content) || value.record.files.contains(&content);
    let reads = |value: &&StoredValue| value.record.params.iter().any(|param| param.digest == digest);
    Ok((values.iter().find(has), values.iter().filter(reads).collect()))
}

/// The values of a store, by what their readers know them by.
struct Values<'v> {
    by_content: HashMap<(&'v str, Content), &'v StoredValue>,
    by_key: HashMap<crate::store::Key, &'v StoredValue>,
    /// The readers of a step's values.
    readers: HashMap<&'v str, Vec<(&'v RecordedSource, &'v StoredValue)>>,
}

impl<'v> Values<'v> {
    /// `values`: the newest first.
    fn of(values: &'v [StoredValue]) -> Self {
        let (mut by_content, mut by_key, mut readers) =
            (HashMap::new(), HashMap::new(), HashMap::<_, Vec<_>>::new());
        for value in values {
            let record = &value.record;
            by_key.entry(record.key).or_insert(value);
            if let Some(content) = record.content {
                by_content.entry((record.step.as_str(), content)).or_insert(value);
            }
            for source in record.inputs.iter().flat_map(|input| &input.steps) {
                readers.entry(source.step.as_str()).or_default().push((source, value));
            }
        }
        Values { by_content, by_key, readers }
    }

    fn sources(&self, value: &'v StoredValue) -> Vec<Related<'v>> {
        let sources = value.record.inputs.iter().flat_map(|input| &input.steps);
        let related = |source: &'v RecordedSource| {
            let by_content =
                source.content.and_then(|content| self.by_content.get(&(source.step.as_str(), content)));
            let found = by_content.or_else(|| self.by_key.get(&source.key?));
            found.map_or(Related::Gone(source), |value| Related::Stored(value))
        };
        sources.map(related).collect()
    }

    fn readers(&self, value: &'v StoredValue) -> Vec<Related<'v>> {
        let record = &value.record;
        let reads = |source: &RecordedSource| match source.content {
            Some(content) => record.content == Some(content),
            None => source.key == Some(record.key),
        };
        let readers = self.readers.get(record.step.as_str()).into_iter().flatten();
        readers.filter(|(source, _)| reads(source)).map(|(_, reader)| Related::Stored(reader)).collect()
    }

    /// Returns what is related to these values by any number of steps, each once, below the value that led to it.
    fn walk(
        &self,
        from: impl IntoIterator<Item = &'v StoredValue>,
        next: fn(&Self, &'v StoredValue) -> Vec<Related<'v>>,
    ) -> Vec<Line<'v>> {
        let mut lines = Vec::new();
        let mut seen = HashSet::new();
        let mut open: Vec<Line<'v>> = Vec::new();
        let add = |open: &mut Vec<Line<'v>>, depth: usize, value: &'v StoredValue| {
            open.extend(next(self, value).into_iter().rev().map(|related| (depth, related)));
        };
        from.into_iter().for_each(|value| add(&mut open, 1, value));
        while let Some((depth, related)) = open.pop() {
            let (step, known) = match &related {
                Related::Stored(value) => (&value.record.step, Some(value.record.key.to_string())),
                Related::Gone(source) => (&source.step, source.content.map(|content| content.to_string())),
            };
            if !seen.insert((step, known)) {
                continue;
            }
            if let Related::Stored(value) = &related {
                add(&mut open, depth + 1, value);
            }
            lines.push((depth, related));
        }
        lines
    }
}

const ALIGNED: [bool; 5] = [false, true, true, false, false];

fn section(text: &mut String, heading: &str, lines: &[Line<'_>], none: &str) {
    let _ = writeln!(text, "\n{heading}");
    if lines.is_empty() {
        let _ = writeln!(text, "  {none}");
    }
    text.push_str(&columns(&lines.iter().map(row).collect::<Vec<_>>(), ALIGNED));
}

fn row((depth, related): &Line<'_>) -> [String; 5] {
    let indent = "  ".repeat((*depth).min(MOST_INDENTS));
    match related {
        Related::Stored(StoredValue { record, .. }) => [
            format!("{indent}{}", one_line(&record.step)),
            age(record.made_unix_ms),
            bytes(record.bytes),
            short(record.key),
            record
                .placed
                .first()
                .map_or_else(String::new, |placed| one_line(&placed.path.display().to_string())),
        ],
        Related::Gone(source) => [
            format!("{indent}{}", one_line(&source.step)),
            "not stored".to_owned(),
            String::new(),
            String::new(),
            String::new(),
        ],
    }
}

fn as_data((depth, related): &Line<'_>) -> Value {
    let mut data = match related {
        Related::Stored(value) => described(value),
        Related::Gone(source) => json!({ "step": source.step, "content": source.content }),
    };
    data["distance"] = json!(depth);
    data
}
