//! The processor's time counter. Reading it needs no call into the system's library, and costs a third of reading the clock.
//!
//! The only `unsafe` of this crate. With the report, which is the default, it makes a no-op step a third cheaper
//! (`benches/overhead`, `run+report`): reading the clock at its end was half of the cost.

#![allow(unsafe_code)]

use std::sync::OnceLock;

/// Reports whether the counter can serve as a clock: it runs evenly, never stops, and is the same on every core.
///
/// The kernel uses another clock if one of these does not hold, so this asks the kernel, once for the process.
pub(super) fn is_a_clock() -> bool {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    *KNOWN.get_or_init(|| {
        let known = cfg!(all(target_arch = "x86_64", target_os = "linux", not(miri)));
        let source = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
        known && std::fs::read_to_string(source).is_ok_and(|source| source.trim() == "tsc")
    })
}

/// Reads the counter; 0 if it [is no clock](is_a_clock).
#[inline]
pub(super) fn read() -> u64 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: every processor of this architecture has the instruction, and it accesses no memory. A process that has disabled
    // it for itself (`PR_SET_TSC`) cannot read the kernel's clock either, which uses the same counter.
    return unsafe { std::arch::x86_64::_rdtsc() };
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    return 0;
}
