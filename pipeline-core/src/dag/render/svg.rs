//! A drawing as one SVG file: no script, no external resource, light or dark like its viewer.

use std::borrow::Cow;
use std::fmt::Write;

use super::super::Dag;
use super::labels::{label, printable};
use crate::lane::Shape;
use crate::layout::{BOX_HEIGHT, Layout, Place};

/// Free space around the drawing.
const MARGIN: f64 = 16.0;
/// The longest line of text in a box, in characters. The tooltip has the whole text.
const LONGEST: usize = 28;
/// The approximate width of a character, and the free space beside the text.
const CHARACTER: f64 = 7.4;
const PADDING: f64 = 26.0;

const STYLE: &str = "\
svg{color-scheme:light dark;background:#fff;font:13px system-ui,sans-serif}\
.edges{fill:none;stroke:#9aa4b2;stroke-width:1.25}.after{stroke-dasharray:4 3}\
.shape{fill:#f6f8fa;stroke:#57606a}text{fill:#1f2328}.sub{fill:#59636e;font-size:10px}\
@media(prefers-color-scheme:dark){svg{background:#0f1318}.edges{stroke:#57606a}\
.shape{fill:#1a2027;stroke:#8b949e}text{fill:#e6edf3}.sub{fill:#9198a1}}";

pub(super) fn render(dag: &Dag) -> String {
    let widths: Vec<f64> = (0..dag.len()).map(|step| width(dag, step)).collect();
    let edges = (0..dag.len()).flat_map(|to| dag.upstream(to).iter().map(move |&from| (from as usize, to)));
    let layout = Layout::of(&widths, edges);
    let (width, height) = (layout.width + 2.0 * MARGIN, layout.height + 2.0 * MARGIN);
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"-{MARGIN} -{MARGIN} {width:.0} {height:.0}\" role=\"img\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n<g class=\"edges\">",
        super::size(dag),
    );
    lines(dag, &layout, &mut out);
    out.push_str("</g>\n");
    for (step, place) in layout.boxes.iter().enumerate() {
        shape(dag, step, place, &mut out);
    }
    out.push_str("</svg>\n");
    out
}

/// Returns the width of a step's box. It is an estimate: measuring characters would need a font.
fn width(dag: &Dag, step: usize) -> f64 {
    let columns = |text: &str| text.chars().map(|c| if c > '\u{2e7f}' { 2.0 } else { 1.0 }).sum::<f64>();
    let name = columns(&cut(&label(dag.step(step).name()))) * CHARACTER;
    let below = columns(&cut(&below(dag, step))) * CHARACTER * 0.8;
    name.max(below) + PADDING
}

fn below(dag: &Dag, step: usize) -> String {
    let def = dag.step(step).def();
    match def.group.as_deref() {
        Some(group) => format!("{} · {}", label(group), def.lane.name()),
        None => def.lane.name().to_owned(),
    }
}

fn lines(dag: &Dag, layout: &Layout, out: &mut String) {
    let mut detours = layout.detours.iter().peekable();
    for to in 0..dag.len() {
        let after = dag.after(to);
        for from in dag.upstream(to).iter().map(|&from| from as usize) {
            let (start, end) = (layout.boxes[from], layout.boxes[to]);
            let (mut x, mut y) = (start.x + start.width, start.y + BOX_HEIGHT / 2.0);
            let class = if after.contains(&from) { " class=\"after\"" } else { "" };
            let _ = write!(out, "<path{class} d=\"M{x:.1} {y:.1}");
            let mut bend = |to_x: f64, to_y: f64| {
                let middle = f64::midpoint(x, to_x);
                let _ = write!(out, "C{middle:.1} {y:.1} {middle:.1} {to_y:.1} {to_x:.1} {to_y:.1}");
                (x, y) = (to_x, to_y);
            };
            if let Some(detour) = detours.next_if(|detour| (detour.from, detour.to) == (from, to)) {
                for stretch in &detour.through {
                    bend(stretch.left, stretch.y);
                    bend(stretch.right, stretch.y);
                }
            }
            bend(end.x, end.y + BOX_HEIGHT / 2.0);
            out.push_str("\"/>\n");
        }
    }
}

/// Draws a step in the shape of its lane.
fn shape(dag: &Dag, step: usize, place: &Place, out: &mut String) {
    let spec = dag.step(step);
    let Place { x, y, width } = *place;
    let about = format!("{} ({}) at {}", label(spec.name()), label(&spec.def().id()), spec.location());
    let _ = write!(out, "<g><title>{}</title>", escaped(&printable(&about)));
    let _ = match spec.def().lane.spec().shape {
        Shape::Hexagon => write!(
            out,
            "<path class=\"shape\" d=\"M{:.1} {y:.1}h{:.1}l9 {half}l-9 {half}h-{:.1}l-9 -{half}z\"/>",
            x + 9.0,
            width - 18.0,
            width - 18.0,
            half = BOX_HEIGHT / 2.0,
        ),
        shape @ (Shape::Pill | Shape::Box) => write!(
            out,
            "<rect class=\"shape\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BOX_HEIGHT}\" rx=\"{}\"/>",
            if shape == Shape::Pill { BOX_HEIGHT / 2.0 } else { 3.0 },
        ),
    };
    let text = x + PADDING / 2.0;
    let _ = writeln!(
        out,
        "<text x=\"{text:.1}\" y=\"{:.1}\">{}</text><text class=\"sub\" x=\"{text:.1}\" y=\"{:.1}\">{}</text></g>",
        y + 16.0,
        escaped(&cut(&label(spec.name()))),
        y + 29.0,
        escaped(&cut(&below(dag, step))),
    );
}

fn cut(text: &str) -> Cow<'_, str> {
    if text.chars().nth(LONGEST).is_none() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().take(LONGEST - 1).chain(['…']).collect())
}

/// Escapes a text between tags. It is `printable` already: characters that XML does not allow are spelled out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Code points that are not characters: an XML reader would refuse the whole file.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
    out
}
