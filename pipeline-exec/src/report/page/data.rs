//! The positions of the steps in the drawing.

use std::collections::HashMap;

use pipeline_core::GraphDocument;
use pipeline_core::layout::{BOX_HEIGHT, Layout};
use serde::Serialize;

/// A [`Layout`] as lists of numbers, in whole pixels: field names would take half of a page of 10 000 steps.
#[derive(Serialize)]
pub(super) struct Drawing {
    width: u32,
    height: u32,
    box_height: u32,
    /// Left edge, upper edge and width, step by step.
    boxes: Vec<u32>,
    /// From, to, and for each level passed left, right and height.
    detours: Vec<Vec<u32>>,
}

impl Drawing {
    pub(super) fn of(layout: &Layout) -> Self {
        let whole = |number: f64| number.round() as u32;
        let detour = |detour: &pipeline_core::layout::Detour| {
            let stretches = detour.through.iter().flat_map(|line| [line.left, line.right, line.y]);
            [detour.from as u32, detour.to as u32].into_iter().chain(stretches.map(whole)).collect()
        };
        Drawing {
            width: whole(layout.width),
            height: whole(layout.height),
            box_height: whole(BOX_HEIGHT),
            boxes: layout.boxes.iter().flat_map(|place| [place.x, place.y, place.width]).map(whole).collect(),
            detours: layout.detours.iter().map(detour).collect(),
        }
    }
}

/// Returns the width of a step's box, for its name.
pub(super) fn width_of(name: &str) -> f64 {
    let characters = name.chars().take(32).map(|c| if c > '\u{2e7f}' { 2.0 } else { 1.0 }).sum::<f64>();
    (52.0 + 7.6 * characters).clamp(96.0, 260.0)
}

/// Returns the edges of a graph document. Unknown names are left out.
pub(super) fn edges_of(graph: &GraphDocument) -> Vec<(usize, usize)> {
    let place: HashMap<&str, usize> =
        graph.steps.iter().enumerate().map(|(place, step)| (step.name.as_str(), place)).collect();
    let mut edges = Vec::new();
    for (to, step) in graph.steps.iter().enumerate() {
        let names = step.inputs.iter().flat_map(|input| &input.from).chain(&step.after);
        edges.extend(names.filter_map(|name| Some((*place.get(name.as_str())?, to))));
    }
    edges
}
