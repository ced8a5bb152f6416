//! Small types that the steps share.

mod counts;
mod distinct;
mod ids;
mod radix;
mod time;

pub(crate) use counts::Counts;
pub(crate) use distinct::Distinct;
pub(crate) use ids::IdIndex;
pub(crate) use radix::sorted_by_id;
pub(crate) use time::{Day, Month, Timestamp};
