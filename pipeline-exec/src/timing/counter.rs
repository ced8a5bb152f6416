//! The processor's counter of time: read without a call into the system's library, a third of what a look at the clock costs.
//!
//! The only `unsafe` of this crate. With the report, which is the default, a step that does nothing costs a third less
//! (`benches/overhead`, `run+report`): the look at its end was half of it.

#![allow(unsafe_code)]

use std::sync::OnceLock;

/// Whether the counter can be read as a clock: it runs evenly, never stops, and is the same on every core.
///
/// The kernel knows, and takes another clock where one of these does not hold. So it is asked, once for the process.
pub(super) fn is_a_clock() -> bool {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    *KNOWN.get_or_init(|| {
        let known = cfg!(all(target_arch = "x86_64", target_os = "linux", not(miri)));
        let source = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
        known && std::fs::read_to_string(source).is_ok_and(|source| source.trim() == "tsc")
    })
}

/// What the counter shows; 0 where it [is no clock](is_a_clock).
#[inline]
pub(super) fn read() -> u64 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: every processor of this architecture has the instruction, and it reads and writes no memory. A process that has
    // forbidden it to itself (`PR_SET_TSC`) cannot look at the kernel's clock either, which reads the same counter.
    return unsafe { std::arch::x86_64::_rdtsc() };
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    return 0;
}
