//! The wall clock. It may stand anywhere, before 1970 too, and may be set at any moment.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use uuid::{ContextV7, Timestamp, Uuid};

/// Time since 1970; zero before.
fn since_1970(at: SystemTime) -> Duration {
    at.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Milliseconds since 1970; 0 before.
pub(crate) fn unix_ms(at: SystemTime) -> u64 {
    u64::try_from(since_1970(at).as_millis()).unwrap_or(u64::MAX)
}

/// Returns a unique id. Those of this process are in the order in which they were made.
///
/// It is `Uuid::now_v7`, which panics if the clock stands before 1970.
pub(crate) fn unique_id() -> Uuid {
    static SEQUENCE: Mutex<ContextV7> = Mutex::new(ContextV7::new());
    let now = since_1970(SystemTime::now());
    let sequence = SEQUENCE.lock().unwrap_or_else(PoisonError::into_inner);
    Uuid::new_v7(Timestamp::from_unix(&*sequence, now.as_secs(), now.subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_before_1970_is_the_start_of_1970() {
        let at =
            |seconds| UNIX_EPOCH.checked_sub(Duration::from_secs(seconds)).expect("invariant: in its range");
        assert_eq!(unix_ms(at(1)), 0);
        assert_eq!(unix_ms(at(1_000_000_000)), 0);
        assert_eq!(unix_ms(UNIX_EPOCH + Duration::from_millis(1234)), 1234);
    }

    #[test]
    fn ids_are_unique_and_in_order() {
        let ids: Vec<Uuid> = (0..1000).map(|_| unique_id()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    }
}
