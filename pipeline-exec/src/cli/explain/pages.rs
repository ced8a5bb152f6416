//! The pages. A link beside this file makes `docs/errors` a part of the package.

/// The page of one code.
pub(super) struct Page {
    pub(super) code: &'static str,
    pub(super) text: &'static str,
}

macro_rules! pages {
    ($($code:literal)*) => {
        /// Every page, by code.
        pub(super) const PAGES: &[Page] =
            &[$(Page { code: $code, text: include_str!(concat!("pages/", $code, ".md")) },)*];
    };
}

pages! {
    "PL0001" "PL0002" "PL0003" "PL0004" "PL0005" "PL0006" "PL0007"
    "PL0008" "PL0009" "PL0010" "PL0011" "PL0012" "PL0013" "PL0014"
    "PL0015" "PL0016" "PL0017" "PL0018" "PL0019" "PL0020" "PL0021"
    "PL0022"
    "PL0101" "PL0102" "PL0103" "PL0104" "PL0105" "PL0106" "PL0107"
    "PL0108" "PL0201" "PL0202" "PL0203" "PL0204" "PL0205" "PL0301" "PL0302"
}
