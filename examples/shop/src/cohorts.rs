//! Sales of the users of each signup month, month by month.

use pipeline::step;
use serde::{Deserialize, Serialize};

use crate::sales::{Sales, sales};
use crate::values::{Counts, Distinct, Month};

#[derive(Serialize, Deserialize)]
pub(crate) struct CohortSales {
    pub(crate) rows: Vec<CohortSale>,
    /// [`CohortSale::user`] is below this number.
    users: usize,
    pub(crate) counts: Counts,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct CohortSale {
    net: i64,
    user: u32,
    signup: Month,
    /// Months from the signup to the order.
    offset: u16,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Cohort {
    pub(crate) signup: Month,
    pub(crate) offset: usize,
    pub(crate) users: u64,
    pub(crate) orders: u64,
    pub(crate) net: i64,
}

#[step(cost = 3)]
pub(crate) fn cohort_sales(sales: &Sales) -> CohortSales {
    let mut counts = Counts::new("cohorts", &["before_signup"]);
    let mut rows = Vec::with_capacity(sales.rows.len());
    for sale in &sales.rows {
        match sale.day.month().months_since(sale.signup) {
            Some(offset) => {
                rows.push(CohortSale { net: sale.net, user: sale.user, signup: sale.signup, offset })
            }
            None => counts.add("before_signup", 1),
        }
    }
    CohortSales { rows, users: sales.users, counts }
}

#[step(cost = 2)]
pub(crate) fn cohorts(cohort_sales: &CohortSales) -> Vec<Cohort> {
    let signups = cohort_sales.rows.iter().map(|sale| sale.signup);
    let offsets = cohort_sales.rows.iter().map(|sale| usize::from(sale.offset) + 1).max().unwrap_or(0);
    let (Some(first), Some(last)) = (signups.clone().min(), signups.max()) else {
        return Vec::new();
    };
    let months = (0..=last.months_since(first).unwrap_or(0)).map(|month| first.plus(month));
    let keys = months.flat_map(|signup| (0..offsets).map(move |offset| (signup, offset)));
    let mut report: Vec<Cohort> =
        keys.map(|(signup, offset)| Cohort { signup, offset, users: 0, orders: 0, net: 0 }).collect();
    // A user has one signup month, so that the pair of offset and user settles the users of the cohort too.
    let mut users = Distinct::new(offsets, cohort_sales.users);
    for sale in &cohort_sales.rows {
        let month = usize::from(sale.signup.months_since(first).unwrap_or(0));
        let line = &mut report[month * offsets + usize::from(sale.offset)];
        line.orders += 1;
        line.net += sale.net;
        line.users += u64::from(users.insert(usize::from(sale.offset), sale.user as usize));
    }
    report.retain(|line| line.orders > 0);
    report
}
