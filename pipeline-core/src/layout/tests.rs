//! Properties of every drawing: no boxes overlap, lines go to the right, and the layout takes bounded time.

use proptest::prelude::*;

use super::{BOX_HEIGHT, Layout};

fn layout(steps: usize, edges: &[(usize, usize)]) -> Layout {
    Layout::of(&vec![100.0; steps], edges.iter().copied())
}

/// Reports whether no two boxes overlap and all are inside the drawing.
fn is_sound(layout: &Layout) -> bool {
    let inside = layout.boxes.iter().all(|place| {
        let right = place.x + place.width <= layout.width + 1e-6;
        right && place.x >= 0.0 && place.y >= -1e-6 && place.y + BOX_HEIGHT <= layout.height + 1e-6
    });
    let mut boxes = layout.boxes.clone();
    boxes.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    let apart = boxes.windows(2).all(|pair| {
        let [above, below] = [pair[0], pair[1]];
        above.x + above.width <= below.x + 1e-6 || above.y + BOX_HEIGHT <= below.y + 1e-6
    });
    inside && apart
}

/// Returns the number of levels of a graph.
fn depth(steps: usize, edges: &[(usize, usize)]) -> usize {
    let mut level = vec![1; steps];
    for to in 0..steps {
        let from = edges.iter().filter(|edge| edge.0 < to && edge.1 == to).map(|edge| level[edge.0] + 1);
        level[to] = from.max().unwrap_or(1);
    }
    level.into_iter().max().unwrap_or(0)
}

#[test]
fn a_chain_is_a_straight_line() {
    let layout = layout(4, &[(0, 1), (1, 2), (2, 3)]);
    assert!(layout.boxes.iter().all(|place| place.y == 0.0), "{layout:?}");
    assert!(layout.boxes.windows(2).all(|pair| pair[0].x + pair[0].width < pair[1].x), "{layout:?}");
    assert_eq!((layout.height, layout.detours.len()), (BOX_HEIGHT, 0));
}

#[test]
fn a_diamond_is_symmetric() {
    let layout = layout(4, &[(0, 1), (0, 2), (1, 3), (2, 3)]);
    let y = |step: usize| layout.boxes[step].y;
    assert!((y(0) - y(3)).abs() < 1e-6 && (f64::midpoint(y(1), y(2)) - y(0)).abs() < 1e-6, "{layout:?}");
}

#[test]
fn avoidable_crossings_are_avoided() {
    // In the order of their numbers, all lines cross each other.
    let layout = layout(8, &[(0, 7), (1, 6), (2, 5), (3, 4)]);
    for (from, to) in [(0, 7), (1, 6), (2, 5), (3, 4)] {
        assert!((layout.boxes[from].y - layout.boxes[to].y).abs() < 1e-6, "{layout:?}");
    }
}

#[test]
fn a_line_over_several_levels_goes_around_the_boxes_between() {
    let layout = layout(4, &[(0, 1), (1, 2), (2, 3), (0, 3)]);
    let [detour] = layout.detours.as_slice() else { panic!("{layout:?}") };
    assert_eq!((detour.from, detour.to, detour.through.len()), (0, 3, 2));
    for (stretch, between) in detour.through.iter().zip([1, 2]) {
        let place = layout.boxes[between];
        assert!(stretch.y < place.y || stretch.y > place.y + BOX_HEIGHT, "{layout:?}");
        assert_eq!((stretch.left, stretch.right), (place.x, place.x + place.width));
    }
}

#[test]
fn a_long_chain_is_folded_into_lines() {
    let chain: Vec<(usize, usize)> = (1..10_000).map(|step| (step - 1, step)).collect();
    let layout = layout(10_000, &chain);
    assert!(is_sound(&layout));
    let shape = layout.width / layout.height;
    assert!((1.0..5.0).contains(&shape), "{shape}");
    let back = layout.boxes.windows(2).filter(|pair| pair[1].x < pair[0].x).count();
    let down = layout.boxes.windows(2).filter(|pair| pair[1].y > pair[0].y).count();
    assert!(back == down && back > 10, "each line but the last ends once: {back} {down}");
}

#[test]
fn detours_are_folded_with_the_steps_they_pass() {
    let edges = (1..60).flat_map(|to: usize| [(to - 1, to), (to.saturating_sub(3), to)]);
    let layout = layout(60, &edges.collect::<Vec<_>>());
    assert!(is_sound(&layout) && layout.boxes.iter().any(|place| place.y > 3.0 * BOX_HEIGHT), "it is folded");
    for detour in &layout.detours {
        for (stretch, passed) in detour.through.iter().zip(detour.from + 1..) {
            let place = layout.boxes[passed];
            assert_eq!((stretch.left, stretch.right), (place.x, place.x + place.width));
            assert!((stretch.y - place.y).abs() < 4.0 * BOX_HEIGHT, "{detour:?} {place:?}");
        }
    }
}

#[test]
fn invalid_edges_are_left_out() {
    assert_eq!(layout(3, &[(0, 1), (1, 0), (2, 2), (0, 9), (9, 0), (usize::MAX, 1)]), layout(3, &[(0, 1)]));
    assert_eq!(layout(0, &[(0, 1)]), Layout::default());
}

#[test]
fn a_wide_level_is_broken_into_columns() {
    let fan: Vec<(usize, usize)> = (1..10_001).map(|step| (0, step)).collect();
    let layout = layout(10_001, &fan);
    assert!(is_sound(&layout));
    let shape = layout.width / layout.height;
    assert!((0.3..5.0).contains(&shape), "{shape}");
}

#[test]
fn a_hundred_thousand_edges_are_laid_out() {
    let edges = (1..10_000)
        .flat_map(|to: usize| (1..=10).map(move |back| (to.saturating_sub(back * 7 + to % 5), to)));
    assert!(is_sound(&layout(10_000, &edges.collect::<Vec<_>>())));
}

proptest! {
    #[test]
    fn nothing_overlaps_and_every_line_goes_to_the_right(
        (steps, edges) in (1_usize..120).prop_flat_map(|steps| {
            (Just(steps), prop::collection::vec((0..steps, 0..steps), 0..250))
        }),
    ) {
        let layout = layout(steps, &edges);
        prop_assert!(is_sound(&layout), "{layout:?}");
        // In a graph with more levels, lines may be folded back.
        prop_assume!(depth(steps, &edges) < 24);
        for (from, to) in edges.into_iter().filter(|(from, to)| from < to) {
            let (start, end) = (layout.boxes[from].x + layout.boxes[from].width, layout.boxes[to].x);
            prop_assert!(start < end);
            let detour = layout.detours.iter().find(|detour| (detour.from, detour.to) == (from, to));
            let mut at = start;
            for stretch in detour.map(|detour| detour.through.as_slice()).unwrap_or_default() {
                prop_assert!(at <= stretch.left && stretch.left <= stretch.right);
                at = stretch.right;
            }
            prop_assert!(at <= end);
        }
    }
}
