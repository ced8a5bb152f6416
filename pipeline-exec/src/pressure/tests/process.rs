//! The sampler on a made-up `/proc`.

use std::io::ErrorKind;
use std::time::Duration;

use super::Root;
use crate::pressure::{ProcessSampler, Sample, Sampler};

const PAGE: u64 = 4096;

/// A process in `/proc`; 100 ticks per second, pages of 4 KiB.
struct Made {
    pid: u32,
    threads: u32,
    ticks: [u64; 4],
    image: (u64, u64),
    pages: u64,
}

fn made(pid: u32) -> Made {
    Made { pid, threads: 1, ticks: [0; 4], image: (u64::from(pid), u64::from(pid)), pages: 0 }
}

impl Made {
    fn put(&self, root: &Root, name: &str) {
        let [user, system, user_ended, system_ended] = self.ticks;
        let (threads, (size, stack)) = (self.threads, self.image);
        let times = format!("{user} {system} {user_ended} {system_ended}");
        let stat = format!(
            "{} (a) b (c\u{7f}) S 1 1 1 0 -1 0 0 0 0 0 {times} 20 0 {threads} 0 99 {size} 1 2 3 4 {stack} 0",
            self.pid
        );
        root.file(&format!("proc/{name}/stat"), stat);
        root.file(&format!("proc/{name}/statm"), format!("{size} {} 0 0 0 0 0\n", self.pages));
    }
}

fn children(root: &Root, name: &str, thread: u32, children: &str) {
    root.file(&format!("proc/{name}/task/{thread}/children"), children);
}

fn root() -> Root {
    let root = Root::new();
    let pairs: [usize; 8] = [33, 77, 6, PAGE as usize, 17, 100, 0, 0];
    let auxv: Vec<u8> = pairs.iter().flat_map(|word| word.to_ne_bytes()).collect();
    root.file("proc/self/auxv", auxv);
    root.file("proc/meminfo", "MemTotal:       24684092 kB\nMemAvailable:   1000 kB\nBuffers: 3 kB\n");
    root
}

fn sampler(root: &Root) -> ProcessSampler {
    ProcessSampler::below(root.path(), || true).expect("a sampler")
}

fn sample(root: &Root) -> Sample {
    sampler(root).sample().expect("a sample")
}

#[test]
fn a_process_without_children_is_measured() {
    let root = root();
    Made { threads: 2, ticks: [100, 50, 20, 5], pages: 10, ..made(7) }.put(&root, "self");
    children(&root, "self", 7, "");
    children(&root, "self", 8, "");
    let sample = sample(&root);
    assert_eq!((sample.memory, sample.threads), (10 * PAGE, 2));
    assert_eq!(sample.cpu, Duration::from_millis(1750));
    assert_eq!((sample.available, sample.limit_seen), (Some(1_024_000), None));
}

#[test]
fn children_of_every_thread_and_their_children_are_added() {
    let root = root();
    Made { threads: 2, pages: 1, ..made(7) }.put(&root, "self");
    children(&root, "self", 7, "20 ");
    children(&root, "self", 8, "30 31 ");
    Made { pages: 10, ticks: [1, 1, 1, 1], ..made(20) }.put(&root, "20");
    Made { pages: 100, threads: 2, ..made(30) }.put(&root, "30");
    children(&root, "30", 30, "");
    children(&root, "30", 33, "40 ");
    Made { pages: 1000, ..made(31) }.put(&root, "31");
    Made { pages: 10_000, ..made(40) }.put(&root, "40");
    let sample = sample(&root);
    assert_eq!((sample.memory, sample.threads), (11_111 * PAGE, 7));
    assert_eq!(sample.cpu, Duration::from_millis(40));
}

#[test]
fn a_child_that_ended_since_it_was_listed_is_left_out() {
    let root = root();
    Made { pages: 1, ..made(7) }.put(&root, "self");
    children(&root, "self", 7, "20 21 ");
    Made { pages: 10, ..made(21) }.put(&root, "21");
    assert_eq!(sample(&root).memory, 11 * PAGE);
}

#[test]
fn a_child_that_did_not_execute_a_program_yet_is_not_counted_twice() {
    let root = root();
    Made { pages: 50, image: (900, 1), ..made(7) }.put(&root, "self");
    children(&root, "self", 7, "20 21 ");
    Made { pages: 50, image: (900, 1), ..made(20) }.put(&root, "20");
    children(&root, "20", 20, "30 ");
    Made { pages: 50, image: (900, 2), ..made(21) }.put(&root, "21");
    Made { pages: 50, image: (900, 1), ..made(30) }.put(&root, "30");
    assert_eq!(sample(&root).memory, 100 * PAGE);
}

#[test]
fn a_table_with_a_cycle_is_visited_once() {
    let root = root();
    Made { pages: 1, ..made(7) }.put(&root, "self");
    children(&root, "self", 7, "20 ");
    Made { pages: 10, ..made(20) }.put(&root, "20");
    children(&root, "20", 20, "7 20 ");
    assert_eq!(sample(&root).memory, 11 * PAGE);
}

#[test]
fn processor_time_does_not_go_back_when_a_child_ends_unwaited() {
    let root = root();
    let own = Made { ticks: [100, 0, 0, 0], ..made(7) };
    own.put(&root, "self");
    children(&root, "self", 7, "20 ");
    Made { ticks: [300, 0, 0, 0], ..made(20) }.put(&root, "20");
    let mut sampler = sampler(&root);
    assert_eq!(sampler.sample().expect("a sample").cpu, Duration::from_secs(4));
    children(&root, "self", 7, "");
    assert_eq!(sampler.sample().expect("a sample").cpu, Duration::from_secs(4));
}

#[test]
fn of_hundreds_of_threads_each_is_asked_in_turn_and_parents_each_time() {
    let root = root();
    Made { threads: 100, ..made(1000) }.put(&root, "self");
    for number in 0..100 {
        children(&root, "self", 1000 + number, &(2000 + number).to_string());
        Made { pages: 1, ..made(2000 + number) }.put(&root, &(2000 + number).to_string());
    }
    let mut sampler = sampler(&root);
    let found: Vec<u64> = (0..9).map(|_| sampler.sample().expect("a sample").memory / PAGE).collect();
    assert_eq!(found, [16, 32, 48, 64, 80, 96, 100, 100, 100]);
    children(&root, "self", 1050, "");
    assert_eq!(sampler.sample().expect("a sample").memory, 99 * PAGE);
}

#[test]
fn without_lists_of_children_only_this_process_is_measured() {
    let root = root();
    Made { pages: 3, ..made(7) }.put(&root, "self");
    assert_eq!(sample(&root).memory, 3 * PAGE);
}

#[test]
fn without_proc_the_sampler_is_unsupported_and_names_a_remedy() {
    let root = Root::new();
    let error = ProcessSampler::below(root.path(), || true).expect_err("no sampler");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("another sampler"), "{error}");
}

#[test]
fn invalid_figures_are_an_error_and_not_zero() {
    let root = root();
    made(7).put(&root, "self");
    let mut sampler = sampler(&root);
    root.file("proc/self/statm", "many pages\n");
    assert_eq!(sampler.sample().expect_err("no sample").kind(), ErrorKind::InvalidData);
}

#[test]
fn threads_are_not_asked_without_any_child() {
    let root = root();
    Made { pages: 1, ..made(7) }.put(&root, "self");
    children(&root, "self", 7, "20 ");
    Made { pages: 10, ..made(20) }.put(&root, "20");
    let mut sampler = ProcessSampler::below(root.path(), || false).expect("a sampler");
    assert_eq!(sampler.sample().expect("a sample").memory, PAGE);
}

#[test]
fn a_closure_is_a_sampler() {
    let mut memory = 0;
    let mut sampler: Box<dyn Sampler> = Box::new(move || {
        memory += 5;
        Ok(Sample::of_memory(memory))
    });
    let seen = [sampler.sample(), sampler.sample()].map(|sample| sample.expect("a sample").memory);
    assert_eq!(seen, [5, 10]);
}
