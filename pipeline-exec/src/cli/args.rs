//! The options that several verbs have.

use std::path::PathBuf;

use clap::{ArgAction, Args as ClapArgs};
use pipeline_core::{Problems, Selection};

use super::exit::{Refusal, to_stderr};
use super::output::{Output, OutputOptions};
use super::params::ParamArgs;
use super::repeat::{self, Original};
use super::settings::SettingsArgs;
use crate::pipeline::Pipeline;

/// What to run, with which parameters and settings. The heading of flattened options would also apply to the options
/// after them, so these set it to `None`.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug, Default, ClapArgs)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) selection: SelectionArgs,
    #[command(flatten)]
    pub(super) params: ParamArgs,
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
    /// Repeat a recorded run: `latest`, `-2`, or the start or end of its id.
    ///
    /// Its steps, run parameters (without secrets), settings and seed are used, unless options set others.
    #[arg(long, hide_short_help = true, help_heading = None::<&str>, value_name = "RUN", allow_negative_numbers = true)]
    pub(super) again: Option<String>,
    /// Go on where a run ended that did not succeed [default RUN: the latest such].
    ///
    /// What it has stored is not run again. Its steps, run parameters (without secrets), settings and seed are used, unless options set others. A step that changed
    /// since then runs again.
    #[arg(long, help_heading = None::<&str>, value_name = "RUN", num_args = 0..=1, default_missing_value = repeat::UNSUCCESSFUL, conflicts_with = "again", allow_negative_numbers = true)]
    pub(super) resume: Option<String>,
    /// As --resume, for those steps only that failed in that run, or were skipped because of one that failed.
    #[arg(long, hide_short_help = true, help_heading = None::<&str>, value_name = "RUN", num_args = 0..=1, default_missing_value = repeat::UNSUCCESSFUL, conflicts_with_all = ["again", "resume"], allow_negative_numbers = true)]
    pub(super) failed: Option<String>,
    /// The run that one of these three names.
    #[arg(skip)]
    pub(super) original: Option<Original>,
    /// The id of the run to go on with.
    #[arg(skip)]
    pub(super) resumed: Option<String>,
    /// Run this step even if its output is stored, and store the new one.
    #[arg(long, hide_short_help = true, help_heading = None::<&str>, value_name = "STEP")]
    pub(super) fresh: Vec<String>,
    /// Do not record the run.
    #[arg(long, hide_short_help = true, help_heading = None::<&str>)]
    pub(super) no_report: bool,
    /// Save the output of each step as JSON in the folder of the run, for `step NAME --inputs-from`.
    #[arg(long, hide_short_help = true, help_heading = None::<&str>, conflicts_with = "no_report")]
    pub(super) save_outputs: bool,
    /// Write the report to a file, as JSON.
    #[arg(long, hide_short_help = true, help_heading = None::<&str>, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// Print the report to standard output, as JSON.
    #[arg(long, hide_short_help = true, help_heading = None::<&str>)]
    pub(super) json: bool,
    /// Form of the output: text (live on a terminal, lines elsewhere), plain (lines everywhere) or json (each event as a
    /// line of JSON on standard output, the report as the last) [default: text].
    #[arg(long, hide_short_help = true, help_heading = None::<&str>, value_name = "FORM", conflicts_with = "json", hide_possible_values = true)]
    pub(super) output: Option<Output>,
    /// Print failures only.
    #[arg(long, help_heading = None::<&str>, short, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Print more; -vv prints all.
    ///
    /// -v prints changed settings and the plan, a line for each step that starts or ends, and every figure. -vv adds all
    /// settings and the counters of steps.
    #[arg(long, help_heading = None::<&str>, short, action = ArgAction::Count)]
    pub(super) verbose: u8,
}

impl RunArgs {
    /// Returns the pipeline with this selection, these settings and these run parameters. Prints warnings.
    pub(super) fn configure(&self, pipeline: Pipeline) -> Result<Pipeline, Refusal> {
        let (args, pipeline) = repeat::filled(self, pipeline)?;
        let resolved = args.settings.resolve(&pipeline)?;
        let mut warnings = resolved.warnings().to_vec();
        let mut pipeline = args.selection.apply(pipeline.unread().settings(resolved.settings().clone()));
        if args.no_report {
            pipeline = pipeline.unrecorded();
        }
        pipeline = args.fresh.iter().fold(pipeline, Pipeline::fresh);
        pipeline = args.resumed.iter().fold(pipeline, Pipeline::resume_from);
        let (pipeline, of_params) = args.params.apply(&args.settings.params(), &resolved, pipeline)?;
        warnings.extend(of_params);
        if let Some(absent) = resolved.absent_file().filter(|_| self.verbose > 0) {
            to_stderr(absent);
        }
        // Problems of the graph are reported with all others.
        if let Ok(plan) = pipeline.plan() {
            warnings.extend(pipeline.current_settings().retries_without_effect(&plan));
        }
        if !self.quiet {
            warnings.iter().for_each(|warning| to_stderr(&format!("warning: {warning}")));
        }
        Ok(pipeline)
    }

    /// Returns how the run is shown.
    pub(super) fn output(&self) -> Result<OutputOptions, Refusal> {
        OutputOptions::new(self.output, self.quiet, self.verbose)
    }
}

/// Help of the terms for verbs that run nothing.
pub(super) const STEPS_TO_SHOW: &str =
    "Steps to show: names, globs, tag:x, group:x, +x, x+, a,b (see `help`) [default: all steps]";

/// Which steps.
#[derive(Clone, Debug, Default, ClapArgs)]
#[command(next_help_heading = "Selection")]
pub(super) struct SelectionArgs {
    /// Steps to run: names, globs, tag:x, group:x, +x, x+, a,b (see `help`) [default: all steps].
    #[arg(value_name = "TERM", help_heading = None::<&str>)]
    pub(super) terms: Vec<String>,
    /// Steps to leave out, as terms.
    #[arg(long, value_name = "TERM")]
    pub(super) exclude: Vec<String>,
    /// Only these steps, the steps that need them, and what those need.
    #[arg(long, hide_short_help = true, value_name = "TERM")]
    pub(super) from: Vec<String>,
    /// Only these steps and what they need.
    #[arg(long, hide_short_help = true, value_name = "TERM")]
    pub(super) until: Vec<String>,
}

impl SelectionArgs {
    pub(super) fn is_empty(&self) -> bool {
        [&self.terms, &self.exclude, &self.from, &self.until].iter().all(|terms| terms.is_empty())
    }

    /// Parses the terms.
    pub(super) fn parsed(&self) -> Result<Selection, Problems> {
        let selection = Selection::parse(&self.terms)?.exclude(&self.exclude)?;
        selection.from_steps(&self.from)?.until(&self.until)
    }

    /// Returns the pipeline with this selection. Terms replace the targets that code has set.
    pub(super) fn apply(&self, pipeline: Pipeline) -> Pipeline {
        pipeline.reselect(&self.terms).exclude(&self.exclude).from_steps(&self.from).until(&self.until)
    }
}
