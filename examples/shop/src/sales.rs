//! Orders that earn money, in US dollars, with the user's facts that the reports need.

use pipeline::step;
use serde::{Deserialize, Serialize};

use crate::fx::{Currency, Fx, NoRate, fx};
use crate::input::Names;
use crate::orders::{Order, Orders, orders};
use crate::products::{Product, Products, products};
use crate::users::{Region, Tier, User, Users, users};
use crate::values::{Counts, Day, Month};

#[derive(Serialize, Deserialize)]
pub(crate) struct Sales {
    pub(crate) rows: Vec<Sale>,
    /// [`Sale::user`] is below this number.
    pub(crate) users: usize,
    pub(crate) channels: Names<u8>,
    pub(crate) domains: Names<u32>,
    pub(crate) counts: Counts,
}

/// All amounts are US cents.
#[derive(Serialize, Deserialize)]
pub(crate) struct Sale {
    pub(crate) gross: i64,
    pub(crate) net: i64,
    pub(crate) margin: i64,
    pub(crate) qty: u32,
    /// The row in users.
    pub(crate) user: u32,
    /// The row in products.
    pub(crate) product: u32,
    pub(crate) domain: u32,
    pub(crate) day: Day,
    pub(crate) signup: Month,
    pub(crate) region: Region,
    pub(crate) tier: Tier,
    pub(crate) channel: u8,
}

#[step(cost = 15)]
pub(crate) fn sales(orders: &Orders, products: &Products, users: &Users, fx: &Fx) -> Result<Sales, NoRate> {
    let reasons = ["not_revenue", "unknown_product", "unknown_user", "rows_out"];
    let mut counts = Counts::new("sales", &reasons);
    let mut rows = Vec::with_capacity(orders.rows.len());
    let mut found = Vec::with_capacity(BATCH);
    for batch in orders.rows.chunks(BATCH) {
        for order in batch {
            match Found::of(order, products, users) {
                Ok(row) => found.push(row),
                Err(reason) => counts.add(reason, 1),
            }
        }
        for row in found.drain(..) {
            rows.push(row.sale(fx)?);
        }
    }
    counts.add("rows_out", rows.len());
    let (channels, domains) = (orders.channels.clone(), users.domains.clone());
    Ok(Sales { rows, users: users.rows.len(), channels, domains, counts })
}

/// How many orders look up their users and products together: with nothing between them, the processor waits for many of
/// these scattered reads at once.
const BATCH: usize = 1024;

/// An order with its user and product.
struct Found<'a> {
    order: &'a Order,
    product_row: usize,
    cost: u32,
    currency: Currency,
    user_row: usize,
    user: User,
}

impl<'a> Found<'a> {
    /// Returns the order's product and user, or the first reason why it is not a sale.
    fn of(order: &'a Order, products: &Products, users: &Users) -> Result<Self, &'static str> {
        if !order.status.is_revenue() {
            return Err("not_revenue");
        }
        let product_row = products.by_id.row(order.product).ok_or("unknown_product")?;
        let user_row = users.by_id.row(order.user).ok_or("unknown_user")?;
        let Product { cost, currency, .. } = products.rows[product_row];
        Ok(Self { order, product_row, cost, currency, user_row, user: users.rows[user_row] })
    }

    fn sale(&self, fx: &Fx) -> Result<Sale, NoRate> {
        let Self { order, user, .. } = self;
        let day = order.ordered_at.day();
        let rate = fx.rate(day, self.currency)?;
        let usd = |local: i64| (local * rate + 500_000) / 1_000_000;

        let qty = i64::from(order.qty);
        let gross_local = qty * i64::from(order.unit_price);
        let discount = (gross_local * i64::from(order.discount_bp) + 5_000) / 10_000;
        let net = usd(gross_local - discount);
        Ok(Sale {
            gross: usd(gross_local),
            net,
            margin: net - usd(qty * i64::from(self.cost)),
            qty: order.qty,
            user: self.user_row as u32,
            product: self.product_row as u32,
            domain: user.domain,
            day,
            signup: user.signup,
            region: user.region,
            tier: user.tier,
            channel: order.channel,
        })
    }
}
