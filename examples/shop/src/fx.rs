//! What a unit of each currency is worth in US dollars, on each day.

use std::error::Error;
use std::fmt;

use pipeline::step;
use pipeline::store::InputFile;
use serde::{Deserialize, Serialize};

use crate::input::{Expected, InputError, csv};
use crate::values::Day;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Currency {
    Usd,
    Eur,
    Gbp,
    Cad,
    Sek,
    Pln,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct RawRate {
    day: Day,
    currency: Currency,
    /// Millionths of a US dollar.
    rate: u32,
}

/// The rates of every day from the first in the file to the last, weekends filled in.
#[derive(Serialize, Deserialize)]
pub(crate) struct Fx {
    first_day: Day,
    /// In millionths, indexed by currency.
    rates: Vec<[u32; 6]>,
}

/// The file has no rate for that day or any day before.
#[derive(Debug)]
pub(crate) struct NoRate(Day);

#[step]
pub(crate) fn load_fx(#[param] fx_csv: &InputFile) -> Result<Vec<RawRate>, InputError> {
    csv::read(fx_csv.path(), &["day", "currency", "rate"], |row| {
        Ok(RawRate { day: row.day()?, currency: Currency::parse(&row.text()?)?, rate: row.millionths()? })
    })
}

#[step]
pub(crate) fn fx(mut load_fx: Vec<RawRate>) -> Fx {
    load_fx.sort_by_key(|rate| rate.day);
    let mut rates: Vec<[u32; 6]> = Vec::new();
    let Some(first_day) = load_fx.first().map(|rate| rate.day) else {
        return Fx { first_day: Day::default(), rates };
    };
    let mut latest = [0; 6];
    for rate in &load_fx {
        let day = rate.day.days_since(first_day);
        // Days without rates have those of the day before.
        rates.resize(rates.len().max(day), latest);
        rates.truncate(day);
        latest[rate.currency as usize] = rate.rate;
        rates.push(latest);
    }
    Fx { first_day, rates }
}

impl Fx {
    /// The rate on the latest day that is not after `day`.
    pub(crate) fn rate(&self, day: Day, currency: Currency) -> Result<i64, NoRate> {
        if day < self.first_day {
            return Err(NoRate(day));
        }
        let known = self.rates.get(day.days_since(self.first_day)).or(self.rates.last());
        known.map(|rates| i64::from(rates[currency as usize])).ok_or(NoRate(day))
    }
}

impl Currency {
    pub(crate) fn parse(code: &[u8]) -> Result<Self, Expected> {
        Ok(match code {
            b"USD" => Self::Usd,
            b"EUR" => Self::Eur,
            b"GBP" => Self::Gbp,
            b"CAD" => Self::Cad,
            b"SEK" => Self::Sek,
            b"PLN" => Self::Pln,
            _ => return Err(Expected("USD, EUR, GBP, CAD, SEK or PLN")),
        })
    }
}

impl fmt::Display for NoRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fx.csv has no rate for {} or a day before it", self.0)
    }
}

impl Error for NoRate {}
