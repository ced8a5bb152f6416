//! Reviews.

use std::borrow::Cow;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use pipeline::step;
use pipeline::store::InputFile;

use crate::input::{InputError, json_lines};
use crate::values::Counts;

/// A line of the file; other fields are ignored.
#[derive(Deserialize)]
struct Line<'a> {
    review_id: u32,
    product_id: u32,
    user_id: u32,
    stars: i64,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

/// A review in the file's form.
#[derive(Serialize, Deserialize)]
pub(crate) struct RawReview {
    id: u32,
    product: u32,
    user: u32,
    stars: i64,
    chars: u32,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Reviews {
    pub(crate) rows: Vec<Review>,
    pub(crate) counts: Counts,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Review {
    id: u32,
    pub(crate) product: u32,
    pub(crate) stars: u32,
    /// Unicode code points of its text.
    pub(crate) chars: u32,
}

#[step(cost = 20)]
pub(crate) fn load_reviews(#[param] reviews_jsonl: &InputFile) -> Result<Vec<RawReview>, InputError> {
    json_lines::read(reviews_jsonl.path(), |line| {
        let line: Line<'_> = serde_json::from_str(line)?;
        let chars = line.text.chars().count() as u32;
        Ok(RawReview {
            id: line.review_id,
            product: line.product_id,
            user: line.user_id,
            stars: line.stars,
            chars,
        })
    })
}

#[step(cost = 2)]
pub(crate) fn reviews(load_reviews: Vec<RawReview>) -> Reviews {
    let mut counts = Counts::new("reviews", &["rows_in", "bad_stars", "superseded"]);
    counts.add("rows_in", load_reviews.len());
    let mut rows: Vec<Review> = Vec::with_capacity(load_reviews.len());
    let mut places = FxHashMap::default();
    for RawReview { id, product, user, stars, chars } in load_reviews {
        let Some(stars) = u32::try_from(stars).ok().filter(|stars| (1..=5).contains(stars)) else {
            counts.add("bad_stars", 1);
            continue;
        };
        let review = Review { id, product, stars, chars };
        let place = *places.entry((product, user)).or_insert(rows.len());
        if place == rows.len() {
            rows.push(review);
            continue;
        }
        counts.add("superseded", 1);
        if rows[place].id < id {
            rows[place] = review;
        }
    }
    Reviews { rows, counts }
}
