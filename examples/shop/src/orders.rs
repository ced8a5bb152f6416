//! Orders: the latest row of each.

use pipeline::step;
use pipeline::store::InputFile;
use serde::{Deserialize, Serialize};

use crate::input::{InputError, Names, csv};
use crate::values::{Counts, IdIndex, Timestamp};

#[derive(Serialize, Deserialize)]
pub(crate) struct RawOrders {
    rows: Vec<RawOrder>,
    channels: Names<u8>,
}

#[derive(Serialize, Deserialize)]
struct RawOrder {
    id: u32,
    user: Option<u32>,
    product: u32,
    qty: i32,
    unit_price: Option<u32>,
    discount_bp: u16,
    status: Option<Status>,
    channel: u8,
    ordered_at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Orders {
    pub(crate) rows: Vec<Order>,
    pub(crate) by_id: IdIndex,
    /// The names behind [`Order::channel`].
    pub(crate) channels: Names<u8>,
    pub(crate) counts: Counts,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: u32,
    pub(crate) user: u32,
    pub(crate) product: u32,
    pub(crate) qty: u32,
    /// In cents of the product's currency.
    pub(crate) unit_price: u32,
    pub(crate) ordered_at: Timestamp,
    /// In hundredths of a percent.
    pub(crate) discount_bp: u16,
    pub(crate) status: Status,
    pub(crate) channel: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    Placed,
    Paid,
    Shipped,
    Delivered,
    Cancelled,
    Refunded,
}

#[step(cost = 36)]
pub(crate) fn load_orders(#[param] orders_csv: &InputFile) -> Result<RawOrders, InputError> {
    let mut channels = Names::new();
    let columns = [
        "order_id",
        "user_id",
        "product_id",
        "qty",
        "unit_price",
        "discount_bp",
        "status",
        "channel",
        "ordered_at",
    ];
    let rows = csv::read(orders_csv.path(), &columns, |row| {
        Ok(RawOrder {
            id: row.uint()?,
            user: row.optional(|row| row.uint())?,
            product: row.uint()?,
            qty: row.int()?,
            unit_price: row.optional(|row| row.cents())?,
            discount_bp: row.basis_points()?,
            status: Status::of_name(&row.text()?),
            channel: row.code(&mut channels)?,
            ordered_at: row.unless("n/a", |row| row.time())?,
        })
    })?;
    Ok(RawOrders { rows, channels })
}

#[step(cost = 4)]
pub(crate) fn orders(load_orders: RawOrders) -> Orders {
    let reasons = ["rows_in", "no_user", "bad_qty", "no_price", "bad_time", "bad_status", "superseded"];
    let mut counts = Counts::new("orders", &reasons);
    counts.add("rows_in", load_orders.rows.len());
    let valid = |raw| Order::valid(raw).map_err(|reason| counts.add(reason, 1)).ok();
    let mut rows: Vec<Order> = load_orders.rows.into_iter().filter_map(valid).collect();

    let mut by_id = IdIndex::for_ids(rows.iter().map(|order| order.id));
    let mut kept = 0;
    for row in 0..rows.len() {
        // A later row for the same order replaces the earlier one.
        let place = by_id.row_or_insert(rows[row].id, kept);
        rows[place] = rows[row];
        kept += usize::from(place == kept);
    }
    counts.add("superseded", rows.len() - kept);
    rows.truncate(kept);
    Orders { rows, by_id, channels: load_orders.channels, counts }
}

impl Order {
    /// Returns the order, or the first reason to refuse it.
    fn valid(raw: RawOrder) -> Result<Self, &'static str> {
        let user = raw.user.ok_or("no_user")?;
        let qty = u32::try_from(raw.qty).ok().filter(|qty| *qty > 0).ok_or("bad_qty")?;
        Ok(Self {
            id: raw.id,
            user,
            product: raw.product,
            qty,
            unit_price: raw.unit_price.ok_or("no_price")?,
            ordered_at: raw.ordered_at.ok_or("bad_time")?,
            discount_bp: raw.discount_bp,
            status: raw.status.ok_or("bad_status")?,
            channel: raw.channel,
        })
    }
}

impl Status {
    fn of_name(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"placed" => Self::Placed,
            b"paid" => Self::Paid,
            b"shipped" => Self::Shipped,
            b"delivered" => Self::Delivered,
            b"cancelled" => Self::Cancelled,
            b"refunded" => Self::Refunded,
            _ => return None,
        })
    }

    pub(crate) fn is_revenue(self) -> bool {
        matches!(self, Self::Paid | Self::Shipped | Self::Delivered)
    }
}
