//! A chain that is longer than the compiler's limit of recursion, written last step first.

use pipeline::prelude::*;

macro_rules! ten {
    ($($name:ident, $next:ident;)*) => {
        $(mod $name {
            use pipeline::prelude::*;

            #[step]
            pub(super) fn s0(#[from(s1)] x: &u32) -> u32 {
                *x
            }
            #[step]
            pub(super) fn s1(#[from(s2)] x: &u32) -> u32 {
                *x
            }
            #[step]
            pub(super) fn s2(#[from(s3)] x: &u32) -> u32 {
                *x
            }
            #[step]
            pub(super) fn s3(#[from(s4)] x: &u32) -> u32 {
                *x
            }
            #[step]
            pub(super) fn s4(#[from(s5)] x: &u32) -> u32 {
                *x
            }
            #[step]
            pub(super) fn s5(#[from(s6)] x: &u32) -> u32 {
                *x
            }
            #[step]
            pub(super) fn s6(#[from(s7)] x: &u32) -> u32 {
                *x
            }
            #[step]
            pub(super) fn s7(#[from(s8)] x: &u32) -> u32 {
                *x
            }
            #[step]
            pub(super) fn s8(#[from(s9)] x: &u32) -> u32 {
                *x
            }
            #[step]
            pub(super) fn s9(#[from(super::$next::s0)] x: &u32) -> u32 {
                *x
            }
        })*
    };
}

ten! {
    a, b; b, c; c, d; d, e; e, f; f, g; g, h; h, i; i, j; j, k; k, l; l, m; m, n; n, o; o, p;
}

mod p {
    use pipeline::prelude::*;

    #[step]
    pub(super) fn s0() -> u32 {
        1
    }
}

use a::s0;

fn main() {
    assert_eq!(Pipeline::to::<s0>().run_blocking().unwrap().output::<s0>(), Ok(&1));
}
