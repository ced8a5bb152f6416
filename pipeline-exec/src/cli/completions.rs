//! `completions`: what a shell needs to complete the command line, with the names of this program's steps, groups and tags.
//!
//! The script is made once and sourced often, so the names are those of the program that made it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::io;

use clap::builder::PossibleValuesParser;
use clap::{Args as ClapArgs, Command};
use clap_complete::{Shell, generate};
use pipeline_core::Plan;

use super::exit::{Refusal, print};
use crate::pipeline::Pipeline;

/// For which shell.
#[derive(Debug, ClapArgs)]
pub(super) struct CompletionsArgs {
    /// The shell whose script is printed, with the names that steps, groups and tags have now.
    shell: Shell,
}

/// A script has each name many times: of more, those that come last are left out.
const MOST_NAMES: usize = 500;

/// What is given in terms, and what names one step.
const TERMS: [&str; 4] = ["terms", "exclude", "from", "until"];
const STEP: [&str; 2] = ["name", "step"];

pub(super) fn execute(args: &CompletionsArgs, command: Command, pipeline: &Pipeline) -> Result<u8, Refusal> {
    // A graph that has a problem has no names; the verbs and options help to find it.
    let names = pipeline.plan().map_or_else(|_| Names::default(), |plan| Names::of(&plan));
    print(&script(args.shell, command, &names)?)
}

fn script(shell: Shell, command: Command, names: &Names) -> Result<String, Refusal> {
    let mut command = names.complete(command);
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    generate(shell, &mut command, name.as_str(), &mut script);
    let mut script = String::from_utf8(script)
        .map_err(|error| Refusal::from(io::Error::new(io::ErrorKind::InvalidData, error)))?;
    match shell {
        Shell::Bash => script.push_str(&terms_with_colons(&name)),
        Shell::Fish => script.push_str(&names.terms_of_fish(&command)),
        _ => {}
    }
    Ok(script)
}

/// What can be written where steps are selected.
#[derive(Default)]
struct Names {
    steps: Vec<&'static str>,
    /// The steps, and `group:x` and `tag:x`.
    terms: Vec<&'static str>,
}

impl Names {
    fn of(plan: &Plan) -> Self {
        let dag = plan.dag();
        let steps = || (0..dag.len()).map(|step| dag.step(step));
        let groups =
            steps().filter_map(|step| step.def().group.as_deref()).map(|group| format!("group:{group}"));
        let tags = steps().flat_map(|step| step.def().tags.iter()).map(|tag| format!("tag:{tag}"));
        let labels: BTreeSet<String> = groups.chain(tags).collect();
        // clap wants texts that live for ever, and the process ends when the script is printed.
        let kept = |names: &mut dyn Iterator<Item = String>| -> Vec<&'static str> {
            names.filter(|name| is_plain(name)).take(MOST_NAMES).map(|name| &*name.leak()).collect()
        };
        let steps = kept(&mut steps().map(|step| step.name().to_owned()));
        let labels = kept(&mut labels.into_iter());
        Names { terms: labels.into_iter().chain(steps.iter().copied()).take(MOST_NAMES).collect(), steps }
    }

    /// The command line with these names as the values that are offered.
    fn complete(&self, command: Command) -> Command {
        let offered = |id: &str, verb: &str| {
            let names = match id {
                // What `step` has instead of terms is its name.
                _ if TERMS.contains(&id) && !(id == "terms" && verb == "step") => &self.terms,
                _ if STEP.contains(&id) => &self.steps,
                _ => return None,
            };
            (!names.is_empty()).then(|| PossibleValuesParser::new(names.iter().copied()))
        };
        let verb = command.get_name().to_owned();
        let command = command.mut_args(|arg| match offered(arg.get_id().as_str(), &verb) {
            Some(names) => arg.value_parser(names),
            None => arg,
        });
        command.mut_subcommands(|command| self.complete(command))
    }

    /// `clap_complete` has fish complete options, and nothing that stands alone.
    fn terms_of_fish(&self, command: &Command) -> String {
        let name = command.get_name();
        let mut script = String::new();
        let mut offer = |when: &str, names: &[&str]| {
            if !names.is_empty() {
                let _ = writeln!(script, "complete -c {name} -n \"{when}\" -f -a \"{}\"", names.join(" "));
            }
        };
        let verbs = |ids: &[&str]| -> Vec<&str> {
            let has = |verb: &&Command| {
                verb.get_positionals().any(|arg| ids.contains(&arg.get_id().as_str()) && !arg.is_hide_set())
            };
            command.get_subcommands().filter(has).map(Command::get_name).collect()
        };
        offer("__fish_use_subcommand", &self.terms);
        offer(&format!("__fish_seen_subcommand_from {}", verbs(&TERMS).join(" ")), &self.terms);
        offer(&format!("__fish_seen_subcommand_from {}", verbs(&STEP).join(" ")), &self.steps);
        script
    }
}

/// Whether a name can stand in a script as it is: to a shell, it is nothing but a word.
fn is_plain(name: &str) -> bool {
    !name.starts_with('-') && name.chars().all(|c| c.is_alphanumeric() || "_-.:/@".contains(c))
}

/// bash takes `tag:x` for three words: it is handed the whole, and what it has already is taken off what it is offered.
fn terms_with_colons(name: &str) -> String {
    let function = format!("_{}", name.replace('-', "__"));
    format!(
        r#"
{function}_words() {{
    local word="${{COMP_LINE:0:COMP_POINT}}"
    word="${{word##*[[:space:]]}}"
    if [[ "${{word}}" != *:* || "${{COMP_WORDBREAKS}}" != *:* ]]; then
        {function} "$@"
        return
    fi
    {function} "$1" "${{word}}" "$3"
    local begin="${{word%"${{word##*:}}"}}"
    local i
    for i in "${{!COMPREPLY[@]}}"; do
        COMPREPLY[i]="${{COMPREPLY[i]#"${{begin}}"}}"
    done
}}
complete -F {function}_words -o bashdefault -o default {name}
"#
    )
}

#[cfg(test)]
mod tests {
    use pipeline_core::{DagBuilder, Problems};

    use super::*;

    /// A name that is more than a word to a shell would be run when somebody presses Tab.
    #[test]
    fn names_that_a_shell_would_read_as_more_than_a_word_are_not_in_a_script() -> Result<(), Problems> {
        let hostile = ["$(rm x)", "a b", "`rm`", "x;rm", "\"", "'", "\\", "--all", "x\nrm", "\u{1b}[2J", "*"];
        let mut dag = DagBuilder::new();
        for name in hostile.into_iter().chain(["grün", "shard_1"]) {
            dag.cpu(name, (), |()| 1_u64);
        }
        let plan = Pipeline::new(dag.build()?).plan()?;
        let mut names = Names::of(&plan);
        names.steps.sort_unstable();
        assert_eq!(names.steps, ["grün", "shard_1"]);
        assert_eq!(names.terms.len(), 2);
        Ok(())
    }

    #[test]
    fn of_many_names_a_script_has_some() -> Result<(), Problems> {
        let mut dag = DagBuilder::new();
        for number in 0..2 * MOST_NAMES {
            dag.cpu(format!("shard_{number}"), (), |()| 1_u64);
        }
        let names = Names::of(&*Pipeline::new(dag.build()?).plan()?);
        assert_eq!((names.steps.len(), names.terms.len()), (MOST_NAMES, MOST_NAMES));
        Ok(())
    }
}
