use pipeline::prelude::*;

mod farm {
    #[pipeline::step]
    pub fn hen(#[from(super::chicken)] chick: &u32, feed: &u32) -> u32 {
        *chick + feed
    }

    #[pipeline::step]
    fn feed() -> u32 {
        1
    }
}

#[step]
fn chicken(egg: &u32) -> u32 {
    *egg
}

#[step]
fn egg(#[from(farm::hen)] hen: &u32) -> u32 {
    *hen
}

fn main() {}
