//! `step NAME`: runs one step and what it needs, with full detail, to debug it.
//!
//! Its upstream steps run first, unless their outputs are given as files (`inputs.rs`). No input or output is printed.

use std::fmt::Write as _;
use std::io::Write as _;
use std::num::NonZero;
use std::time::Duration;

use clap::Args as ClapArgs;
use pipeline_core::{Plan, Problem, ProblemCode};

use super::args::RunArgs;
use super::exit::{OK, Refusal, print, unwritable};
use super::inputs::{Given, InputArgs};
use super::wording::{counted, listed, one_line, retried, wrapped};
use super::{live, runs_dir};
use crate::pipeline::Pipeline;
use crate::report::{CommandLine, ErrorReport, RunReport, StepReport};
use crate::runs::{check_writable, write_whole};
use crate::text::{short_id, show};

/// Width of the headings.
const HEADING: usize = 12;

/// Which step, how often, and with which inputs.
#[derive(Debug, ClapArgs)]
#[command(mut_arg("terms", |arg| arg.hide(true)), mut_arg("again", |arg| arg.hide(true)), mut_arg("resume", |arg| arg.hide(true)), mut_arg("failed", |arg| arg.hide(true)))]
pub(super) struct StepArgs {
    /// Name of the step to run.
    name: String,
    /// Run it this many times, with what it needs, and compare the times.
    #[arg(long, value_name = "N", default_value = "1")]
    repeat: NonZero<u32>,
    #[command(flatten)]
    inputs: InputArgs,
    #[command(flatten)]
    run: RunArgs,
}

pub(super) fn execute(args: &StepArgs, pipeline: Pipeline) -> Result<u8, Refusal> {
    let mut run = args.run.clone();
    if let Some(other) = run.selection.terms.first() {
        let message = format!("`step` runs one step; `{}` is a second one", one_line(other));
        let problem = Problem::new(ProblemCode::InvalidSelection, message);
        return Err(Refusal::Problems(problem.hint("`run` takes several").into()));
    }
    if run.again.is_some() || run.resume.is_some() || run.failed.is_some() {
        let message = "`--again`, `--resume` and `--failed` are about a `run`";
        return Err(Refusal::Usage(format!(
            "{message}\nhint: give `step` the parameters of that run, with `-p`"
        )));
    }
    run.selection.terms.push(args.name.clone());
    let runs = args.inputs.runs(&run.settings, &pipeline)?;
    let pipeline = run.configure(pipeline)?.stop_on_signals();
    let options = run.output()?;
    if let Some(path) = &run.report {
        check_writable(path).map_err(unwritable("the report", path))?;
    }
    let is_for_programs = run.json || options.json;
    let plan = pipeline.plan()?;
    let in_dag = plan.dag().find(&args.name).map_err(|problem| Refusal::Problems(problem.into()))?;
    let position = |plan: &Plan| {
        plan.position(in_dag).expect("invariant: what was selected by name is part of the plan")
    };
    let (pipeline, given) = args.inputs.give(runs, pipeline, &plan, position(&plan))?;
    let pipeline = started_with(pipeline, &given);
    let plan = pipeline.check()?;
    let step = position(&plan);
    if !run.quiet && !is_for_programs {
        print(&before(&plan, step, &given))?;
    }
    let (pipeline, usual) = runs_dir::recorded(pipeline, run.save_outputs, run.quiet)?;
    let (mut code, mut times) = (OK, Vec::new());
    for number in 1..=args.repeat.get() {
        let (watched, watching) =
            live::watch(pipeline.clone(), options, usual.clone().into_iter().collect())?;
        let finished = watched.run_blocking()?;
        let report = finished.report();
        watching.end(|| report)?;
        let outcome = &report.steps[step];
        code = code.max(finished.exit_number());
        if let Some(path) = &run.report {
            // The report of the last run remains.
            let written = write_whole(path, |out| out.write_all(report.to_json().as_bytes()));
            written.map_err(unwritable("the report", path))?;
        }
        times.extend(outcome.duration.filter(|_| outcome.status.has_output()));
        if run.json {
            print(&report.to_json())?;
        } else if !is_for_programs && (!run.quiet || finished.exit_number() != OK) {
            print(&after(report, outcome, (number, args.repeat.get())))?;
            let saved = finished.recorded().and_then(|folder| runs_dir::saved_outputs(folder.ok()?));
            if let Some(saved) = saved {
                print(&line("outputs", &one_line(&runs_dir::from_here(&saved).display().to_string())))?;
            }
        }
        if finished.stopped_by().is_some() {
            break;
        }
    }
    if args.repeat.get() > 1 && !run.quiet && !is_for_programs {
        print(&summary(&mut times, args.repeat.get()))?;
    }
    Ok(code)
}

/// Records the id of the run whose outputs are given: a name such as `latest` means another run later.
fn started_with(pipeline: Pipeline, given: &Given) -> Pipeline {
    let (Some(line), Some(run_id)) = (pipeline.command_line(), given.run_id()) else { return pipeline };
    let mut line = CommandLine::clone(line);
    line.options.insert("--inputs-from".to_owned(), vec![run_id.to_owned()]);
    pipeline.started_by(line)
}

fn line(heading: &str, text: &str) -> String {
    wrapped(&format!("  {heading}"), HEADING, text)
}

/// Returns what is known before anything runs.
fn before(plan: &Plan, step: usize, given: &Given) -> String {
    let spec = plan.spec(step);
    let mut out = format!("step {}  [{}]\n", one_line(&spec.def().id()), spec.def().lane);
    out.push_str(&line("at", &one_line(&spec.location().to_string())));
    if let Some(doc) = spec.def().doc.lines().map(str::trim).find(|line| !line.is_empty()) {
        out.push_str(&line("", &one_line(doc)));
    }
    let needs: Vec<&str> = plan.waits_for(step).map(|earlier| plan.spec(earlier).name()).collect();
    if !needs.is_empty() {
        let all = plan.planned().saturating_sub(1);
        out.push_str(&line(
            "needs",
            &format!("{}; {} to run first", listed(&needs, 12), counted(all, "step")),
        ));
    }
    for (index, text) in given.lines().iter().enumerate() {
        out.push_str(&line(if index == 0 { "given" } else { "" }, text));
    }
    out
}

/// Returns what one run reported about the step.
fn after(report: &RunReport, step: &StepReport, (number, of): (u32, u32)) -> String {
    let mut out = String::new();
    let _ = write!(out, "\n{}", if of == 1 { "run".to_owned() } else { format!("run {number} of {of},") });
    let _ = writeln!(out, " {}: {} {}", short_id(&report.run_id), one_line(&step.name), step.status);
    let time = step.duration.map(|time| format!("{}, after waiting {}", show(Some(time)), show(step.wait)));
    out.push_str(&line("time", &time.unwrap_or_else(|| "did not run".to_owned())));
    let mut attempts = step.attempts.to_string();
    if step.attempts_are_timed() {
        let (work, between) = (show(step.work()), show(Some(step.between_attempts())));
        let _ = write!(attempts, ", {work} of work, {between} between them");
    }
    out.push_str(&line("attempts", &attempts));
    if let (Some(kind), Some(thread)) = (step.thread_kind, step.thread) {
        let kind = serde_json::to_value(kind).ok().and_then(|kind| kind.as_str().map(str::to_owned));
        out.push_str(&line("thread", &format!("{thread} ({})", kind.unwrap_or_default())));
    }
    if let Some(memory) = step.peak_memory {
        let memory = bytesize::ByteSize(memory);
        out.push_str(&line("memory", &format!("{memory} at most, of the whole process, while it ran")));
    }
    out.push_str(&line(
        "seed",
        &format!("{} (`--seed` with it repeats the random numbers)", report.provenance.seed),
    ));
    for attempt in &step.failed_attempts {
        let text = format!("attempt {} failed, {}", attempt.attempt, retried(attempt.retried_after));
        out.push_str(&line("", &text));
        error(&attempt.error, &mut out);
    }
    if let Some(why) = &step.error {
        error(why, &mut out);
    }
    if let Some(why) = &step.fallback_for {
        out.push_str(&line("fallback", "used, because of"));
        error(why, &mut out);
    }
    if let Some(cause) = &step.because {
        out.push_str(&line("because", &format!("`{}` has no output", one_line(cause))));
    }
    activity(step, &mut out);
    upstream(report, step, &mut out);
    out
}

/// Writes an error with all its causes, line by line.
fn error(why: &ErrorReport, out: &mut String) {
    for (heading, text) in std::iter::once((why.kind.name(), &why.message))
        .chain(why.causes.iter().map(|cause| ("because", cause)))
    {
        for (index, text) in text.lines().enumerate() {
            let _ = writeln!(
                out,
                "{:<HEADING$}{}",
                if index == 0 { format!("  {heading}") } else { String::new() },
                one_line(text)
            );
        }
    }
}

/// Writes the counters of the step.
fn activity(step: &StepReport, out: &mut String) {
    for (name, count) in &step.activity.counters {
        out.push_str(&line("count", &format!("{} {count}", one_line(name))));
    }
}

/// Writes how the steps ended that it reads, and those that failed before it.
fn upstream(report: &RunReport, step: &StepReport, out: &mut String) {
    for (index, earlier) in report.steps.iter().enumerate() {
        if std::ptr::eq(earlier, step) {
            continue;
        }
        if earlier.status.is_failure() {
            let _ = writeln!(
                out,
                "  upstream  {} {} ({})",
                one_line(&earlier.name),
                earlier.status,
                one_line(&earlier.location)
            );
            if let Some(why) = &earlier.error {
                error(why, out);
            }
        } else if step.upstream.contains(&index) {
            let _ = writeln!(
                out,
                "  upstream  {} {} in {}",
                one_line(&earlier.name),
                earlier.status,
                show(earlier.duration)
            );
        }
    }
}

/// Returns the range of the times of several runs.
fn summary(times: &mut [Duration], of: u32) -> String {
    times.sort_unstable();
    let (Some(least), Some(most)) = (times.first(), times.last()) else {
        return format!("\n0 of {} had an output\n", counted(of as usize, "run"));
    };
    format!(
        "\n{} of {} had an output; the step took at least {}, median {}, at most {}\n",
        times.len(),
        counted(of as usize, "run"),
        show(Some(*least)),
        show(Some(times[times.len() / 2])),
        show(Some(*most)),
    )
}
