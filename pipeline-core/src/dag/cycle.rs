//! Finds and reports circles.

use std::collections::VecDeque;

use crate::lists::Lists;
use crate::location::Location;
use crate::problem::{Problem, ProblemCode};

/// Maximum number of circles reported; the rest is reported once these are fixed.
const MOST: usize = 10;

/// Maximum number of steps of a circle that are named: its first ones, and the last.
const MOST_NAMED: usize = 12;

/// Returns a problem for each circle among the steps that Kahn's algorithm left over (`missing > 0`). Each circle is the
/// shortest through one of its steps, and is printed once, in the order in which the steps would have to run.
pub(super) fn problems<'a>(
    waits_for: &Lists,
    missing: &[u32],
    label: impl Fn(usize) -> (&'a str, Location),
) -> Vec<Problem> {
    let mut left: Vec<bool> = missing.iter().map(|&missing| missing > 0).collect();
    let mut problems = Vec::new();
    while problems.len() < MOST {
        let Some(circle) = next_circle(waits_for, &mut left) else { break };
        for &step in &circle {
            left[step] = false;
        }
        problems.push(describe(&circle, &label));
    }
    problems
}

/// Walks from upstream to upstream until a step repeats, then returns the shortest circle through that step.
fn next_circle(waits_for: &Lists, left: &mut [bool]) -> Option<Vec<usize>> {
    let mut visited = vec![false; left.len()];
    for start in 0..left.len() {
        let mut walk = Vec::new();
        let mut step = start;
        while left[step] && !visited[step] {
            visited[step] = true;
            walk.push(step);
            match waits_for.get(step).iter().find(|&&next| left[next as usize]) {
                Some(&next) => step = next as usize,
                None => break,
            }
        }
        let came_back = left[step] && walk.contains(&step);
        if let Some(circle) = came_back.then(|| shortest_through(step, waits_for, left)).flatten() {
            return Some(circle);
        }
        // Steps that were walked without a repetition are not part of a further circle.
        for step in walk {
            left[step] = left[step] && waits_for.get(step).iter().any(|&next| left[next as usize]);
        }
    }
    None
}

/// Returns the shortest circle through a step, by breadth-first search against the edges; in running order.
fn shortest_through(start: usize, waits_for: &Lists, left: &[bool]) -> Option<Vec<usize>> {
    let mut came_from = vec![usize::MAX; left.len()];
    let mut queue = VecDeque::from([start]);
    while let Some(step) = queue.pop_front() {
        for &next in waits_for.get(step) {
            let next = next as usize;
            if next == start {
                let mut circle = vec![step];
                while *circle.last()? != start {
                    circle.push(came_from[*circle.last()?]);
                }
                return Some(circle);
            }
            if left[next] && came_from[next] == usize::MAX {
                came_from[next] = step;
                queue.push_back(next);
            }
        }
    }
    None
}

fn describe<'a>(circle: &[usize], label: &impl Fn(usize) -> (&'a str, Location)) -> Problem {
    // Starts with the smallest name, so that a circle is always printed in the same way.
    let first = (0..circle.len()).min_by_key(|&at| label(circle[at]).0).unwrap_or(0);
    let mut steps: Vec<usize> = circle.iter().cycle().skip(first).take(circle.len()).copied().collect();
    steps.push(steps[0]);
    let left_out = steps.len().saturating_sub(MOST_NAMED);
    let head = steps.len() - left_out - 1;
    let mut path: Vec<String> = steps.iter().map(|&step| format!("`{}`", label(step).0)).collect();
    if left_out > 0 {
        path.splice(head..head + left_out, [format!("… {left_out} more …")]);
    }
    let (name, location) = label(steps[0]);
    let mut problem =
        Problem::new(ProblemCode::Cycle, format!("steps wait for each other: {}", path.join(" -> ")))
            .step(name, location);
    for (at, pair) in steps.windows(2).enumerate() {
        // The edge after the last of the head leads to a step that is not named.
        if left_out > 0 && (head..head + left_out).contains(&(at + 1)) {
            continue;
        }
        let ((from, _), (to, place)) = (label(pair[0]), label(pair[1]));
        problem = problem.note(format!("`{to}` waits for `{from}` ({place})"));
    }
    if left_out > 0 {
        problem = problem.note(format!("the circle has {} steps", steps.len() - 1));
    }
    problem.hint("break the circle: remove one of these edges, or split a step in two")
}
