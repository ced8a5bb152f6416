use pipeline::prelude::*;

struct Shop;

impl Shop {
    #[step]
    fn orders(&self) -> u32 {
        1
    }
}

fn main() {}
