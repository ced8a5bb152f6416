use pipeline::prelude::*;

#[step]
fn load(#[param] #[resource] path: &String, #[from(a)] #[from(b)] rows: &u32) -> u32 {
    path.len() as u32 + rows
}

fn main() {}
