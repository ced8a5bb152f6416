//! `completions`: a script with which a shell completes the command line, with the names of this program's steps,
//! groups and tags.
//!
//! The names are those of the program when it printed the script.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::io;

use clap::builder::PossibleValuesParser;
use clap::{Args as ClapArgs, Command};
use clap_complete::{Shell, generate};
use pipeline_core::Plan;

use super::exit::{Refusal, print};
use crate::pipeline::Pipeline;

/// The shell.
#[derive(Debug, ClapArgs)]
pub(super) struct CompletionsArgs {
    /// Shell to complete for. The script has the current names of steps, groups and tags.
    shell: Shell,
}

/// Maximum number of names: a script has each many times. Further names are left out.
const MOST_NAMES: usize = 500;

/// Arguments that are terms, and arguments that name one step.
const TERMS: [&str; 4] = ["terms", "exclude", "from", "until"];
const STEP: [&str; 2] = ["name", "step"];

pub(super) fn execute(args: &CompletionsArgs, command: Command, pipeline: &Pipeline) -> Result<u8, Refusal> {
    // If the graph has a problem, the script has the verbs and options only.
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

/// Names that select steps.
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
        // clap requires static texts; the process ends after printing the script.
        let kept = |names: &mut dyn Iterator<Item = String>| -> Vec<&'static str> {
            names.filter(|name| is_plain(name)).take(MOST_NAMES).map(|name| &*name.leak()).collect()
        };
        let steps = kept(&mut steps().map(|step| step.name().to_owned()));
        let labels = kept(&mut labels.into_iter());
        Names { terms: labels.into_iter().chain(steps.iter().copied()).take(MOST_NAMES).collect(), steps }
    }

    /// Returns the command line with these names as possible values.
    fn complete(&self, command: Command) -> Command {
        let offered = |id: &str, verb: &str| {
            let names = match id {
                // `step` has a name instead of terms.
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

    /// Returns the completions of terms for fish: `clap_complete` generates only those of options.
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

/// Reports whether a shell reads a name as one plain word.
fn is_plain(name: &str) -> bool {
    !name.starts_with('-') && name.chars().all(|c| c.is_alphanumeric() || "_-.:/@".contains(c))
}

/// bash splits `tag:x` into three words: this passes the whole word on, and removes the part already typed from the
/// replies.
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

    /// A shell would execute such a name when the user presses Tab.
    #[test]
    fn names_that_are_more_than_a_word_to_a_shell_are_not_in_a_script() -> Result<(), Problems> {
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
    fn a_script_has_a_limited_number_of_names() -> Result<(), Problems> {
        let mut dag = DagBuilder::new();
        for number in 0..2 * MOST_NAMES {
            dag.cpu(format!("shard_{number}"), (), |()| 1_u64);
        }
        let names = Names::of(&*Pipeline::new(dag.build()?).plan()?);
        assert_eq!((names.steps.len(), names.terms.len()), (MOST_NAMES, MOST_NAMES));
        Ok(())
    }
}
