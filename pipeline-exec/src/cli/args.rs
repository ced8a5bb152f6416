//! The options that several verbs have.

use std::path::PathBuf;

use clap::{ArgAction, Args as ClapArgs};
use pipeline_core::{Problems, Selection};

use super::exit::{Refusal, tell};
use super::output::{Output, OutputOptions};
use super::params::ParamArgs;
use super::settings::SettingsArgs;
use crate::pipeline::Pipeline;

/// What to run, with what, and how. A heading of what is flattened would go on behind it, hence `None`.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug, Default, ClapArgs)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) selection: SelectionArgs,
    #[command(flatten)]
    pub(super) params: ParamArgs,
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
    /// Records nothing of the run in the runs directory.
    #[arg(long, help_heading = None::<&str>)]
    pub(super) no_report: bool,
    /// Saves what each step returns, as JSON, in the folder of the run: for `step NAME --inputs-from`.
    #[arg(long, help_heading = None::<&str>, conflicts_with = "no_report")]
    pub(super) save_outputs: bool,
    /// Writes the report to a file, as JSON.
    #[arg(long, help_heading = None::<&str>, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// Prints the report to standard output, as JSON.
    #[arg(long, help_heading = None::<&str>)]
    pub(super) json: bool,
    /// Shows the run as text (live on a terminal, lines elsewhere), as plain lines everywhere, or as events in JSON
    /// lines on standard output, the report as the last [default: text].
    #[arg(long, help_heading = None::<&str>, value_name = "FORM", conflicts_with = "json", hide_possible_values = true)]
    pub(super) output: Option<Output>,
    /// Prints nothing but failures, and nothing at all where every step succeeds.
    #[arg(long, help_heading = None::<&str>, short, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Prints the settings that differ from the defaults and the plan first, then a line for each step that starts or ends,
    /// on a terminal too, and every figure at the end; -vv adds the other settings, and what steps have counted.
    #[arg(long, help_heading = None::<&str>, short, action = ArgAction::Count)]
    pub(super) verbose: u8,
}

impl RunArgs {
    /// The pipeline with this selection, these settings and these run parameters. Prints warnings.
    pub(super) fn configure(&self, pipeline: Pipeline) -> Result<Pipeline, Refusal> {
        let resolved = self.settings.resolve(&pipeline)?;
        let mut warnings = resolved.warnings().to_vec();
        let mut pipeline = self.selection.apply(pipeline.settings(resolved.settings().clone()));
        if self.no_report {
            pipeline = pipeline.unrecorded();
        }
        let (pipeline, of_params) = self.params.apply(&self.settings.params(), &resolved, pipeline)?;
        warnings.extend(of_params);
        if !self.quiet {
            warnings.iter().for_each(|warning| tell(&format!("warning: {warning}")));
        }
        Ok(pipeline)
    }

    /// How the run is shown.
    pub(super) fn output(&self) -> Result<OutputOptions, Refusal> {
        OutputOptions::new(self.output, self.quiet, self.verbose)
    }
}

/// Which steps.
#[derive(Clone, Debug, Default, ClapArgs)]
#[command(next_help_heading = "Selection")]
pub(super) struct SelectionArgs {
    /// Steps to run: names, globs, tag:x, group:x, +x, x+, a,b (see `help`); all where nothing is said.
    #[arg(value_name = "TERM", help_heading = None::<&str>)]
    pub(super) terms: Vec<String>,
    /// Steps to leave out, in the same terms.
    #[arg(long, value_name = "TERM")]
    pub(super) exclude: Vec<String>,
    /// Only these steps, what needs them, and what that needs.
    #[arg(long, value_name = "TERM")]
    pub(super) from: Vec<String>,
    /// Only these steps and what they need: the run ends with them.
    #[arg(long, value_name = "TERM")]
    pub(super) until: Vec<String>,
}

impl SelectionArgs {
    pub(super) fn is_empty(&self) -> bool {
        [&self.terms, &self.exclude, &self.from, &self.until].iter().all(|terms| terms.is_empty())
    }

    /// The selection that the terms are.
    pub(super) fn parsed(&self) -> Result<Selection, Problems> {
        let selection = Selection::parse(&self.terms)?.exclude(&self.exclude)?;
        selection.from_steps(&self.from)?.until(&self.until)
    }

    /// The pipeline with this selection.
    pub(super) fn apply(&self, pipeline: Pipeline) -> Pipeline {
        pipeline.select(&self.terms).exclude(&self.exclude).from_steps(&self.from).until(&self.until)
    }
}
