//! The small tables: users, products, exchange rates.

use std::io::{self, Write};

use super::Scale;
use super::line::{DAY, Line, START};
use super::random::{Table, pick, skew};

const COUNTRIES: [&str; 30] = [
    "US", "US", "US", "DE", "FR", "GB", "IT", "ES", "NL", "SE", "PL", "JP", "IN", "IN", "AU", "SG", "KR",
    "BR", "BR", "AR", "CL", "CA", "MX", "ZA", "NG", "us", " de", "Fr ", "gb", "",
];
const DOMAINS: [&str; 12] = [
    "example.com",
    "mail.test",
    "Example.COM",
    "corp.example",
    "uni.example",
    "post.test",
    "inbox.test",
    "MAIL.test",
    "shop.example",
    "home.example",
    "isp.test",
    "web.example",
];
const TIERS: [&str; 10] = ["free", "free", "free", "free", "free", "pro", "pro", "pro", "enterprise", "gold"];
const CATEGORIES: [&str; 12] = [
    "audio", "books", "camera", "garden", "grocery", "health", "kitchen", "office", "outdoor", "pets",
    "toys", "video",
];
const ADJECTIVES: [&str; 8] = ["Turbo", "Classic", "Mini", "Ultra", "Eco", "Smart", "Café", "Größe L"];
const NOUNS: [&str; 8] = ["Lamp", "Kettle", "Speaker", "Tent", "Notebook", "Lens", "Leash", "Mixer"];
/// With their usual rates, in millionths of a US dollar.
const CURRENCIES: [(&str, u64); 6] = [
    ("USD", 1_000_000),
    ("EUR", 1_082_000),
    ("GBP", 1_267_000),
    ("CAD", 731_000),
    ("SEK", 95_400),
    ("PLN", 251_000),
];
/// 2023-01-01, in seconds since 1970.
const FIRST_SIGNUP: u64 = 1_672_531_200;

pub(super) fn users(scale: Scale, file: &mut dyn Write) -> io::Result<()> {
    let mut line = Line::new();
    line.text("user_id,email,country,signup_date,tier").end(file)?;
    for i in 0..scale.users {
        let email = Table::Users.bits(i, 0);
        let blanks = email / 100_000 % 50;
        line.number(i + 1).text(if blanks == 0 { ",  User." } else { ",User." }).number(i + 1);
        line.text(if email / 100 % 1000 < 7 { "" } else { "@" }); // 0.7 % are no addresses.
        if email % 100 < 30 {
            line.text("c").padded(Table::Users.bits(i, 6) % 400, 3).text(".example");
        } else {
            line.text(DOMAINS[Table::Users.skewed(i, 1, 12) as usize]);
        }
        line.text(if blanks == 1 { " ," } else { "," }).text(pick(&COUNTRIES, Table::Users.bits(i, 2)));
        line.text(",").day(FIRST_SIGNUP + Table::Users.bits(i, 3) % 912 * DAY);
        line.text(",").text(pick(&TIERS, Table::Users.bits(i, 4))).end(file)?;
    }
    Ok(())
}

/// The price of a product, in cents. Orders ask for those of unknown products, too.
pub(super) fn price(product: u64) -> u64 {
    199 + Table::Products.skewed(product, 0, 60_000)
}

pub(super) fn products(scale: Scale, file: &mut dyn Write) -> io::Result<()> {
    let mut line = Line::new();
    line.text("product_id,name,category,price,cost,currency").end(file)?;
    for i in 0..scale.products {
        let bits = Table::Products.bits(i, 1);
        let (adjective, noun, number) = (pick(&ADJECTIVES, bits), pick(&NOUNS, bits / 8), bits / 64 % 1000);
        line.number(i + 1).text(",");
        match bits >> 61 {
            0 => line.text("\"").text(noun).text(", ").text(adjective).text(" ").number(number).text("\""),
            1 => line
                .text("\"")
                .text(noun)
                .text(" \"\"")
                .text(adjective)
                .text("\"\" ")
                .number(number)
                .text("\""),
            _ => line.text(adjective).text(" ").text(noun).text(" ").number(number),
        };
        line.text(",").text(pick(&CATEGORIES, Table::Products.bits(i, 4))).text(",");
        if !Table::Products.bits(i, 3).is_multiple_of(100) {
            line.money(price(i)); // 1 % have no price.
        }
        line.text(",").money(price(i) * (40 + Table::Products.bits(i, 2) % 50) / 100);
        let currency = skew(Table::Products.bits(i, 5), 6) as usize;
        line.text(",").text(CURRENCIES[currency].0).end(file)?;
    }
    Ok(())
}

pub(super) fn fx(_: Scale, file: &mut dyn Write) -> io::Result<()> {
    let mut line = Line::new();
    line.text("day,currency,rate").end(file)?;
    for day in 0..181 {
        let weekday = (day + 3) % 7; // 2025-01-01 was a Wednesday; 0 is Sunday.
        if weekday == 0 || weekday == 6 {
            continue;
        }
        for k in 0..6 {
            let currency = (k * 5 + day) % 6;
            let (code, usual) = CURRENCIES[currency as usize];
            let rate = match code {
                "USD" => usual,
                _ => usual - usual / 32 + Table::Fx.bits(day, currency) % (usual / 16),
            };
            line.day(START + day * DAY).text(",").text(code).text(",");
            line.number(rate / 1_000_000).text(".").padded(rate % 1_000_000, 6).end(file)?;
        }
    }
    Ok(())
}
