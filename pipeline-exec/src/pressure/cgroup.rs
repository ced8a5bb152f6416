//! The memory limits of control groups, in both versions of their file system.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::procfs::Kept;

/// A v1 limit above this means none: the kernel then reports the largest number of whole pages.
const NO_LIMIT: u64 = 1 << 62;

/// The files that can limit the memory of this process: those of its group and of all groups above.
///
/// They are found once and read each time, because limits change while processes run, but groups rarely do.
pub(super) struct Limits {
    files: Vec<Kept>,
}

impl Limits {
    /// Finds the groups of this process under `root`, which is `/` except in tests. To find none is no error: most machines
    /// set no limit, and some have no groups.
    pub(super) fn find(root: &Path) -> Self {
        let read = |file: &str| fs::read_to_string(root.join("proc/self").join(file)).unwrap_or_default();
        let (groups, mounts) = (read("cgroup"), read("mountinfo"));
        let files = mounts.lines().filter_map(Mount::parse).flat_map(|mount| mount.files(root, &groups));
        Limits { files: files.filter_map(|file| Kept::open(&file).ok()).collect() }
    }

    /// Returns the smallest limit at this moment, in bytes.
    pub(super) fn smallest(&mut self) -> Option<u64> {
        self.files
            .iter_mut()
            .filter_map(|file| file.read().ok()?.trim().parse().ok())
            .filter(|limit| *limit < NO_LIMIT)
            .min()
    }
}

/// A mounted hierarchy of groups that can limit memory.
struct Mount {
    /// The group at the mount point.
    group: PathBuf,
    point: PathBuf,
    unified: bool,
}

impl Mount {
    /// Reads a line of `mountinfo`: `id parent device root point options… - type source super-options`.
    fn parse(line: &str) -> Option<Self> {
        let (left, right) = line.split_once(" - ")?;
        let mut right = right.split(' ');
        let unified = match (right.next()?, right.nth(1)?) {
            ("cgroup2", _) => true,
            ("cgroup", options) if options.split(',').any(|option| option == "memory") => false,
            _ => return None,
        };
        let mut left = left.split(' ').skip(3);
        Some(Mount { group: unescaped(left.next()?), point: unescaped(left.next()?), unified })
    }

    /// Returns the limit files of the process's group and of the visible groups above it. Some may not exist.
    fn files(&self, root: &Path, groups: &str) -> Vec<PathBuf> {
        let Some(group) = groups.lines().find_map(|line| self.group_of(line)) else { return Vec::new() };
        // A container may see the path of its group on the host, but mount only the lower part of it. If the two do not
        // fit together, the mount point itself is the closest visible group.
        let below = group.strip_prefix(&self.group).unwrap_or(Path::new(""));
        let below = if below.components().all(|part| matches!(part, Component::Normal(_))) {
            below
        } else {
            Path::new("")
        };
        let point = root.join(self.point.strip_prefix("/").unwrap_or(&self.point));
        // `memory.high` does not kill, but slows a process above it down until it is useless.
        let names: &[&str] =
            if self.unified { &["memory.max", "memory.high"] } else { &["memory.limit_in_bytes"] };
        let files = below.ancestors().flat_map(|group| names.iter().map(move |name| group.join(name)));
        files.map(|file| point.join(file)).collect()
    }

    /// Returns the path in a line of `/proc/self/cgroup` (`id:controllers:path`), if the line is of this hierarchy.
    fn group_of<'a>(&self, line: &'a str) -> Option<&'a Path> {
        let mut fields = line.splitn(3, ':');
        let (id, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let ours = if self.unified {
            id == "0" && controllers.is_empty()
        } else {
            controllers.split(',').any(|controller| controller == "memory")
        };
        ours.then_some(Path::new(path))
    }
}

/// Decodes a path of `mountinfo`, which has spaces, tabs, line ends and backslashes as three octal digits.
fn unescaped(text: &str) -> PathBuf {
    let codes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    codes.iter().fold(text.to_owned(), |text, (code, char)| text.replace(code, char)).into()
}
