//! Two steps with one short name.

mod orders {
    #[pipeline::step]
    pub(super) fn namesake() -> u64 {
        1
    }
}

mod users {
    #[pipeline::step]
    pub(super) fn namesake() -> u64 {
        2
    }
}

#[pipeline::step]
fn reads_namesakes(#[from(orders::namesake)] orders: &u64, #[from(users::namesake)] users: &u64) -> u64 {
    orders + users
}
