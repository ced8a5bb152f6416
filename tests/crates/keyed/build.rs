//! The trace of the steps.

fn main() {
    pipeline_build::trace();
}
