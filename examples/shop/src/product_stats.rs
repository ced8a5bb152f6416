//! What sales, visits and reviews say about each product.

use std::collections::BTreeMap;

use pipeline::step;
use serde::{Deserialize, Serialize};

use crate::events::{Events, Kind, events};
use crate::products::{Products, products};
use crate::reviews::{Reviews, reviews};
use crate::sales::{Sales, sales};

#[derive(Serialize, Deserialize)]
pub(crate) struct ProductStats {
    pub(crate) product: u32,
    pub(crate) category: String,
    pub(crate) units: u64,
    pub(crate) net: i64,
    pub(crate) margin: i64,
    pub(crate) views: u64,
    pub(crate) carts: u64,
    pub(crate) buys: u64,
    pub(crate) reviews: u64,
    pub(crate) stars: u64,
    pub(crate) chars: u64,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct TopProduct {
    #[serde(rename = "product_id")]
    pub(crate) product: u32,
    pub(crate) name: String,
    pub(crate) units: u64,
    #[serde(rename = "net_usd_cents")]
    pub(crate) net: i64,
}

/// One line for each product, in the order of products.
#[step(cost = 5)]
pub(crate) fn product_stats(
    products: &Products,
    sales: &Sales,
    events: &Events,
    reviews: &Reviews,
) -> Vec<ProductStats> {
    let mut report: Vec<ProductStats> = products
        .rows
        .iter()
        .map(|product| ProductStats::new(product.id, products.categories.name(product.category.into())))
        .collect();
    for sale in &sales.rows {
        let line = &mut report[sale.product as usize];
        line.units += u64::from(sale.qty);
        line.net += sale.net;
        line.margin += sale.margin;
    }
    for event in &events.rows {
        let Some(row) = products.by_id.row(event.product) else { continue };
        match event.kind {
            Kind::View => report[row].views += 1,
            Kind::Cart => report[row].carts += 1,
            Kind::Buy => report[row].buys += 1,
            Kind::Bot => {}
        }
    }
    for review in &reviews.rows {
        let Some(row) = products.by_id.row(review.product) else { continue };
        report[row].reviews += 1;
        report[row].stars += u64::from(review.stars);
        report[row].chars += u64::from(review.chars);
    }
    report
}

/// The ten best products of each category.
#[step]
pub(crate) fn top_products(
    product_stats: &[ProductStats],
    products: &Products,
) -> BTreeMap<String, Vec<TopProduct>> {
    let mut categories: BTreeMap<String, Vec<TopProduct>> = BTreeMap::new();
    for (stats, product) in product_stats.iter().zip(&products.rows) {
        let top = categories.entry(stats.category.clone()).or_default();
        if stats.net > 0 {
            top.push(TopProduct {
                product: stats.product,
                name: product.name.clone(),
                units: stats.units,
                net: stats.net,
            });
        }
    }
    for top in categories.values_mut() {
        top.sort_by(|a, b| b.net.cmp(&a.net).then(a.product.cmp(&b.product)));
        top.truncate(10);
    }
    categories
}

impl ProductStats {
    fn new(product: u32, category: &str) -> Self {
        let category = category.to_owned();
        let (units, net, margin, views, carts, buys, reviews, stars, chars) = (0, 0, 0, 0, 0, 0, 0, 0, 0);
        Self { product, category, units, net, margin, views, carts, buys, reviews, stars, chars }
    }

    /// Purchases per view, in hundredths of a percent, rounded; 0 without views.
    pub(crate) fn view_to_buy_bp(&self) -> u64 {
        (20_000 * self.buys + self.views).checked_div(2 * self.views).unwrap_or(0)
    }

    /// Hundredths of the mean of the stars, rounded; 0 without reviews.
    pub(crate) fn stars_x100(&self) -> u64 {
        (200 * self.stars + self.reviews).checked_div(2 * self.reviews).unwrap_or(0)
    }
}
