use pipeline::prelude::*;

#[step]
struct Orders;

#[step]
impl Orders {}

#[step]
trait Source {}

#[step]
mod ingest {}

#[step]
const RATE: u32 = 1;

fn main() {}
