//! Steps written by `macro_rules!`, with names and types from either side.

use pipeline::Step;
use pipeline::prelude::*;

macro_rules! constants {
    ($($name:ident: $ty:ty = $value:expr),*) => { $(
        #[step]
        fn $name() -> $ty {
            $value
        }
    )* };
}

constants!(one: u32 = 1, two: Vec<u32> = vec![2]);

macro_rules! reader {
    ($name:ident, $upstream:path, $ty:ty) => {
        #[step(after($upstream))]
        fn $name(#[from($upstream)] value: $ty, #[from($upstream)] again: &u32, one: &u32) -> u32 {
            *value + *again + *one
        }
    };
}

reader!(borrowed, self::one, &u32);

macro_rules! whole {
    ($(#[$meta:meta])* fn $name:ident($($param:ident: $ty:ty),*) -> $output:ty $body:block) => {
        $(#[$meta])*
        #[step(crate = $crate::inner)]
        fn $name($($param: $ty),*) -> $output $body
    };
}

whole! {
    /// Documented.
    fn three(one: &u32, two: &[u32], borrowed: u32) -> Result<u32, std::io::Error> { Ok(*one + two[0] + borrowed) }
}

mod inner {
    pub use pipeline::__private;
}

macro_rules! policies {
    ($name:ident, $retries:expr, $wait:literal, $limit:literal, $amount:expr, $priority:literal, $when:expr,
     $fallback:expr, $branch:ident, $pattern:pat, $guard:expr, $step:path) => {
        #[step(
            retries = $retries,
            backoff = $wait,
            limit($limit = $amount),
            priority = $priority,
            when = $when,
            fallback = $fallback,
            switch($pattern if $guard => $step, _ => $branch)
        )]
        fn $name(#[from(one, one, at_least = $amount)] ones: Vec<&u32>) -> Option<u32> {
            ones.first().map(|one| **one)
        }

        #[step(branch = $name)]
        fn $branch() {}
    };
}

policies!(
    with_policies,
    2,
    "1s",
    "db",
    1,
    -3,
    |ones| ones.len() > 1,
    |_| None,
    a_branch,
    Some(0..=3) | None,
    1 + 1 == 2,
    self::a_branch
);

fn main() {
    let policy = &with_policies::def().policy;
    assert_eq!((policy.retries, policy.priority, policy.when), (Some(2), -3, Some("|ones| ones.len() > 1")));

    assert_eq!(three::def().doc, "Documented.");
    assert_eq!(three::def().inputs.len(), 3);
    assert_eq!(borrowed(&1, &1, &1), 3);
}
