//! `cache`: what the store has for later runs, and what a person does with it.

mod care;
mod export;
mod found;
mod ls;
mod show;
mod why;

use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, Subcommand};

use self::care::{GcArgs, RmArgs, VerifyArgs};
use self::export::ExportArgs;
pub(super) use self::found::{meant_by, newest_first, short};
use self::ls::LsArgs;
pub(super) use self::ls::{age, bytes, described};
use self::show::ShowArgs;
use self::why::WhyArgs;
use super::exit::{Refusal, to_stderr};
use super::pipelines::Chosen;
use super::settings::SettingsArgs;
use crate::pipeline::Pipeline;
use crate::store::{ValueStore, ValueStoreError};
use crate::text::clean;

/// What to do with the store.
#[derive(Debug, ClapArgs)]
pub(super) struct CacheArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one value of it")]
enum Verb {
    /// List the stored values: step, age, size, when a run last used them.
    Ls(LsArgs),
    /// Show what made a stored value: code, inputs, run parameters.
    Show(ShowArgs),
    /// Say whether a run would find a step, and what differs from its newest stored value.
    Why(WhyArgs),
    /// Read every stored value, and move damaged files away.
    Verify(VerifyArgs),
    /// Remove stored values.
    Rm(RmArgs),
    /// Remove old values, and bytes that no value needs.
    Gc(GcArgs),
    /// Write a stored value to a file: bytes, text and files as they are, others as JSON.
    Export(ExportArgs),
}

pub(super) fn execute(args: &CacheArgs, chosen: Chosen) -> Result<u8, Refusal> {
    match &args.verb {
        Verb::Ls(args) => ls::execute(args, &chosen.unprepared()),
        Verb::Show(args) => show::execute(args, &chosen.unprepared()),
        Verb::Why(args) => why::execute(args, chosen.prepared()?),
        Verb::Verify(args) => care::verify(args, &chosen.unprepared()),
        Verb::Rm(args) => care::rm(args, &chosen.unprepared()),
        Verb::Gc(args) => care::gc(args, &chosen.unprepared()),
        Verb::Export(args) => export::execute(args, &chosen.unprepared()),
    }
}

/// The store, for verbs that run nothing.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(super) struct PlaceArgs {
    /// Store of the values: a folder, or `s3://BUCKET/PREFIX` [default: .pipeline/store, or `PIPELINE_STORE`].
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
}

impl PlaceArgs {
    /// Opens the store in force.
    pub(super) fn opened(&self, pipeline: &Pipeline) -> Result<ValueStore, Refusal> {
        let settings = SettingsArgs::of_store(self.store.as_deref()).resolve(pipeline)?;
        opened(settings.settings().store.as_deref())
    }
}

/// Opens a store that exists.
fn opened(place: Option<&Path>) -> Result<ValueStore, Refusal> {
    let Some(place) = place else {
        let message = "no store is in use: the setting `store` is `none`";
        return Err(Refusal::Usage(format!("{message}\nhint: name one, as in `--store .pipeline/store`")));
    };
    let is_remote = place.to_str().is_some_and(|place| place.contains("://"));
    if !is_remote && !place.exists() {
        return Err(Refusal::Usage(format!(
            "nothing is stored: there is no folder {}\nhint: a run makes it that has cached steps (`#[step(cache)]`, `run \
             --cache`); `--store DIR` names another",
            place.display()
        )));
    }
    Ok(ValueStore::open(place)?)
}

/// Prints what was found wrong in the store: it may be why something is not found.
fn warn(store: &ValueStore) {
    for warning in store.take_warnings() {
        to_stderr(&clean(&format!("warning: {warning}")));
    }
}

impl From<ValueStoreError> for Refusal {
    fn from(error: ValueStoreError) -> Self {
        Refusal::Environment(error.to_string())
    }
}
