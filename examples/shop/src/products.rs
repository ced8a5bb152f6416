//! Products.

use pipeline::step;
use pipeline::store::InputFile;
use serde::{Deserialize, Serialize};

use crate::fx::Currency;
use crate::input::{Expected, InputError, Names, csv};
use crate::values::{Counts, IdIndex};

#[derive(Serialize, Deserialize)]
pub(crate) struct RawProducts {
    rows: Vec<RawProduct>,
    categories: Names<u16>,
}

#[derive(Serialize, Deserialize)]
struct RawProduct {
    has_price: bool,
    product: Product,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Products {
    /// By id.
    pub(crate) rows: Vec<Product>,
    pub(crate) by_id: IdIndex,
    /// The names behind [`Product::category`].
    pub(crate) categories: Names<u16>,
    pub(crate) counts: Counts,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Product {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) category: u16,
    /// In cents of the currency.
    pub(crate) cost: u32,
    pub(crate) currency: Currency,
}

#[step]
pub(crate) fn load_products(#[param] products_csv: &InputFile) -> Result<RawProducts, InputError> {
    let mut categories = Names::new();
    let columns = ["product_id", "name", "category", "price", "cost", "currency"];
    let rows = csv::read(products_csv.path(), &columns, |row| {
        let id = row.uint()?;
        let name = str::from_utf8(&row.text()?).map_err(|_| Expected("UTF-8"))?.to_owned();
        let category = row.code(&mut categories)?;
        let has_price = row.optional(|row| row.cents())?.is_some();
        let (cost, currency) = (row.cents()?, Currency::parse(&row.text()?)?);
        Ok(RawProduct { has_price, product: Product { id, name, category, cost, currency } })
    })?;
    Ok(RawProducts { rows, categories })
}

#[step]
pub(crate) fn products(load_products: RawProducts) -> Products {
    let mut counts = Counts::new("products", &["rows_in", "no_price"]);
    counts.add("rows_in", load_products.rows.len());
    let priced = load_products.rows.into_iter().filter(|raw| raw.has_price);
    let rows: Vec<Product> = priced.map(|raw| raw.product).collect();
    counts.add("no_price", counts.rows[0].1 - rows.len());
    let by_id = IdIndex::of_unique(rows.iter().map(|product| product.id));
    Products { rows, by_id, categories: load_products.categories, counts }
}
