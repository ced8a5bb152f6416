fn main() {
    pipeline_build::trace();
}
