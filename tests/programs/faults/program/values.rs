//! Steps whose values JSON would change.
#![allow(clippy::option_option, clippy::ref_option, reason = "such values are what is tested")]

use std::collections::BTreeMap;

use pipeline::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
enum Tree {
    Leaf,
    Node(Box<Tree>),
}

impl Tree {
    fn depth(&self) -> usize {
        let (mut depth, mut tree) = (0, self);
        while let Tree::Node(inner) = tree {
            (depth, tree) = (depth + 1, inner);
        }
        depth
    }
}

#[step(tags("values"))]
fn value_tree() -> Tree {
    (0..200).fold(Tree::Leaf, |tree, _| Tree::Node(Box::new(tree)))
}

/// As deep as JSON is read.
#[step(tags("values"))]
fn value_hedge() -> Tree {
    (0..127).fold(Tree::Leaf, |tree, _| Tree::Node(Box::new(tree)))
}

#[step(tags("values"))]
fn value_answer() -> Option<Option<u32>> {
    Some(None)
}

#[step(tags("values"))]
fn value_done() -> Vec<Option<()>> {
    vec![None, Some(())]
}

#[step(tags("values"))]
fn value_limits() -> BTreeMap<String, Option<f64>> {
    BTreeMap::from([("low".to_owned(), Some(f64::NEG_INFINITY)), ("high".to_owned(), None)])
}

#[step(tags("values"))]
fn value_big() -> (u64, u128, f64) {
    (u64::MAX, u128::MAX, 0.1 + 0.2)
}

#[step(tags("values"))]
fn value_shown(
    #[from(value_tree)] tree: &Tree,
    #[from(value_hedge)] hedge: &Tree,
    #[from(value_answer)] answer: &Option<Option<u32>>,
    #[from(value_done)] done: &[Option<()>],
    #[from(value_limits)] limits: &BTreeMap<String, Option<f64>>,
    #[from(value_big)] big: &(u64, u128, f64),
) -> String {
    let text = format!("{} {} {answer:?} {done:?} {limits:?} {big:?}", tree.depth(), hedge.depth());
    super::say(&text);
    text
}

#[step(tags("parameter"))]
fn value_given(
    #[param(default = 1.5)] level: f64,
    #[param] levels: Option<Vec<f64>>,
    #[param] name: Option<String>,
) -> f64 {
    super::say(&format!("given {level} {levels:?} {name:?}"));
    level
}
