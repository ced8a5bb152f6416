//! What `#[step]` accepts, and what it says of the rest: each file in `ui/fail` has its message beside it.
//!
//! The messages are rustc's too, so they hold for the pinned toolchain. `TRYBUILD=overwrite` writes them anew: read
//! each one as its user would.

#[test]
fn ui() {
    let tests = trybuild::TestCases::new();
    tests.pass("tests/ui/pass/*.rs");
    tests.compile_fail("tests/ui/fail/*.rs");
}
