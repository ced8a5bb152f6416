mod budget;
mod cgroup;
mod control;
mod curve;
mod laws;
mod process;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder that replaces `/`, removed at the end of the test.
struct Root(PathBuf);

impl Root {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("pipeline-pressure-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a new folder");
        Root(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn file(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let file = self.0.join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, content).expect("a file");
        self
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        // A leftover folder does no harm; a panic here would hide the test's own.
        let _ = fs::remove_dir_all(&self.0);
    }
}
