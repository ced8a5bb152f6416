//! Writes the ten output files.

use std::collections::BTreeMap;
use std::path::Path;

use pipeline::step;
use pipeline::store::StoredFile;

use crate::cohorts::{Cohort, cohorts};
use crate::output_file::{CsvText, OrEmpty, OutputError, write_json};
use crate::product_stats::{ProductStats, TopProduct, product_stats, top_products};
use crate::quality::{QualityLine, quality};
use crate::sales_reports::{
    DailyRegion, DomainSales, Summary, TierChannel, daily_region, domains, summary, tier_channel,
};
use crate::sessions::{Funnel, funnel};
use crate::shipments::{CarrierSla, carrier_sla};

#[step(tags(report))]
pub(crate) fn daily_region_csv(
    daily_region: &[DailyRegion],
    #[param] out: &Path,
) -> Result<StoredFile, OutputError> {
    let mut csv = CsvText::new("day,region,orders,units,gross_usd_cents,net_usd_cents,customers");
    for line in daily_region {
        let DailyRegion { day, region, orders, units, gross, net, customers } = line;
        csv.line(format_args!("{day},{region},{orders},{units},{gross},{net},{customers}"));
    }
    csv.write(out, "daily_region.csv")
}

#[step(tags(report))]
pub(crate) fn domains_csv(domains: &[DomainSales], #[param] out: &Path) -> Result<StoredFile, OutputError> {
    let mut csv = CsvText::new("domain,users,orders,net_usd_cents");
    for DomainSales { domain, users, orders, net } in domains {
        csv.line(format_args!("{domain},{users},{orders},{net}"));
    }
    csv.write(out, "domains.csv")
}

#[step(tags(report))]
pub(crate) fn tier_channel_csv(
    tier_channel: &[TierChannel],
    #[param] out: &Path,
) -> Result<StoredFile, OutputError> {
    let mut csv = CsvText::new("tier,channel,orders,units,net_usd_cents");
    for TierChannel { tier, channel, orders, units, net } in tier_channel {
        csv.line(format_args!("{tier},{channel},{orders},{units},{net}"));
    }
    csv.write(out, "tier_channel.csv")
}

#[step(tags(report))]
pub(crate) fn cohorts_csv(cohorts: &[Cohort], #[param] out: &Path) -> Result<StoredFile, OutputError> {
    let mut csv = CsvText::new("signup_month,month_offset,users,orders,net_usd_cents");
    for Cohort { signup, offset, users, orders, net } in cohorts {
        csv.line(format_args!("{signup},{offset},{users},{orders},{net}"));
    }
    csv.write(out, "cohorts.csv")
}

#[step(tags(report))]
pub(crate) fn carrier_sla_csv(
    carrier_sla: &[CarrierSla],
    #[param] out: &Path,
) -> Result<StoredFile, OutputError> {
    let mut csv = CsvText::new("carrier,warehouse,shipments,delivered,late,p50_s,p95_s,cost_cents");
    for line in carrier_sla {
        let CarrierSla { carrier, warehouse, shipments, delivered, late, p50, p95, cost_cents } = line;
        let (p50, p95) = (OrEmpty(*p50), OrEmpty(*p95));
        csv.line(format_args!(
            "{carrier},{warehouse},{shipments},{delivered},{late},{p50},{p95},{cost_cents}"
        ));
    }
    csv.write(out, "carrier_sla.csv")
}

#[step(tags(report))]
pub(crate) fn funnel_csv(funnel: &[Funnel], #[param] out: &Path) -> Result<StoredFile, OutputError> {
    let mut csv = CsvText::new("region,device,sessions,with_view,with_cart,with_buy,duration_s");
    for Funnel { region, device, sessions, with_view, with_cart, with_buy, duration_ms } in funnel {
        let duration = duration_ms / 1000;
        csv.line(format_args!("{region},{device},{sessions},{with_view},{with_cart},{with_buy},{duration}"));
    }
    csv.write(out, "funnel.csv")
}

#[step(tags(report))]
pub(crate) fn product_stats_csv(
    product_stats: &[ProductStats],
    #[param] out: &Path,
) -> Result<StoredFile, OutputError> {
    let mut csv = CsvText::new(
        "product_id,category,units,net_usd_cents,margin_usd_cents,views,carts,buys,view_to_buy_bp,reviews,\
         stars_x100,text_chars",
    );
    for line in product_stats {
        let ProductStats {
            product, category, units, net, margin, views, carts, buys, reviews, chars, ..
        } = line;
        let (view_to_buy, stars) = (line.view_to_buy_bp(), line.stars_x100());
        csv.line(format_args!(
            "{product},{category},{units},{net},{margin},{views},{carts},{buys},{view_to_buy},{reviews},{stars},{chars}"
        ));
    }
    csv.write(out, "product_stats.csv")
}

#[step(tags(report))]
pub(crate) fn quality_csv(quality: &[QualityLine], #[param] out: &Path) -> Result<StoredFile, OutputError> {
    let mut csv = CsvText::new("stage,reason,rows");
    for QualityLine { stage, reason, rows } in quality {
        csv.line(format_args!("{stage},{reason},{rows}"));
    }
    csv.write(out, "quality.csv")
}

#[step(tags(report))]
pub(crate) fn top_products_json(
    top_products: &BTreeMap<String, Vec<TopProduct>>,
    #[param] out: &Path,
) -> Result<StoredFile, OutputError> {
    write_json(out, "top_products.json", top_products)
}

#[step(tags(report))]
pub(crate) fn summary_json(summary: &Summary, #[param] out: &Path) -> Result<StoredFile, OutputError> {
    write_json(out, "summary.json", summary)
}
