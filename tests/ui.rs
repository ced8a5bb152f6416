//! What `#[step]` accepts, and its messages for the rest: each file in `ui/fail` has its message beside it.
//!
//! Some messages are rustc's, so they depend on the pinned toolchain. `TRYBUILD=overwrite` rewrites them: read each one
//! as its user would.

#[test]
fn ui() {
    let tests = trybuild::TestCases::new();
    tests.pass("tests/ui/pass/*.rs");
    tests.compile_fail("tests/ui/fail/*.rs");
}
