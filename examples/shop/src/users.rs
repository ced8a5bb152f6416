//! Users: the customers.

use std::borrow::Cow;

use pipeline::step;
use pipeline::store::InputFile;
use serde::{Deserialize, Serialize};

use crate::input::{InputError, Names, csv};
use crate::values::{Counts, Day, IdIndex, Month};

#[derive(Serialize, Deserialize)]
pub(crate) struct RawUsers {
    rows: Vec<RawUser>,
    domains: Names<u32>,
}

#[derive(Serialize, Deserialize)]
struct RawUser {
    id: u32,
    /// `None` if the e-mail address has no `@`.
    domain: Option<u32>,
    region: Region,
    signup: Day,
    tier: Tier,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Users {
    pub(crate) rows: Vec<User>,
    pub(crate) by_id: IdIndex,
    /// The names behind [`User::domain`].
    pub(crate) domains: Names<u32>,
    pub(crate) counts: Counts,
}

/// Without the id, which [`Users::by_id`] knows: sales look users up at random, so that small rows pay.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) domain: u32,
    pub(crate) signup: Month,
    pub(crate) region: Region,
    pub(crate) tier: Tier,
}

/// In the order of their names, as in the outputs.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Region {
    Apac,
    Eu,
    Latam,
    Na,
    Other,
}

/// In the order of their names, as in the outputs.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Tier {
    Enterprise,
    Free,
    Pro,
}

#[step(cost = 4)]
pub(crate) fn load_users(#[param] users_csv: &InputFile) -> Result<RawUsers, InputError> {
    let mut domains = Names::new();
    let columns = ["user_id", "email", "country", "signup_date", "tier"];
    let rows = csv::read(users_csv.path(), &columns, |row| {
        Ok(RawUser {
            id: row.uint()?,
            domain: match domain(&row.text()?) {
                Some(domain) => Some(domains.code(domain.as_bytes())?),
                None => None,
            },
            region: Region::of_country(&row.text()?),
            signup: row.day()?,
            tier: Tier::of_name(&row.text()?),
        })
    })?;
    Ok(RawUsers { rows, domains })
}

#[step]
pub(crate) fn users(load_users: RawUsers) -> Users {
    let mut counts = Counts::new("users", &["rows_in", "bad_email"]);
    counts.add("rows_in", load_users.rows.len());
    let mut ids = Vec::with_capacity(load_users.rows.len());
    let mut rows = Vec::with_capacity(load_users.rows.len());
    for RawUser { id, domain, region, signup, tier } in load_users.rows {
        let Some(domain) = domain else {
            counts.add("bad_email", 1);
            continue;
        };
        ids.push(id);
        rows.push(User { domain, signup: signup.month(), region, tier });
    }
    let by_id = IdIndex::of_unique(ids.into_iter());
    Users { rows, by_id, domains: load_users.domains, counts }
}

/// What follows the last `@` of an e-mail address, in lower case.
fn domain(email: &[u8]) -> Option<Cow<'_, str>> {
    let email = trim_blanks(email);
    let at = email.iter().rposition(|&byte| byte == b'@')?;
    let domain = String::from_utf8_lossy(&email[at + 1..]);
    if domain.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Some(domain);
    }
    Some(domain.to_lowercase().into())
}

fn trim_blanks(mut text: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] | [rest @ .., b' '] = text {
        text = rest;
    }
    text
}

impl Region {
    pub(crate) const ALL: [(Self, &str); 5] = [
        (Self::Apac, "APAC"),
        (Self::Eu, "EU"),
        (Self::Latam, "LATAM"),
        (Self::Na, "NA"),
        (Self::Other, "OTHER"),
    ];

    fn of_country(country: &[u8]) -> Self {
        let &[first, second] = trim_blanks(country) else {
            return Self::Other;
        };
        match &[first.to_ascii_uppercase(), second.to_ascii_uppercase()] {
            b"US" | b"CA" | b"MX" => Self::Na,
            b"DE" | b"FR" | b"GB" | b"IT" | b"ES" | b"NL" | b"SE" | b"PL" => Self::Eu,
            b"JP" | b"IN" | b"AU" | b"SG" | b"KR" => Self::Apac,
            b"BR" | b"AR" | b"CL" => Self::Latam,
            _ => Self::Other,
        }
    }
}

impl Tier {
    pub(crate) const ALL: [(Self, &str); 3] =
        [(Self::Enterprise, "enterprise"), (Self::Free, "free"), (Self::Pro, "pro")];

    fn of_name(name: &[u8]) -> Self {
        match name {
            b"pro" => Self::Pro,
            b"enterprise" => Self::Enterprise,
            _ => Self::Free,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::domain;

    #[test]
    fn the_domain_follows_the_last_at_sign_in_lower_case() {
        assert_eq!(domain(b"  User.1@Mail.TEST ").as_deref(), Some("mail.test"));
        assert_eq!(domain(b"a@b@c").as_deref(), Some("c"));
        assert_eq!(domain("a@GRÖSSE.test".as_bytes()).as_deref(), Some("grösse.test"));
        assert_eq!(domain(b"nobody.example").as_deref(), None);
    }
}
