//! Common parts of the drawings: lines and groups in order, and labels of texts that may be hostile.

use std::borrow::Cow;
use std::collections::HashMap;

use super::super::Dag;

/// The longest label in a drawing, in characters.
const LONGEST: usize = 80;

/// One line between two steps.
pub(super) struct Line<'a> {
    pub(super) from: u32,
    pub(super) to: usize,
    /// The parameter, if its name differs from the upstream step's.
    pub(super) label: Option<&'a str>,
    /// Whether it is only an order, without data.
    pub(super) is_after: bool,
}

/// Returns every line: by step, data first, in the order of the parameters.
pub(super) fn lines(dag: &Dag) -> impl Iterator<Item = Line<'_>> {
    (0..dag.len()).flat_map(move |to| {
        let inputs = dag.step(to).def().inputs.iter().enumerate();
        let data = inputs.flat_map(move |(parameter, input)| {
            dag.sources(to, parameter).iter().map(move |&from| {
                let upstream = dag.step(from as usize);
                let is_said = upstream.name() == input.name || upstream.def().name == input.name;
                Line { from, to, label: (!is_said).then_some(&*input.name), is_after: false }
            })
        });
        let after = dag.after(to).into_iter();
        data.chain(after.map(move |from| Line { from: from as u32, to, label: None, is_after: true }))
    })
}

/// Returns the groups in the order in which they first appear, each with its steps; then the steps without a group.
pub(super) fn groups(dag: &Dag) -> (Vec<(&str, Vec<usize>)>, Vec<usize>) {
    let mut groups: Vec<(&str, Vec<usize>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut others = Vec::new();
    for (step, spec) in dag.steps().iter().enumerate() {
        let Some(group) = spec.def().group.as_deref() else {
            others.push(step);
            continue;
        };
        let place = *places.entry(group).or_insert_with(|| {
            groups.push((group, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(step);
    }
    (groups, others)
}

/// Returns the text as a single line: characters that would end it, move the cursor or reorder it are spelled out.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_unprintable(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Returns the text as a label: printable, and cut if it is very long.
pub(super) fn label(text: &str) -> Cow<'_, str> {
    if text.chars().nth(LONGEST).is_none() {
        return printable(text);
    }
    let start: String = text.chars().take(LONGEST - 1).collect();
    Cow::Owned(format!("{}…", printable(&start)))
}

/// Reports whether a character is a control character, or an invisible one that separates lines or changes the direction
/// of writing.
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
