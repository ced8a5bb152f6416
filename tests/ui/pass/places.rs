//! Where a step can be written, and how it can be named.

use pipeline::Step;
use pipeline::prelude::*;

mod ingest {
    use pipeline::prelude::*;

    #[step]
    pub(crate) fn orders() -> u32 {
        1
    }

    pub(super) mod deep {
        #[pipeline::step]
        pub(in crate::ingest) fn hidden(#[from(super::orders)] orders: &u32) -> u32 {
            *orders
        }

        #[::pipeline::step]
        pub(crate) fn shown(hidden: &u32) -> u32 {
            *hidden
        }
    }
}

#[step]
fn revenue(#[from(ingest::orders)] orders: &u32, #[from(crate::ingest::deep::shown)] shown: &u32) -> u32 {
    orders + shown
}

#[step]
fn r#type(revenue: &u32) -> u32 {
    *revenue
}

/// Unused in its body, and named after a step whose name is a keyword.
#[step]
fn after_type(_type: &u32) -> u32 {
    1
}

#[step]
fn r#gen(revenue: &u32) -> u32 {
    *revenue
}

/// `gen` is a keyword in this edition only.
#[step]
fn after_gen(_gen: &u32) -> u32 {
    1
}

#[step]
fn r#match(r#type: &u32, #[from(r#type)] r#in: &u32) -> u32 {
    r#type + r#in
}

// The names of an expansion's own variables.
#[step]
fn call(revenue: &u32) -> u32 {
    *revenue
}

#[step]
async fn output(
    call: &u32,
    #[from(call)] input0: &u32,
    #[from(call)] error: Option<&u32>,
) -> Result<u32, String> {
    error.map(|error| call + input0 + error).ok_or_else(String::new)
}

#[cfg(any())]
#[step]
fn above() -> Missing {}

#[step]
#[cfg(any())]
fn below(missing: &Missing) -> Missing {}

#[step]
#[cfg_attr(all(), cfg(any()))]
fn through(missing: &Missing) -> Missing {}

#[step]
#[cfg(not(any()))]
fn below() -> u32 {
    1
}

#[step]
#[must_use]
#[inline]
#[allow(clippy::needless_return)]
fn lints(below: &u32) -> u32 {
    return *below;
}

fn body() -> &'static str {
    #[step]
    fn local(revenue: &u32) -> u32 {
        *revenue
    }
    #[step]
    fn second(local: &u32) -> u32 {
        *local
    }
    &second::def().name
}

#[step(crate = pipeline)]
fn by_name() {}

#[step(crate = ::pipeline)]
fn by_root(by_name: &()) {
    let () = by_name;
}

/// A module with the name of the step in it.
mod stock {
    #[pipeline::step]
    pub(crate) fn stock() -> u32 {
        1
    }
}

#[step]
fn reorder(#[from(stock::stock)] stock: &u32) -> u32 {
    *stock
}

mod shop {
    use crate::stock::stock;

    #[pipeline::step]
    pub(crate) fn shelf(stock: &u32) -> u32 {
        *stock
    }
}

fn main() {
    assert_eq!(r#type::def().name, "type");
    assert_eq!(after_type::def().inputs[0].name, "type");
    assert_eq!(after_gen::def().inputs[0].name, "gen");
    assert_eq!(r#match::def().inputs[1].name, "in");
    assert_eq!(body(), "second");
    assert_eq!(ingest::orders::def().module, concat!(module_path!(), "::ingest"));
    let _ = (ingest::deep::shown(&1), below(), lints(&1), by_root(&by_name()));
}
