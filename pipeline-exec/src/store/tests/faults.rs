//! An operation of the storage fails, at every place.

use super::*;
use crate::store::storage::faulty::{FAULTS, Fault, Faulty};
use crate::store::storage::memory::Memory;

/// More operations than a commit and a lookup have.
const OPERATIONS: usize = 20;

fn over(storage: impl storage::Storage + 'static) -> ValueStore {
    ValueStore::over("test".to_owned(), Box::new(storage))
}

#[test]
fn a_fault_at_any_operation_gives_the_value_or_a_miss_and_the_next_commit_works() {
    for (fault, at) in FAULTS.into_iter().flat_map(|fault| (0..OPERATIONS).map(move |at| (fault, at))) {
        for value in [b"value".to_vec(), bytes(10_000, true)] {
            let files = Memory::default();
            let store = over(Faulty::new(files.clone(), fault, at));
            let committed = try_commit(&store, "step", &value);
            let case = format!("{fault:?} at {at}: {committed:?}");
            if let Some(loaded) = found(&store, "step") {
                assert_eq!(loaded, value, "{case}");
            }

            let store = over(files.clone());
            let loaded = found(&store, "step");
            assert!(loaded.as_ref().is_none_or(|loaded| *loaded == value), "{case}");
            if committed.is_ok() && fault != Fault::Torn {
                assert!(loaded.is_some(), "{case}");
            }
            store.take_warnings();
            assert_eq!(found(&store, "step"), loaded, "{case}");
            assert_eq!(store.take_warnings(), Vec::<String>::new(), "the second look is clean: {case}");
            commit(&store, "step", &value);
            assert_eq!(found(&store, "step"), Some(value), "{case}");
        }
    }
}
