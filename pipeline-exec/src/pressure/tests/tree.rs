//! The sampler on the real system.
#![cfg(target_os = "linux")]
#![allow(clippy::print_stderr, clippy::disallowed_methods, reason = "a measurement is printed")]

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::pressure::{ProcessSampler, Sample, Sampler};

const MIB: u64 = 1 << 20;

/// Held by a test that measures how memory grows, because it would also measure the memory of another test.
static MEMORY: Mutex<()> = Mutex::new(());

/// Ends the child with the test, even if an assertion fails.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn sampler() -> ProcessSampler {
    ProcessSampler::new().expect("a system with /proc")
}

/// Samples until one is as wanted, or returns the last one after a minute.
fn sample_until(sampler: &mut ProcessSampler, wanted: impl Fn(&Sample) -> bool) -> Sample {
    let begin = Instant::now();
    loop {
        let sample = sampler.sample().expect("a sample");
        if wanted(&sample) || begin.elapsed() > Duration::from_mins(1) {
            return sample;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn this_process_is_measured() {
    let sample = sampler().sample().expect("a sample");
    assert!(sample.memory > MIB / 2 && sample.memory < 1 << 40, "{sample:?}");
    assert!(sample.available.is_some_and(|bytes| bytes > MIB), "{sample:?}");
    assert!(sample.threads >= 1, "{sample:?}");
}

#[test]
fn memory_of_this_process_is_seen() {
    let _alone = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    let mut sampler = sampler();
    let before = sampler.sample().expect("a sample").memory;
    let held = std::hint::black_box(vec![1_u8; 256 * MIB as usize]);
    let after = sampler.sample().expect("a sample").memory;
    // Other tests run in this process at the same time, and free less than that.
    assert!(after > before + 128 * MIB, "{before} {after}");
    drop(held);
}

#[test]
fn memory_of_a_childs_child_is_seen() {
    let _alone = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    let mut sampler = sampler();
    let before = sampler.sample().expect("a sample").memory;
    // `tail` keeps an unfinished line until its input is closed.
    let tail = "{ head -c 400000000 /dev/zero; cat; } | tail -n 1 > /dev/null";
    let mut command = Command::new("sh");
    let child = command.args(["-c", tail]).stdin(Stdio::piped()).spawn().expect("a shell");
    let mut child = Ended(child);
    let sample = sample_until(&mut sampler, |sample| sample.memory > before + 300 * MIB);
    assert!(sample.memory > before + 300 * MIB, "{before} {sample:?}");
    let mut input = child.0.stdin.take().expect("a pipe");
    input.write_all(b"\n").expect("it reads until the end");
}

#[test]
fn processor_time_grows() {
    let mut sampler = sampler();
    let before = sampler.sample().expect("a sample").cpu;
    let busy = thread::spawn(|| {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_millis(50) {
            std::hint::spin_loop();
        }
    });
    busy.join().expect("it ends");
    let after = sample_until(&mut sampler, |sample| sample.cpu > before).cpu;
    assert!(after > before, "{before:?} {after:?}");
}

/// `cargo test --release -p pipeline-exec cost -- --ignored --nocapture`; 250 µs per sample are 0.1 % of a core.
#[test]
#[ignore = "prints what a sample costs"]
fn cost_of_a_sample() {
    for (threads, child) in [(0, false), (64, false), (512, false), (0, true), (64, true), (512, true)] {
        let (stop, waiting): (Vec<_>, Vec<_>) = (0..threads)
            .map(|_| {
                let (stop, stopped) = std::sync::mpsc::channel::<()>();
                (stop, thread::spawn(move || stopped.recv()))
            })
            .unzip();
        let child = child
            .then(|| Ended(Command::new("cat").stdin(Stdio::piped()).spawn().expect("a process that waits")));
        let mut sampler = sampler();
        let cpu = sampler.sample().expect("a sample").cpu;
        let begin = Instant::now();
        for _ in 0..1000 {
            sampler.sample().expect("a sample");
        }
        let wall = begin.elapsed().as_nanos() / 1000;
        let cpu = sampler.sample().expect("a sample").cpu.saturating_sub(cpu).as_nanos() / 1000;
        let with = if child.is_some() { "with a child" } else { "without child" };
        eprintln!("{threads} threads, {with}: {wall} ns per sample, {cpu} ns of them on a core");
        drop((stop, child));
        waiting.into_iter().for_each(|thread| drop(thread.join()));
    }
}
