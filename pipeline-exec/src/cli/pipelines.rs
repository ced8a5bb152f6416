//! The pipelines of a program: which one a command line means, and how it gets what it needs to run.
//!
//! A program has one pipeline without a name ([`main`](super::main())), or several with names ([`Program`]). Each is a
//! [`Pipeline`], that is, a graph with its targets, run parameters and settings: all verbs look at it as it is. What
//! takes time, or can fail, such as a connection that becomes a resource, is in a function that prepares the pipeline.
//! It is called only by the verbs that need what it returns.
//!
//! | | the pipeline as it is | prepared |
//! |---|---|---|
//! | `run`, `step`, `plan`, `info` | | yes |
//! | `list`, `graph`, `runs`, `report`, `diff`, `completions`, `explain` | yes | |
//!
//! `--pipeline NAME` selects one; the first is the default. `--again RUN` selects the pipeline of that run. In a file of settings, `[pipelines.NAME]` has settings and
//! run parameters of one, which win over those of the whole file. The report has the name.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::future::Future;
use std::io::{self, Write};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use clap::builder::PossibleValuesParser;
use clap::{Arg, FromArgMatches};
use pipeline_core::{Problem, ProblemCode, Problems};

use super::command::{self, Args};
use super::exit::{INVALID, Refusal, of_verb, written};
use super::repeat::{self, Original};
use super::wording::{listed, one_line};
use super::{command_line, misplaced, paint};
use crate::pipeline::Pipeline;
use crate::runs::RunEntry;
use crate::runtime;
use crate::settings::Named;
use crate::text::clean;

/// The name of the option that selects a pipeline.
const OPTION: &str = "pipeline";

/// Why a pipeline could not be prepared.
type Cause = Box<dyn Error + Send + Sync>;
type Preparing = Pin<Box<dyn Future<Output = Result<Pipeline, Cause>>>>;
type Prepare = Box<dyn FnOnce(Pipeline) -> Preparing + Send>;

/// A program of several pipelines, each with a name: the `main` of a binary that does several jobs, or whose graph a
/// builder makes.
///
/// `--pipeline NAME` selects a pipeline in every verb of the command line; without it, the first is used, and the
/// recorded one with `--again`. `latest` and `-2` mean runs of any pipeline, or of the one of this option. Each has its
/// own targets, run parameters, resources and settings, and in a file of settings its own section `[pipelines.NAME]`.
/// Steps that a command line names replace the targets of the pipeline.
///
/// ```no_run
/// # use std::process::ExitCode;
/// # use pipeline_exec::{Pipeline, Program, Settings};
/// # struct Database;
/// # impl Database { async fn connect() -> std::io::Result<Self> { Ok(Database) } }
/// fn main() -> ExitCode {
///     Program::new()
///         .pipeline("hourly", Pipeline::all().select(["tag:hourly"]))
///         .pipeline_with("nightly", Pipeline::all().param("days", 30), async |pipeline| {
///             Ok(pipeline.resource(Database::connect().await?))
///         })
///         .main()
/// }
/// ```
#[derive(Default)]
#[must_use = "a program does nothing until its `main` is called"]
pub struct Program {
    pipelines: Vec<Member>,
}

/// A pipeline of a program.
struct Member {
    /// `None` for the only pipeline of a program without names.
    name: Option<String>,
    pipeline: Pipeline,
    prepare: Option<Prepare>,
}

/// The pipeline that a command line means, not prepared.
pub(super) struct Chosen {
    pipeline: Pipeline,
    prepare: Option<Prepare>,
    /// The names of all pipelines of the program, the default first; empty without names.
    names: Arc<[String]>,
}

impl Program {
    /// Returns a program without pipelines.
    pub fn new() -> Self {
        Program::default()
    }

    /// Adds a pipeline. The first one is the default.
    pub fn pipeline(self, name: impl Into<String>, pipeline: Pipeline) -> Self {
        self.with(Member { name: Some(name.into()), pipeline, prepare: None })
    }

    /// Adds a pipeline that `prepare` completes before it is planned or run: with resources, for example. Verbs that only
    /// look at the graph or at earlier runs (`list`, `graph`, `runs`, `report`, `diff`, `completions`) do not call it.
    ///
    /// If it fails, `run`, `step` and `info` print the error and end with exit code 3, or 2 if the error is
    /// [`Problems`](pipeline_core::Problems); `plan` prints a warning and shows the pipeline as it is.
    pub fn pipeline_with(
        self,
        name: impl Into<String>,
        pipeline: Pipeline,
        prepare: impl AsyncFnOnce(Pipeline) -> Result<Pipeline, Cause> + Send + 'static,
    ) -> Self {
        self.with(Member { name: Some(name.into()), pipeline, prepare: Some(boxed(prepare)) })
    }

    /// Runs the command line. Returns the exit code for `main` to return.
    pub fn main(self) -> ExitCode {
        paint::no_colours_on_a_dumb_terminal();
        let code = self.checked().and_then(Program::execute).map(of_verb);
        ExitCode::from(code.unwrap_or_else(|refusal| refusal.print()))
    }

    /// Returns the program of one pipeline without a name.
    pub(super) fn of_one(
        prepare: impl AsyncFnOnce(Pipeline) -> Result<Pipeline, Cause> + Send + 'static,
    ) -> Self {
        let member = Member { name: None, pipeline: Pipeline::all(), prepare: Some(boxed(prepare)) };
        Program { pipelines: vec![member] }
    }

    fn with(mut self, member: Member) -> Self {
        self.pipelines.push(member);
        self
    }

    /// Refuses a program whose pipelines have no names, or the same one.
    fn checked(self) -> Result<Self, Refusal> {
        let problem = |message: String, hint: &str| {
            Err(Refusal::Problems(Problem::new(ProblemCode::InvalidSelection, message).hint(hint).into()))
        };
        if self.pipelines.is_empty() {
            return problem("this program has no pipeline".to_owned(), "add one with `.pipeline(name, …)`");
        }
        for (index, Member { name, .. }) in self.pipelines.iter().enumerate() {
            if name.as_ref().is_some_and(String::is_empty) {
                return problem("a pipeline of this program has an empty name".to_owned(), "name it");
            }
            if self.pipelines[..index].iter().any(|earlier| earlier.name == *name) {
                let message = format!(
                    "two pipelines of this program are named `{}`",
                    one_line(name.as_deref().unwrap_or_default())
                );
                return problem(message, "give each its own name");
            }
        }
        Ok(self)
    }

    fn names(&self) -> Arc<[String]> {
        self.pipelines.iter().filter_map(|member| member.name.clone()).collect()
    }

    /// Parses the command line and executes its verb.
    fn execute(self) -> Result<u8, Refusal> {
        let names = self.names();
        let command = with_names(command::command(), &names);
        let read = command
            .clone()
            .try_get_matches()
            .and_then(|matches| Ok((Args::from_arg_matches(&matches)?, matches)));
        let (mut args, matches) = match read {
            Ok(read) => read,
            Err(error) => {
                // Help and version are errors of clap, too: they go to standard output, with code 0.
                if let Some(refusal) = self
                    .pipelines
                    .first()
                    .and_then(|member| misplaced::option(&error, &command, &member.pipeline))
                {
                    return Err(refusal);
                }
                if error.use_stderr() {
                    let _ = error.print();
                    return Ok(INVALID);
                }
                return written(error.print().and_then(|()| io::stdout().flush()));
            }
        };
        let asked = if names.is_empty() { None } else { matches.get_one::<String>(OPTION) };
        let mut members = self.pipelines;
        for Member { name, pipeline, .. } in &mut members {
            if let Some(name) = name.clone() {
                let is_asked_for = asked == Some(&name);
                *pipeline = pipeline.clone().named(Named { name, all: Arc::clone(&names), is_asked_for });
            }
        }
        let position = |name: &String| members.iter().position(|member| member.name.as_ref() == Some(name));
        let mut chosen =
            asked.map_or(0, |name| position(name).expect("invariant: clap has compared the name"));
        if let Some(args) = args.of_run() {
            repeat::find(args, &members[chosen].pipeline)?;
            if let Some(Original { run, .. }) = &args.original {
                let of_run = run.pipeline.as_ref();
                check_repeated(run, asked, &names)?;
                chosen = of_run.and_then(position).unwrap_or(chosen);
            }
        }
        let Member { mut pipeline, prepare, .. } = members.swap_remove(chosen);
        if let Some(mut line) = command_line::of(&command, &matches) {
            let asked = asked.map(|name| (format!("--{OPTION}"), vec![name.clone()]));
            line.options.extend(asked);
            pipeline = pipeline.started_by(line);
        }
        command::execute(args, Chosen { pipeline, prepare, names }, &command)
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pipelines = self.pipelines.iter().map(|member| (&member.name, &member.pipeline));
        f.debug_map().entries(pipelines).finish()
    }
}

impl Chosen {
    /// Returns the pipeline as it is, for verbs that run nothing.
    pub(super) fn unprepared(self) -> Pipeline {
        self.pipeline
    }

    /// Returns the names of all pipelines of the program, the default first; empty without names.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the pipeline with what it needs to run.
    pub(super) fn prepared(self) -> Result<Pipeline, Refusal> {
        let Some(prepare) = self.prepare else { return Ok(self.pipeline) };
        let name = self.pipeline.name().map(|named| named.name.clone());
        // On the runtime on which the steps will run: a client may belong to the runtime that made it.
        runtime::block_on_own(|| prepare(self.pipeline)).map_err(|cause| refusal(name.as_deref(), cause))
    }

    /// Returns the pipeline with what it needs to run, or, if it could not be prepared, as it is and the reason.
    pub(super) fn prepared_if_possible(self) -> (Pipeline, Option<String>) {
        let as_it_is = self.pipeline.clone();
        match self.prepared() {
            Ok(pipeline) => (pipeline, None),
            Err(Refusal::Problems(problems)) => (as_it_is, Some(problems.to_string())),
            Err(Refusal::Usage(why) | Refusal::Environment(why)) => (as_it_is, Some(why)),
        }
    }
}

/// Checks that the pipeline of a run that is repeated is one of this program, and the one of `--pipeline`. A run of a
/// pipeline without a name is repeated by the one of `--pipeline`.
fn check_repeated(run: &RunEntry, asked: Option<&String>, names: &[String]) -> Result<(), Refusal> {
    let known = || if names.is_empty() { "one without a name".to_owned() } else { listed(names, 12) };
    let (why, hint) = match (run.pipeline.as_ref(), asked) {
        (None, None) if !names.is_empty() => {
            let why = "was of a pipeline without a name".to_owned();
            (why, format!("`--pipeline NAME` says which pipeline repeats it: {}", known()))
        }
        (Some(of_run), Some(asked)) if of_run != asked => (
            format!(
                "was of pipeline `{}`, and `--{OPTION} {}` asks for another",
                one_line(of_run),
                one_line(asked)
            ),
            format!("leave `--{OPTION}` out to repeat the run"),
        ),
        (Some(of_run), _) if !names.contains(of_run) => (
            format!("was of pipeline `{}`, which this program does not have", one_line(of_run)),
            format!("start a new run with one that it has: {}", known()),
        ),
        _ => return Ok(()),
    };
    Err(Refusal::Usage(format!("run {} {why}\nhint: {hint}", clean(run.short_id()))))
}

fn boxed(prepare: impl AsyncFnOnce(Pipeline) -> Result<Pipeline, Cause> + Send + 'static) -> Prepare {
    Box::new(move |pipeline| Box::pin(async move { prepare(pipeline).await }))
}

/// Adds the option that selects a pipeline, if they have names.
fn with_names(command: clap::Command, names: &[String]) -> clap::Command {
    let Some(default) = names.first() else { return command };
    let others = names[1..].join(", ");
    let help = match others.as_str() {
        "" => format!("Pipeline to use: {default}"),
        others => format!("Pipeline to use: {default} (the default), {others}"),
    };
    let arg = Arg::new(OPTION).long(OPTION).value_name("NAME").global(true).help(help);
    // clap requires static texts; the command line is made once.
    let names = names.iter().map(|name| &*name.clone().leak());
    command.arg(arg.value_parser(PossibleValuesParser::new(names)).hide_possible_values(true))
}

/// Says why a pipeline could not be prepared, with all causes.
fn refusal(name: Option<&str>, cause: Cause) -> Refusal {
    let cause = match cause.downcast::<Problems>() {
        Ok(problems) => return Refusal::Problems(*problems),
        Err(cause) => cause,
    };
    let which = name.map_or("the pipeline".to_owned(), |name| format!("pipeline `{}`", one_line(name)));
    let mut message = format!("{which} could not be prepared: {cause}");
    let mut source = cause.source();
    // An error may name itself as its cause.
    for _ in 0..MOST_CAUSES {
        let Some(error) = source else { break };
        let _ = write!(message, "\n  because: {error}");
        source = error.source();
    }
    Refusal::Environment(message)
}

/// Maximum number of causes of an error that are printed.
const MOST_CAUSES: usize = 16;
