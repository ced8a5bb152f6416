//! Every form of a parameter, and its definition.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pipeline::__private::{InputDef, InputKind, Lane, Mode, Source};
use pipeline::Step;
use pipeline::prelude::*;

struct Split {
    good: Vec<u32>,
    names: (String, PathBuf),
}

#[step]
fn numbers() -> Vec<u32> {
    vec![1, 2]
}

#[step]
fn text() -> Result<String, std::io::Error> {
    Ok("text".to_owned())
}

#[step]
fn place() -> PathBuf {
    PathBuf::from("/")
}

#[step]
fn split() -> Split {
    Split { good: vec![], names: Default::default() }
}

#[step]
fn borrowed(numbers: &[u32], text: &str, place: &Path, #[from(numbers)] all: &Vec<u32>) -> usize {
    numbers.len() + text.len() + place.as_os_str().len() + all.len()
}

#[step]
fn taken(mut numbers: Vec<u32>, _text: String) -> Vec<u32> {
    numbers.sort_unstable();
    numbers
}

#[step]
fn outcomes(numbers: Option<&[u32]>, text: Result<&str, &StepError>) -> bool {
    numbers.is_some() && text.is_ok()
}

#[step]
fn fields(
    #[from(split.good)] good: &[u32],
    #[from(split.names.0)] name: Option<&str>,
    #[from(split.names.1)] path: Result<&Path, &StepError>,
) -> bool {
    good.is_empty() && name.is_none() && path.is_err()
}

#[step]
fn fan_in(
    #[from(numbers, taken)] a: Vec<&[u32]>,
    #[from(numbers, taken)] b: Vec<Option<&Vec<u32>>>,
    #[from(numbers)] c: Vec<Result<&[u32], &StepError>>,
    #[from(numbers, taken)] d: BTreeMap<&str, &[u32]>,
    #[from("shard_*")] e: BTreeMap<&str, Option<&u32>>,
    #[from(tag = "source")] f: BTreeMap<&str, Result<&u32, &StepError>>,
) -> usize {
    a.len() + b.len() + c.len() + d.len() + e.len() + f.len()
}

/// Adds up.
///
///     indented
#[step(cost = 7, tags("daily", billing), group = "silver", name = "sum", after(text, self::taken))]
async fn everything(
    #[from("numbers")] named: &[u32],
    #[input] open: &str,
    #[input] many: Vec<&str>,
    #[param] count: u32,
    #[param(name = "dir", default = "out")] path: &Path,
    #[param(default)] list: Vec<String>,
    #[param(default = 3)] width: u64,
    #[param] limit: Option<u32>,
    #[resource] pool: &String,
    #[resource("replica")] replica: &String,
    #[context] cx: &StepContext,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let _ = (named, open, many, count, path, list, width, limit, pool, replica, cx);
    Ok(())
}

#[step(blocking)]
fn unit() {}

type Read<T> = Result<T, std::io::Error>;

#[step(fallible)]
fn alias() -> Read<u32> {
    Ok(1)
}

#[step(infallible)]
fn kept() -> Result<u32, String> {
    Ok(1)
}

#[step]
fn readers(alias: &u32, #[from(kept)] kept: &Result<u32, String>, unit: &()) -> u32 {
    let () = unit;
    *alias + kept.clone().unwrap_or(0)
}

fn modes<S: Step>() -> Vec<Mode> {
    let mode = |input: &InputDef| match input.kind {
        InputKind::Upstream { mode, .. } => Some(mode),
        _ => None,
    };
    S::def().inputs.iter().filter_map(mode).collect()
}

fn main() {
    assert_eq!(borrowed(&[1], "a", Path::new("/"), &vec![2]), 4, "stays a plain function");
    assert_eq!(modes::<borrowed>(), [Mode::Borrow; 4]);
    assert_eq!(modes::<taken>(), [Mode::Take; 2]);
    assert_eq!(modes::<outcomes>(), [Mode::Option, Mode::Result]);
    assert_eq!(modes::<fields>(), [Mode::Borrow, Mode::Option, Mode::Result]);
    assert_eq!(modes::<fan_in>()[..3], [Mode::Borrow, Mode::Option, Mode::Result]);
    assert_eq!(taken::def().inputs[1].name, "text", "an underscore is not part of the name");

    let def = everything::def();
    assert_eq!(def.id(), concat!(module_path!(), "::sum"));
    assert_eq!(def.doc, "Adds up.\n\n    indented");
    assert_eq!((def.lane, def.cost), (Lane::Io, 7));
    assert_eq!((&def.tags[..], def.group.as_deref()), (&["daily", "billing"][..], Some("silver")));
    assert_eq!(def.after.len(), 2);
    assert!(std::ptr::eq((def.after[1])(), taken::def()));
    assert!(def.is_template() && !borrowed::def().is_template());
    assert_eq!(def.location.file, file!());
    assert_eq!((def.location.line, def.location.column), (76, 10));
    assert_eq!((def.inputs[1].location.line, def.inputs[1].location.column), (78, 14));
    assert_eq!(def.package.name, env!("CARGO_PKG_NAME"));

    let source = |index: usize| match &def.inputs[index].kind {
        InputKind::Upstream { source, .. } => source,
        other => panic!("{other:?}"),
    };
    assert!(matches!(source(0), Source::Name(name) if name == "numbers"));
    assert!(matches!(source(1), Source::Unbound));
    assert!(matches!(source(2), Source::UnboundMany));
    let param = |index: usize| match &def.inputs[index].kind {
        InputKind::Param(param) => param,
        other => panic!("{other:?}"),
    };
    assert_eq!((&*param(3).name, param(3).has_default), ("count", false));
    assert_eq!((&*param(4).name, param(4).has_default), ("dir", true));
    let default = (param(4).default.unwrap())();
    assert_eq!(default.downcast_ref::<PathBuf>().unwrap(), Path::new("out"));
    assert!(param(5).has_default && param(6).has_default && param(7).has_default);
    assert!(matches!(&def.inputs[8].kind, InputKind::Resource { name: None, .. }));
    assert!(matches!(&def.inputs[9].kind, InputKind::Resource { name: Some(name), .. } if name == "replica"));
    assert!(matches!(&def.inputs[10].kind, InputKind::Context));

    assert_eq!(unit::def().lane, Lane::Blocking);
    assert_eq!(borrowed::def().lane, Lane::Cpu);
    assert_eq!(kept::def().output.name(), std::any::type_name::<Result<u32, String>>());
}
