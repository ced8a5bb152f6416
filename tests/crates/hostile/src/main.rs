//! Denies every lint that a user may deny, and shadows every name of std: expansions must cause no warning.
#![forbid(unsafe_code)]
#![deny(
    warnings,
    missing_docs,
    unused_qualifications,
    unreachable_pub,
    missing_debug_implementations,
    rust_2018_idioms,
    unused,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]
#![allow(clippy::missing_const_for_fn, clippy::unused_async, clippy::redundant_pub_crate)]

mod taken {
    //! A module in which no name has its usual meaning.
    #![no_implicit_prelude]

    use ::pipeline::step;

    #[derive(Debug)]
    struct Option;
    #[derive(Debug)]
    struct Result;
    #[derive(Debug)]
    struct Box;
    mod core {}
    mod std {}

    /// A trait of every type, including those that an expansion names.
    trait Access {
        const READ: bool = true;
        const WRITE: bool = false;
    }
    impl<T> Access for T {}

    #[step]
    pub(super) fn one() -> u64 {
        let _ = (Option, Result, Box, <u8 as Access>::READ, <u8 as Access>::WRITE);
        1
    }

    #[step]
    pub(super) async fn two(one: &u64) -> u64 {
        one + 1
    }
}

use taken::two;

/// Eight steps, and one that reads them all.
mod wide {
    use pipeline::step;

    macro_rules! sources {
        ($($name:ident)*) => {
            $(#[step]
            fn $name() -> String {
                stringify!($name).to_owned()
            })*
        };
    }
    sources! { a b c d e f g h }

    #[step]
    #[allow(clippy::many_single_char_names)]
    pub(super) fn all(a: &str, b: &str, c: &str, d: &str, e: &str, f: &str, g: &str, h: &str) -> String {
        [a, b, c, d, e, f, g, h].concat()
    }
}

fn main() {
    let run = pipeline::Pipeline::to::<two>().and::<wide::all>().run_blocking().expect("a valid pipeline");
    assert_eq!(run.output::<two>().ok(), Some(&2));
}
