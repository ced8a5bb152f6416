//! Orders and their shipments.

use std::io::{self, Write};

use super::Scale;
use super::customers::price;
use super::line::{DAY, Line, SPAN, START};
use super::random::{Table, skew};

const CHANNELS: [&str; 6] = ["web", "web", "app", "app", "store", "partner"];
const DISCOUNTS: [u64; 8] = [0, 0, 0, 0, 500, 1000, 1250, 2000];
const CARRIERS: [&str; 5] = ["alpha", "bravo", "cargo+", "delta", "echo"];
const FIRST_ID: u64 = 1_000_000;

/// Rises with the order's number, except for up to two hours of disorder, and stays inside the span.
fn time(scale: Scale, order: u64) -> u64 {
    START + order * (SPAN - 7200) / scale.orders + Table::Orders.bits(order, 0) % 7200
}

fn status(order: u64) -> &'static str {
    match Table::Orders.bits(order, 1) % 1000 {
        0..50 => "placed",
        50..200 => "paid",
        200..400 => "shipped",
        400..897 => "delivered",
        897..957 => "cancelled",
        957..997 => "refunded",
        _ => "???",
    }
}

pub(super) fn orders(scale: Scale, file: &mut dyn Write) -> io::Result<()> {
    let mut line = Line::new();
    line.text("order_id,user_id,product_id,qty,unit_price,discount_bp,status,channel,ordered_at")
        .end(file)?;
    for i in 0..scale.orders {
        order(&mut line, scale, i, status(i));
        line.end(file)?;
        let bits = Table::Orders.bits(i, 6);
        // 1 %: a later row for an earlier order, with a new status.
        let back = 1 + bits / 100 % 5000;
        if bits.is_multiple_of(100) && back <= i {
            order(
                &mut line,
                scale,
                i - back,
                if bits / 1_000_000 % 2 == 1 { "refunded" } else { "delivered" },
            );
            line.end(file)?;
        }
    }
    Ok(())
}

fn order(line: &mut Line, scale: Scale, i: u64, status: &str) {
    let (bits, bad) = (Table::Orders.bits(i, 2), Table::Orders.bits(i, 3));
    // Some products and users are unknown.
    let product = Table::Orders.skewed(i, 4, scale.products + scale.products / 200);
    let user = Table::Orders.skewed(i, 5, scale.users + scale.users / 200);

    line.number(FIRST_ID + i).text(",");
    if bad % 1000 >= 5 {
        line.number(user + 1);
    }
    line.text(",").number(product + 1).text(",");
    match bad / 1000 % 1000 {
        0..3 => line.number(-((bits % 2) as i64)),
        _ => line.number(1 + bits / 32 % 4 * (bits / 128 % 2)),
    };
    line.text(",");
    if bad / 1_000_000 % 1000 >= 2 {
        line.money(price(product) * (90 + bits % 21) / 100);
    }
    line.text(",").number(DISCOUNTS[(bits / 256 % 8) as usize]).text(",").text(status);
    line.text(",").text(CHANNELS[(bits / 4096 % 6) as usize]).text(",");
    match bad / 1_000_000_000 % 1000 {
        0..2 => line.text("n/a"),
        _ => line.time(time(scale, i)),
    };
}

pub(super) fn shipments(scale: Scale, file: &mut dyn Write) -> io::Result<()> {
    let mut line = Line::new();
    line.text("shipment_id,order_id,carrier,warehouse,shipped_at,delivered_at,cost_cents").end(file)?;
    for k in 0..scale.orders {
        // Each order once, well shuffled: the number of orders is not a multiple of that prime.
        let order = (k * 2_654_435_761 + 12_345) % scale.orders;
        let status = status(order);
        if !matches!(status, "shipped" | "delivered" | "refunded") {
            continue;
        }
        let (bits, more) = (Table::Shipments.bits(order, 0), Table::Shipments.bits(order, 1));
        let shipped_at = time(scale, order) + 3600 + bits % 259_200;
        let reversed = bits / 259_200 % 1000 < 2;
        let orphan = bits / 259_200 / 1000 % 1000 < 5;

        shipment_id(&mut line, k + 1);
        line.text(",").number(FIRST_ID + order + if orphan { 1_000_000_000 } else { 0 });
        line.text(",").text(CARRIERS[skew(more.wrapping_mul(31), 5) as usize]);
        line.text(",WH").number(1 + Table::Shipments.bits(order, 2) % 8);
        line.text(",").time(shipped_at).text(",");
        match status {
            "shipped" => &mut line, // Still on its way.
            _ if reversed => line.time(shipped_at - 5000),
            _ => line.time(shipped_at + 21_600 + skew(more, 9 * DAY)),
        };
        line.text(",").number(299 + bits % 1900).end(file)?;
    }
    Ok(())
}

/// `S` and eight hexadecimal digits.
fn shipment_id(line: &mut Line, number: u64) {
    line.text("S");
    for digit in (0..8).rev() {
        let digit = number >> (4 * digit) & 0xF;
        line.text(&"0123456789ABCDEF"[digit as usize..][..1]);
    }
}
