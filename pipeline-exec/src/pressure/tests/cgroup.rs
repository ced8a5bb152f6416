use super::Root;
use crate::pressure::cgroup::Limits;

const UNIFIED: &str = "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
const MEMORY_V1: &str = "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";

fn smallest(root: &Root) -> Option<u64> {
    Limits::find(root.path()).smallest()
}

#[test]
fn without_groups_there_is_no_limit() {
    assert_eq!(smallest(&Root::new()), None);
}

#[test]
fn version_2_has_the_smallest_limit_of_the_group_and_those_above() {
    let root = Root::new();
    root.file("proc/self/mountinfo", UNIFIED).file("proc/self/cgroup", "0::/a/b/c\n");
    assert_eq!(smallest(&root), None);
    root.file("sys/fs/cgroup/a/b/c/memory.max", "max\n");
    assert_eq!(smallest(&root), None);
    root.file("sys/fs/cgroup/a/b/memory.max", "7000\n");
    assert_eq!(smallest(&root), Some(7000));
    root.file("sys/fs/cgroup/a/memory.max", "5000\n");
    assert_eq!(smallest(&root), Some(5000));
    root.file("sys/fs/cgroup/a/b/c/memory.max", "6000\n");
    assert_eq!(smallest(&root), Some(5000));
    root.file("sys/fs/cgroup/a/other/memory.max", "1\n");
    assert_eq!(smallest(&root), Some(5000));
}

#[test]
fn the_limit_that_slows_a_group_down_counts_too() {
    let root = Root::new();
    root.file("proc/self/mountinfo", UNIFIED).file("proc/self/cgroup", "0::/a\n");
    root.file("sys/fs/cgroup/a/memory.max", "6000\n").file("sys/fs/cgroup/a/memory.high", "4000\n");
    assert_eq!(smallest(&root), Some(4000));
}

#[test]
fn version_1_has_the_smallest_limit_and_a_huge_number_for_none() {
    let root = Root::new();
    root.file("proc/self/mountinfo", MEMORY_V1)
        .file("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/a/b\n0::/\n");
    let unlimited = "9223372036854771712\n";
    root.file("sys/fs/cgroup/memory/memory.limit_in_bytes", unlimited);
    root.file("sys/fs/cgroup/memory/a/memory.limit_in_bytes", unlimited);
    assert_eq!(smallest(&root), None);
    root.file("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "3000\n");
    root.file("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "4000\n");
    assert_eq!(smallest(&root), Some(3000));
}

#[test]
fn both_versions_are_read() {
    let root = Root::new();
    let other = "36 31 0:33 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n";
    let unified = "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
    root.file("proc/self/mountinfo", format!("{other}{MEMORY_V1}{unified}"));
    root.file("proc/self/cgroup", "4:memory:/a\n1:cpu:/a\n0::/b\n");
    root.file("sys/fs/cgroup/cpu/a/memory.limit_in_bytes", "1\n");
    root.file("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "3000\n");
    assert_eq!(smallest(&root), Some(3000));
    root.file("sys/fs/cgroup/unified/b/memory.max", "2000\n");
    assert_eq!(smallest(&root), Some(2000));
}

#[test]
fn a_container_that_sees_the_path_on_the_host_finds_its_group() {
    let root = Root::new();
    let mount = "35 31 0:32 /docker/id /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
    root.file("proc/self/mountinfo", mount).file("proc/self/cgroup", "4:memory:/docker/id/inner\n");
    root.file("sys/fs/cgroup/memory/inner/memory.limit_in_bytes", "2000\n");
    root.file("sys/fs/cgroup/memory/memory.limit_in_bytes", "9000\n");
    assert_eq!(smallest(&root), Some(2000));
}

#[test]
fn a_group_that_is_not_below_the_mount_leaves_the_mount_point() {
    for group in ["0::/../../elsewhere\n", "0::/nowhere/at/all\n"] {
        let root = Root::new();
        root.file("proc/self/mountinfo", UNIFIED).file("proc/self/cgroup", group);
        root.file("sys/fs/cgroup/memory.max", "8000\n").file("elsewhere/memory.max", "1\n");
        assert_eq!(smallest(&root), Some(8000), "{group}");
    }
}

#[test]
fn spaces_in_the_mount_point_are_decoded() {
    let root = Root::new();
    let mount = "31 23 0:28 / /my\\040groups rw - cgroup2 cgroup2 rw\n";
    root.file("proc/self/mountinfo", mount).file("proc/self/cgroup", "0::/\n");
    root.file("my groups/memory.max", "8000\n");
    assert_eq!(smallest(&root), Some(8000));
}

#[test]
fn a_changed_limit_is_read_without_finding_the_group_again() {
    let root = Root::new();
    root.file("proc/self/mountinfo", UNIFIED).file("proc/self/cgroup", "0::/a\n");
    root.file("sys/fs/cgroup/a/memory.max", "8000\n");
    let mut limits = Limits::find(root.path());
    assert_eq!(limits.smallest(), Some(8000));
    root.file("sys/fs/cgroup/a/memory.max", "4000\n");
    assert_eq!(limits.smallest(), Some(4000));
}
