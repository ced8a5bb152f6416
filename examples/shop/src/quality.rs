//! How many rows each stage refused, and why.
//!
//! A separate step extracts the counts of each stage, which costs nothing. A report that read the stages themselves would
//! keep every table in memory until the end.

use std::borrow::Cow;

use pipeline::step;
use serde::{Deserialize, Serialize};

use crate::cohorts::{CohortSales, cohort_sales};
use crate::events::{Events, events};
use crate::orders::{Orders, orders};
use crate::products::{Products, products};
use crate::reviews::{Reviews, reviews};
use crate::sales::{Sales, sales};
use crate::sessions::{UserSessions, user_sessions};
use crate::shipments::{Fulfilment, Shipments, fulfilment, shipments};
use crate::users::{Users, users};
use crate::values::Counts;

#[derive(Serialize, Deserialize)]
pub(crate) struct QualityLine {
    pub(crate) stage: Cow<'static, str>,
    pub(crate) reason: Cow<'static, str>,
    pub(crate) rows: usize,
}

#[step]
pub(crate) fn users_counts(users: &Users) -> Counts {
    users.counts.clone()
}

#[step]
pub(crate) fn products_counts(products: &Products) -> Counts {
    products.counts.clone()
}

#[step]
pub(crate) fn orders_counts(orders: &Orders) -> Counts {
    orders.counts.clone()
}

#[step]
pub(crate) fn sales_counts(sales: &Sales) -> Counts {
    sales.counts.clone()
}

#[step]
pub(crate) fn cohort_counts(cohort_sales: &CohortSales) -> Counts {
    cohort_sales.counts.clone()
}

#[step]
pub(crate) fn shipments_counts(shipments: &Shipments) -> Counts {
    shipments.counts.clone()
}

#[step]
pub(crate) fn fulfilment_counts(fulfilment: &Fulfilment) -> Counts {
    fulfilment.counts.clone()
}

#[step]
pub(crate) fn events_counts(events: &Events) -> Counts {
    events.counts.clone()
}

#[step]
pub(crate) fn session_counts(user_sessions: &UserSessions) -> Counts {
    user_sessions.counts.clone()
}

#[step]
pub(crate) fn reviews_counts(reviews: &Reviews) -> Counts {
    reviews.counts.clone()
}

#[step]
pub(crate) fn quality(#[from("*_counts")] counts: Vec<&Counts>) -> Vec<QualityLine> {
    let mut report = Vec::new();
    for Counts { stage, rows } in counts {
        report.extend(rows.iter().map(|(reason, rows)| QualityLine {
            stage: stage.clone(),
            reason: reason.clone(),
            rows: *rows,
        }));
    }
    report.sort_by(|a: &QualityLine, b| (&a.stage, &a.reason).cmp(&(&b.stage, &b.reason)));
    report
}
