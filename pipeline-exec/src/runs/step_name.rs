//! Which recorded step a name means, as `Dag::find` reads the name in a graph.

use std::collections::BTreeSet;

/// Returns the step that `asked` means among the identities of recorded steps: the one with this identity, or else the one
/// whose identity ends with it.
///
/// # Errors
/// If several identities end with it, returns them; if none does, nothing.
pub(crate) fn meant<'a>(
    asked: &str,
    identities: impl IntoIterator<Item = &'a str>,
) -> Result<&'a str, Vec<&'a str>> {
    let ends_with = |identity: &&str| {
        identity.strip_suffix(asked).is_some_and(|module| module.is_empty() || module.ends_with("::"))
    };
    let found: BTreeSet<&str> = identities.into_iter().filter(ends_with).collect();
    match found.iter().find(|&&identity| identity == asked).or_else(|| found.first()) {
        Some(&identity) if identity == asked || found.len() == 1 => Ok(identity),
        _ => Err(found.into_iter().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::meant;

    #[test]
    fn a_name_means_an_identity_or_the_end_of_one() {
        let recorded = ["shop::orders::load", "shop::users::load", "shop::total", "total", "x::loaded"];
        let meant = |asked| meant(asked, recorded);
        assert_eq!(meant("orders::load"), Ok("shop::orders::load"));
        assert_eq!(meant("total"), Ok("total"));
        assert_eq!(meant("loaded"), Ok("x::loaded"));
        assert_eq!(meant("load"), Err(vec!["shop::orders::load", "shop::users::load"]));
        assert_eq!((meant("oad"), meant("")), (Err(Vec::new()), Err(Vec::new())));
    }
}
