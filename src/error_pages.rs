//! The examples in the pages about error codes compile, and show what they say.

macro_rules! pages {
    ($($name:ident $code:literal)*) => {
        $(
            #[doc = include_str!(concat!("../docs/errors/", $code, ".md"))]
            mod $name {}
        )*
    };
}

pages! {
    pl0001 "PL0001" pl0002 "PL0002" pl0003 "PL0003" pl0004 "PL0004" pl0005 "PL0005"
    pl0006 "PL0006" pl0007 "PL0007" pl0008 "PL0008" pl0009 "PL0009" pl0010 "PL0010"
    pl0011 "PL0011" pl0012 "PL0012" pl0013 "PL0013" pl0014 "PL0014" pl0015 "PL0015"
    pl0016 "PL0016" pl0017 "PL0017" pl0018 "PL0018" pl0019 "PL0019" pl0020 "PL0020"
    pl0021 "PL0021" pl0022 "PL0022" pl0101 "PL0101" pl0102 "PL0102" pl0103 "PL0103" pl0104 "PL0104"
    pl0105 "PL0105" pl0106 "PL0106" pl0107 "PL0107" pl0108 "PL0108" pl0201 "PL0201"
    pl0202 "PL0202" pl0203 "PL0203" pl0204 "PL0204" pl0205 "PL0205" pl0301 "PL0301"
    pl0302 "PL0302"
}
