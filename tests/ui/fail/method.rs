use pipeline::prelude::*;

struct Shop;

impl Shop {
    #[step]
    fn orders() -> u32 {
        1
    }
}

fn main() {}
