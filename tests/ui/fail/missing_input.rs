use pipeline::prelude::*;

mod ingest {
    use pipeline::prelude::*;

    #[step]
    pub fn sales() -> Vec<u32> {
        vec![]
    }
}

#[step]
fn orders() -> Vec<u32> {
    vec![]
}

#[step]
fn revenue(sales: &[u32], oders: &[u32]) -> u32 {
    sales.len() as u32 + oders.len() as u32
}

fn main() {}
