//! Shows a graph as a listing, a drawing, or data.

mod dot;
mod json;
mod labels;
mod mermaid;
mod svg;
mod text;
mod written;

pub use json::{GraphDocument, InputDocument, StepDocument};

use std::fmt;
use std::str::FromStr;

use super::Dag;
use crate::problem::{Problem, ProblemCode, closest};

/// How large a graph is: `2 steps, 1 edge`.
fn size(dag: &Dag) -> String {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let (steps, edges) = (dag.len(), dag.edge_count());
    format!("{steps} step{}, {edges} edge{}", plural(steps), plural(edges))
}

/// A format of a graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Format {
    /// A listing in running order, for people.
    #[default]
    Text,
    /// A drawing for Graphviz.
    Dot,
    /// A drawing for Mermaid: shown by GitHub, GitLab and many editors.
    Mermaid,
    /// A drawing as an SVG file, which every browser shows.
    Svg,
    /// Data with a versioned schema: a [`GraphDocument`].
    Json,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 5] = [Format::Text, Format::Dot, Format::Mermaid, Format::Svg, Format::Json];

    /// Returns the format as written on a command line.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Dot => "dot",
            Format::Mermaid => "mermaid",
            Format::Svg => "svg",
            Format::Json => "json",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = Problem;

    fn from_str(name: &str) -> Result<Self, Problem> {
        Format::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
            let known = Format::ALL.map(Format::name);
            let problem = Problem::new(ProblemCode::InvalidSetting, format!("there is no format `{name}`"))
                .note(format!("formats: {}", known.join(", ")));
            match closest(name, known) {
                Some(close) => problem.hint(format!("did you mean `{close}`?")),
                None => problem,
            }
        })
    }
}

impl Dag {
    /// Returns the graph in a format. The same graph gives the same text in every process.
    ///
    /// # Complexity
    /// O(steps + edges), and the length of the text; [`Format::Svg`] also sorts the steps.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Text => text::render(self),
            Format::Dot => dot::render(self),
            Format::Mermaid => mermaid::render(self),
            Format::Svg => svg::render(self),
            Format::Json => self.document().to_json(),
        }
    }
}
