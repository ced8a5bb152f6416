//! Sales by day, by domain, by tier, and in total.

use std::borrow::Cow;

use pipeline::step;
use serde::{Deserialize, Serialize};

use crate::sales::{Sales, sales};
use crate::sessions::{Sessions, sessions};
use crate::shipments::{CarrierSla, carrier_sla};
use crate::users::{Region, Tier};
use crate::values::{Day, Distinct};

#[derive(Serialize, Deserialize)]
pub(crate) struct DailyRegion {
    pub(crate) day: Day,
    pub(crate) region: Cow<'static, str>,
    pub(crate) orders: u64,
    pub(crate) units: u64,
    pub(crate) gross: i64,
    pub(crate) net: i64,
    pub(crate) customers: u64,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct DomainSales {
    pub(crate) domain: String,
    pub(crate) users: u64,
    pub(crate) orders: u64,
    pub(crate) net: i64,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct TierChannel {
    pub(crate) tier: Cow<'static, str>,
    pub(crate) channel: String,
    pub(crate) orders: u64,
    pub(crate) units: u64,
    pub(crate) net: i64,
}

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) orders: u64,
    pub(crate) units: u64,
    #[serde(rename = "gross_usd_cents")]
    pub(crate) gross: i64,
    #[serde(rename = "net_usd_cents")]
    pub(crate) net: i64,
    #[serde(rename = "margin_usd_cents")]
    pub(crate) margin: i64,
    pub(crate) customers: u64,
    pub(crate) sessions: u64,
    pub(crate) delivered: u64,
    pub(crate) late: u64,
}

#[step(cost = 3)]
pub(crate) fn daily_region(sales: &Sales) -> Vec<DailyRegion> {
    let days = sales.rows.iter().map(|sale| sale.day);
    let (Some(first), Some(last)) = (days.clone().min(), days.max()) else {
        return Vec::new();
    };
    let day_count = last.days_since(first) + 1;
    let empty = |(day, region)| DailyRegion {
        day,
        region: Cow::Borrowed(region),
        orders: 0,
        units: 0,
        gross: 0,
        net: 0,
        customers: 0,
    };
    let keys = (0..day_count).flat_map(|day| Region::ALL.map(|(_, name)| (first.plus(day), name)));
    let mut report: Vec<DailyRegion> = keys.map(empty).collect();
    // A user has one region, so that the pair of day and user settles the customers of the region too.
    let mut customers = Distinct::new(day_count, sales.users);
    for sale in &sales.rows {
        let day = sale.day.days_since(first);
        let line = &mut report[day * Region::ALL.len() + sale.region as usize];
        line.orders += 1;
        line.units += u64::from(sale.qty);
        line.gross += sale.gross;
        line.net += sale.net;
        line.customers += u64::from(customers.insert(day, sale.user as usize));
    }
    report.retain(|line| line.orders > 0);
    report
}

/// The 25 domains with the highest sales.
#[step]
pub(crate) fn domains(sales: &Sales) -> Vec<DomainSales> {
    let names = (0..sales.domains.len()).map(|code| sales.domains.name(code).to_owned());
    let mut report: Vec<DomainSales> =
        names.map(|domain| DomainSales { domain, users: 0, orders: 0, net: 0 }).collect();
    let mut customers = Distinct::new(1, sales.users);
    for sale in &sales.rows {
        let line = &mut report[sale.domain as usize];
        line.orders += 1;
        line.net += sale.net;
        line.users += u64::from(customers.insert(0, sale.user as usize));
    }
    report.retain(|line| line.orders > 0);
    report.sort_by(|a, b| b.net.cmp(&a.net).then_with(|| a.domain.cmp(&b.domain)));
    report.truncate(25);
    report
}

#[step]
pub(crate) fn tier_channel(sales: &Sales) -> Vec<TierChannel> {
    let channels = sales.channels.len();
    let empty = |(tier, channel): (&'static str, &str)| TierChannel {
        tier: Cow::Borrowed(tier),
        channel: channel.to_owned(),
        orders: 0,
        units: 0,
        net: 0,
    };
    let keys =
        Tier::ALL.iter().flat_map(|(_, tier)| (0..channels).map(|code| (*tier, sales.channels.name(code))));
    let mut report: Vec<TierChannel> = keys.map(empty).collect();
    for sale in &sales.rows {
        let line = &mut report[sale.tier as usize * channels + usize::from(sale.channel)];
        line.orders += 1;
        line.units += u64::from(sale.qty);
        line.net += sale.net;
    }
    report.retain(|line| line.orders > 0);
    report.sort_by(|a, b| (&a.tier, &a.channel).cmp(&(&b.tier, &b.channel)));
    report
}

#[step]
pub(crate) fn summary(sales: &Sales, sessions: &Sessions, carrier_sla: &[CarrierSla]) -> Summary {
    let mut summary = Summary {
        sessions: sessions.rows.len() as u64,
        delivered: carrier_sla.iter().map(|line| line.delivered).sum(),
        late: carrier_sla.iter().map(|line| line.late).sum(),
        ..Summary::default()
    };
    let mut customers = Distinct::new(1, sales.users);
    for sale in &sales.rows {
        summary.orders += 1;
        summary.units += u64::from(sale.qty);
        summary.gross += sale.gross;
        summary.net += sale.net;
        summary.margin += sale.margin;
        summary.customers += u64::from(customers.insert(0, sale.user as usize));
    }
    summary
}
