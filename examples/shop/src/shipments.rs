//! Shipments of orders, and how long they took.

use pipeline::step;
use pipeline::store::InputFile;
use serde::{Deserialize, Serialize};

use crate::input::{InputError, Names, csv};
use crate::orders::{Orders, orders};
use crate::values::{Counts, Timestamp};

/// A delivery is late when it comes more than five days after the order.
const LATE_AFTER: u32 = 5 * 86_400;

#[derive(Serialize, Deserialize)]
pub(crate) struct Shipments {
    rows: Vec<Shipment>,
    carriers: Names<u8>,
    warehouses: Names<u16>,
    pub(crate) counts: Counts,
}

#[derive(Serialize, Deserialize)]
struct Shipment {
    order: u32,
    shipped_at: Timestamp,
    delivered_at: Option<Timestamp>,
    cost_cents: u32,
    warehouse: u16,
    carrier: u8,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Fulfilment {
    rows: Vec<Fulfilled>,
    carriers: Names<u8>,
    warehouses: Names<u16>,
    pub(crate) counts: Counts,
}

#[derive(Serialize, Deserialize)]
struct Fulfilled {
    /// Seconds on the way; `None` before the delivery.
    transit: Option<u32>,
    cost_cents: u32,
    warehouse: u16,
    carrier: u8,
    late: bool,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct CarrierSla {
    pub(crate) carrier: String,
    pub(crate) warehouse: String,
    pub(crate) shipments: u64,
    pub(crate) delivered: u64,
    pub(crate) late: u64,
    /// Percentiles of the seconds on the way; `None` if nothing was delivered.
    pub(crate) p50: Option<u32>,
    pub(crate) p95: Option<u32>,
    pub(crate) cost_cents: u64,
}

#[step(cost = 21)]
pub(crate) fn load_shipments(#[param] shipments_csv: &InputFile) -> Result<Shipments, InputError> {
    let (mut carriers, mut warehouses) = (Names::new(), Names::new());
    let columns =
        ["shipment_id", "order_id", "carrier", "warehouse", "shipped_at", "delivered_at", "cost_cents"];
    let rows = csv::read(shipments_csv.path(), &columns, |row| {
        row.text()?; // The id is not needed.
        Ok(Shipment {
            order: row.uint()?,
            carrier: row.code(&mut carriers)?,
            warehouse: row.code(&mut warehouses)?,
            shipped_at: row.time()?,
            delivered_at: row.optional(|row| row.time())?,
            cost_cents: row.uint()?,
        })
    })?;
    let mut counts = Counts::new("shipments", &["rows_in", "time_reversed"]);
    counts.add("rows_in", rows.len());
    Ok(Shipments { rows, carriers, warehouses, counts })
}

#[step]
pub(crate) fn shipments(mut load_shipments: Shipments) -> Shipments {
    let before = load_shipments.rows.len();
    load_shipments.rows.retain(|row| row.delivered_at.is_none_or(|delivered| delivered >= row.shipped_at));
    load_shipments.counts.add("time_reversed", before - load_shipments.rows.len());
    load_shipments
}

#[step(cost = 10)]
pub(crate) fn fulfilment(shipments: Shipments, orders: &Orders) -> Fulfilment {
    let mut counts = Counts::new("shipments", &["orphan"]);
    let before = shipments.rows.len();
    let fulfilled = |shipment: Shipment| {
        let order = &orders.rows[orders.by_id.row(shipment.order)?];
        let delivered_at = shipment.delivered_at;
        Some(Fulfilled {
            transit: delivered_at.and_then(|at| at.seconds_since(shipment.shipped_at)),
            cost_cents: shipment.cost_cents,
            warehouse: shipment.warehouse,
            carrier: shipment.carrier,
            late: delivered_at.is_some_and(|at| at > order.ordered_at.plus_seconds(LATE_AFTER)),
        })
    };
    let rows: Vec<Fulfilled> = shipments.rows.into_iter().filter_map(fulfilled).collect();
    counts.add("orphan", before - rows.len());
    Fulfilment { rows, carriers: shipments.carriers, warehouses: shipments.warehouses, counts }
}

#[step(cost = 2)]
pub(crate) fn carrier_sla(fulfilment: &Fulfilment) -> Vec<CarrierSla> {
    let (carriers, warehouses) = (&fulfilment.carriers, &fulfilment.warehouses);
    let mut report = Vec::new();
    for carrier in 0..carriers.len() {
        for warehouse in 0..warehouses.len() {
            let (carrier, warehouse) =
                (carriers.name(carrier).to_owned(), warehouses.name(warehouse).to_owned());
            let (shipments, delivered, late, cost_cents) = (0, 0, 0, 0);
            report.push(CarrierSla {
                carrier,
                warehouse,
                shipments,
                delivered,
                late,
                p50: None,
                p95: None,
                cost_cents,
            });
        }
    }
    let mut transits = vec![Vec::new(); report.len()];
    for row in &fulfilment.rows {
        let group = usize::from(row.carrier) * warehouses.len() + usize::from(row.warehouse);
        let line = &mut report[group];
        line.shipments += 1;
        line.late += u64::from(row.late);
        line.cost_cents += u64::from(row.cost_cents);
        transits[group].extend(row.transit);
    }
    for (line, transits) in report.iter_mut().zip(&mut transits) {
        line.delivered = transits.len() as u64;
        line.p50 = percentile(transits, 50);
        line.p95 = percentile(transits, 95);
    }
    report.retain(|line| line.shipments > 0);
    report.sort_by(|a, b| (&a.carrier, &a.warehouse).cmp(&(&b.carrier, &b.warehouse)));
    report
}

/// Returns the nearest-rank percentile; reorders the values.
fn percentile(values: &mut [u32], percent: usize) -> Option<u32> {
    let rank = (percent * values.len()).div_ceil(100);
    let place = rank.checked_sub(1)?;
    Some(*values.select_nth_unstable(place).1)
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        assert_eq!(percentile(&mut [], 50), None);
        assert_eq!(percentile(&mut [7], 95), Some(7));
        assert_eq!(percentile(&mut [4, 1, 3, 2], 50), Some(2));
        assert_eq!(percentile(&mut [5, 4, 1, 3, 2], 50), Some(3));
        assert_eq!(percentile(&mut (1..=100).rev().collect::<Vec<_>>(), 95), Some(95));
        assert_eq!(percentile(&mut (1..=21).rev().collect::<Vec<_>>(), 95), Some(20));
    }
}
